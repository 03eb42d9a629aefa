"""A head that is known is read as one that is not."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from container.serving.connection import State
from container.serving.heads import KnownHeads
from container.serving.http import Request
from tests.container.serving.lines import LATER, Line


class NeverKnown(KnownHeads):
    """Each is read by the parser."""

    def find(self, data: bytes) -> None:
        return None


def message(line: str, fields: str = "", body: bytes = b"") -> bytes:
    return f"{line}\r\n{fields}\r\n".encode() + body


def post(body: bytes, fields: str = "", target: str = "/invocations", version: str = "1.1") -> bytes:
    return message(f"POST {target} HTTP/{version}", f"{fields}Content-Length: {len(body)}\r\n", body)


MESSAGES = [
    post(b"1,2"),
    post(b"3,4"),
    post(b"\r\n\r\n"),
    post(b"1,2,3", "Content-Type: text/csv\r\nAccept: application/json\r\n"),
    post(b"1,2", "Connection: close\r\n"),
    post(b"1,2", "Expect: 100-continue\r\n"),
    post(b"1,2", "Upgrade: h2c\r\nConnection: upgrade\r\n"),
    post(b"1,2", version="1.0"),
    post(b"1,2", "Connection: keep-alive\r\n", version="1.0"),
    post(b"1,2", target=LATER.decode()),
    post(b""),
    message("GET /ping HTTP/1.1"),
    message("HEAD /ping HTTP/1.1"),
    b"\r\n" + message("GET /ping HTTP/1.1"),
    message("GET /ping HTTP/1.1") + b"\r\n",
    message("POST /x HTTP/1.1", "Transfer-Encoding: chunked\r\n", b"3\r\n1,2\r\n0\r\n\r\n"),
    message("POST /x HTTP/1.1", "Content-Length: many\r\n", b"1"),
    message("POST /x HTTP/1.1", "Content-Length: 9999999\r\n", b"1"),
    message("nonsense"),
    b"\r\n\r\n",
]
PIECES = st.lists(st.sampled_from(range(len(MESSAGES))), min_size=1, max_size=6)


@given(st.lists(st.tuples(PIECES, st.lists(st.integers(0, 600), max_size=2)), min_size=1, max_size=8))
def test_connections_that_share_what_they_know_answer_as_those_that_know_nothing(connections):
    """Whatever is sent, pipelined, and cut; the heads that one connection has learned are known to those after it."""
    shared = KnownHeads()
    for messages, cuts in connections:
        data = b"".join(MESSAGES[number] for number in messages)
        ends = list(itertools.accumulate(len(MESSAGES[number]) for number in messages))
        # Mostly one message in a piece, as clients send that wait for their answers.
        places = sorted(
            {0, *ends, len(data), *(cut % len(data) for cut in cuts)} - set(ends[:1] if len(cuts) > 1 else [])
        )
        knowing, other = Line(heads=shared), Line(heads=NeverKnown())
        for start, end in itertools.pairwise(places):
            for line in (knowing, other):
                if line.wire.reading:
                    line.connection.data_received(data[start:end])
        assert knowing.wire.written == other.wire.written
        assert knowing.desk.asked == other.desk.asked
        assert (knowing.connection.state, knowing.desk.bytes) == (other.connection.state, other.desk.bytes)
        assert knowing.desk.refusals == other.desk.refusals


def test_the_second_request_needs_no_parser():
    line = Line()
    fields = "Content-Type: text/csv\r\n"
    first = line.send(post(b"1,2", fields))
    line.connection._parser = None  # whoever calls it fails
    assert line.send(post(b"1,2", fields)) == first
    assert line.send(post(b"3,4", fields)).endswith(b"3,4")
    assert line.desk.asked[-1] == Request(b"POST", b"/invocations", b"text/csv", body=b"3,4")


def test_a_request_that_recurs_keeps_its_connection_from_growing_old():
    line = Line()
    line.send(post(b"1,2"))
    line.desk.time = 50.0
    line.send(post(b"1,2"))
    assert (line.connection.state, line.connection.since) == (State.IDLE, 50.0)


@pytest.mark.parametrize(
    "fields", ["Transfer-Encoding: chunked\r\n", "Expect: 100-continue\r\n", "Connection: close\r\n"]
)
def test_what_means_more_than_its_bytes_is_not_remembered(fields):
    line = Line()
    line.send(message("POST /x HTTP/1.1", fields, b"0\r\n\r\n" if "chunked" in fields else b""))
    assert len(line.desk.asked) == 1
    assert line.desk.heads.count == 0


def test_memory_for_heads_is_bounded():
    heads = KnownHeads()
    for number in range(2_000):
        heads.learn(message(f"GET /{number} HTTP/1.1"), Request(b"GET", b"/"))
    assert 0 < heads.count <= 512
    before = heads.count
    heads.learn(message("GET / HTTP/1.1", f"Long: {'x' * 3_000}\r\n"), Request(b"GET", b"/"))
    assert heads.count == before
