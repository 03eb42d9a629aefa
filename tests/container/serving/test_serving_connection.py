"""Bytes in, bytes out."""

import itertools
import sys
from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from container.serving.connection import MAXIMUM_BODY_BYTES, MAXIMUM_HEAD_BYTES, State
from container.serving.http import Request, Response
from tests.container.serving.lines import LATER, Line

ROW = b"4.6,3.1,1.5,0.2"


@pytest.fixture
def line() -> Line:
    return Line()


def post(body: bytes = ROW, target: bytes = b"/invocations", fields: str = "") -> bytes:
    return f"POST {target.decode()} HTTP/1.1\r\nHost: x\r\n{fields}Content-Length: {len(body)}\r\n\r\n".encode() + body


def answer(body: bytes = ROW, status: str = "200 OK", *, close: bool = False) -> bytes:
    end = "connection: close\r\n" if close else ""
    head = f"HTTP/1.1 {status}\r\ncontent-type: text/plain\r\ndate: now\r\n{end}content-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def test_a_request_and_its_answer(line: Line) -> None:
    fields = "CONTENT-TYPE: text/csv\r\naccept: text/csv\r\nAccept: */*\r\nContent-Encoding: gzip\r\n"
    assert line.send(post(fields=fields)) == answer()
    assert line.desk.asked == [Request(b"POST", b"/invocations", b"text/csv", b"text/csv, */*", b"gzip", ROW)]
    assert line.connection.state is State.IDLE
    assert line.desk.bytes == 0


def test_the_next_request_knows_nothing_of_the_one_before(line: Line) -> None:
    line.send(
        post(fields="Content-Type: text/csv\r\nAccept: a/b\r\nContent-Encoding: gzip\r\nExpect: 100-continue\r\n")
    )
    assert line.send(b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n") == answer(b"/ping")
    assert line.desk.asked[1] == Request(b"GET", b"/ping")


@given(cuts=st.lists(st.integers(0, 300), max_size=20))
def test_bytes_may_be_cut_anywhere(cuts: list[int]) -> None:
    whole = (
        post()
        + post(b"", b"/ping")
        + b"POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n1,2\r\n2\r\n,3\r\n0\r\n\r\n"
    )
    places = [0, *sorted(cut % len(whole) for cut in cuts), len(whole)]
    line = Line()
    for start, end in itertools.pairwise(places):
        line.connection.data_received(whole[start:end])
    assert line.wire.written == answer() + answer(b"/ping") + answer(b"1,2,3")
    assert (line.desk.bytes, line.connection.state) == (0, State.IDLE)


@pytest.mark.parametrize("cuts", [[], [1_000], [40, 1_000, 2_000]])
@pytest.mark.parametrize("target", [b"/invocations", LATER])
def test_a_connection_that_waits_for_the_next_request_holds_nothing_of_the_last(
    line: Line, target: bytes, cuts: list[int]
) -> None:
    whole = post(b"1" * 5_000, target)
    for start, end in itertools.pairwise([0, *cuts, len(whole)]):
        line.connection.data_received(whole[start:end])
    body = line.desk.asked.pop().body
    if target == LATER:
        line.connection.answer(Response(HTTPStatus.OK, b"done"))
    assert len(body) == 5_000
    assert sys.getrefcount(body) == 2  # ours, and the question's


@given(cuts=st.lists(st.integers(0, 3_000), max_size=20))
def test_large_bodies_one_after_the_other_may_be_cut_anywhere(cuts: list[int]) -> None:
    bodies = [bytes([each]) * length for each, length in zip(b"abcd", (900, 1, 700, 300), strict=True)]
    whole = b"".join(map(post, bodies))
    places = [0, *sorted(cut % len(whole) for cut in cuts), len(whole)]
    line = Line()
    for start, end in itertools.pairwise(places):
        line.connection.data_received(whole[start:end])
    assert line.wire.written == b"".join(map(answer, bodies))
    assert (line.desk.bytes, line.connection.state) == (0, State.IDLE)


def test_what_is_asked_while_one_is_worked_on_waits_for_its_turn(line: Line) -> None:
    assert line.send(post(target=LATER) + post(b"1") + post(target=LATER) + post(b"2")) == b""
    assert not line.wire.reading
    assert len(line.desk.asked) == 1
    line.connection.answer(Response(HTTPStatus.OK, b"first"))
    assert line.wire.written == answer(b"first") + answer(b"1")
    assert not line.wire.reading
    line.connection.answer(Response(HTTPStatus.OK, b"third"))
    assert line.wire.written == answer(b"first") + answer(b"1") + answer(b"third") + answer(b"2")
    assert line.wire.reading
    assert line.connection.state is State.IDLE


def test_who_has_said_all_still_gets_the_answers(line: Line) -> None:
    line.send(post(target=LATER) + post(b"1"))
    assert line.connection.eof_received() is True
    line.connection.answer(Response(HTTPStatus.OK, b"first"))
    assert line.wire.written == answer(b"first") + answer(b"1")
    assert line.wire.closed


def test_an_answer_for_a_client_that_has_left_goes_nowhere(line: Line) -> None:
    line.send(post(target=LATER))
    line.connection.connection_lost(None)
    line.connection.answer(Response(HTTPStatus.OK, b"first"))
    assert line.wire.written == b""


@pytest.mark.parametrize(
    "request_",
    [
        post(fields="Connection: close\r\n"),
        post().replace(b"HTTP/1.1", b"HTTP/1.0"),
    ],
    ids=["close", "1.0"],
)
def test_the_last_answer_of_a_connection_says_so(line: Line, request_: bytes) -> None:
    assert line.send(request_) == answer(close=True)
    assert (line.wire.ended, line.connection.state) == (True, State.LEAVING)
    assert line.send(post()) == b""
    assert line.connection.eof_received() is False


def test_another_protocol_is_not_spoken(line: Line) -> None:
    fields = b"Connection: Upgrade\r\nUpgrade: h2c\r\n"
    assert line.send(b"GET /ping HTTP/1.1\r\nHost: x\r\n%b\r\n" % fields) == answer(b"/ping", close=True)
    line = Line()
    reason = b"there is only HTTP/1.1 here; send the body without an Upgrade"
    assert line.send(post(fields=fields.decode())) == answer(reason, "400 Bad Request", close=True)


def test_a_draining_worker_answers_and_leaves(line: Line) -> None:
    line.send(post(target=LATER))
    line.desk.draining = True
    line.connection.answer(Response(HTTPStatus.OK, b"first"))
    assert line.wire.written == answer(b"first", close=True)
    assert line.connection.state is State.LEAVING


def test_head_gets_no_body(line: Line) -> None:
    assert line.send(b"HEAD /ping HTTP/1.1\r\nHost: x\r\n\r\n") == answer(b"/ping").removesuffix(b"/ping")


TOO_LARGE = b"the body is larger than 6291456 bytes; send fewer rows"


def test_a_body_over_the_limit_is_refused_before_it_comes(line: Line) -> None:
    head = (
        post(fields="Expect: 100-continue\r\n")
        .replace(b"Content-Length: 15", b"Content-Length: 6291457")
        .removesuffix(ROW)
    )
    refused = line.send(head)
    assert refused == answer(TOO_LARGE, "413 Request Entity Too Large", close=True).replace(
        b"413 Request Entity Too Large", f"413 {HTTPStatus.REQUEST_ENTITY_TOO_LARGE.phrase}".encode()
    )
    assert (line.desk.asked, line.desk.refusals) == ([], [HTTPStatus.REQUEST_ENTITY_TOO_LARGE])


def test_a_body_over_the_limit_without_a_length_is_refused_and_forgotten(line: Line) -> None:
    line.send(b"POST /invocations HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
    part = b"100000\r\n" + b"1" * 1024**2 + b"\r\n"
    for _ in range(6):
        assert line.send(part) == b""
    assert line.desk.bytes == MAXIMUM_BODY_BYTES
    assert TOO_LARGE in line.send(part)
    assert line.desk.bytes == 0
    assert line.send(part + b"0\r\n\r\n") == b""
    assert line.send(post()) == answer()
    assert line.desk.refusals == [HTTPStatus.REQUEST_ENTITY_TOO_LARGE]


def test_who_does_not_stop_sending_is_cut_off(line: Line) -> None:
    line.send(b"POST /invocations HTTP/1.1\r\nContent-Length: 999999999\r\n\r\n")
    for _ in range(60):
        line.send(b"1" * 1024**2)
    assert line.wire.aborted


def test_a_body_of_exactly_the_limit_is_taken(line: Line) -> None:
    body = b"1" * MAXIMUM_BODY_BYTES
    assert line.send(post(body)) == answer(body)


@pytest.mark.parametrize(
    "garbage", [b"\x16\x03\x01\x02", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET\r\n\r\n", b"a" * 9]
)
def test_what_is_not_http_is_answered_with_400(line: Line, garbage: bytes) -> None:
    written = line.send(garbage)
    assert written == answer(b"this is not HTTP/1.1", "400 Bad Request", close=True)
    assert line.connection.state is State.LEAVING


@pytest.mark.parametrize("begin", [b"GET /ping HTTP/1.1\r\nX: ", b"GET /"])
def test_a_head_has_a_limit(line: Line, begin: bytes) -> None:
    line.send(post() + begin)
    for _ in range(MAXIMUM_HEAD_BYTES // 1024):
        line.send(b"a" * 1024)
    assert b"431 " in line.send(b"a" * 1024)
    assert line.desk.refusals == [HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE]


def test_a_long_body_before_a_head_is_not_taken_for_one(line: Line) -> None:
    line.send(post(b"1" * 400_000)[:200_000])
    line.send(post(b"1" * 400_000)[200_000:] + b"GET /ping HTTP/1.1\r\n")
    assert line.send(b"Host: x\r\n\r\n") == answer(b"/ping")


def test_a_client_that_does_not_fetch_is_not_read_from(line: Line) -> None:
    line.desk.time = 7
    line.connection.pause_writing()
    assert (line.wire.reading, line.connection.stalled_since) == (False, 7)
    line.connection.resume_writing()
    assert (line.wire.reading, line.connection.stalled_since) == (True, None)


def test_a_request_that_does_not_end_is_refused(line: Line) -> None:
    line.send(post()[:-1])
    assert line.connection.state is State.READING
    line.connection.time_out()
    assert line.wire.written.startswith(b"HTTP/1.1 408 ")
    assert (line.connection.state, line.desk.bytes) == (State.LEAVING, 0)


@given(
    st.lists(
        st.binary(max_size=200) | st.sampled_from([post(), post(target=LATER), b"\r\n", b"GET / HTTP/1.1\r\n\r\n"])
    )
)
def test_any_bytes_are_answered_or_waited_for(parts: list[bytes]) -> None:
    line = Line()
    for part in parts:
        line.send(part)
        if line.connection.state is State.WORKING:
            line.connection.answer(Response(HTTPStatus.OK))
    assert b" 5" not in {written[8:10] for written in line.wire.written.split(b"\r\n") if written.startswith(b"HTTP/")}
    line.connection.connection_lost(None)
    assert line.desk.bytes == 0
