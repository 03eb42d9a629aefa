"""What is computed and counted; no server of the benchmark's is started."""

import math
import shutil
import socketserver
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from tests.bench.serving import load
from tests.bench.serving.cores import all_cores, generator_cores, pinned, server_cores
from tests.bench.serving.load import compile_generator, drive, percentiles_ms
from tests.bench.serving.protocols import ARRAY, CSV, OPEN_INFERENCE, write_requests
from tests.bench.serving.stacks import stacks
from tests.bench.serving.table import BEGIN, END, figure, filled, markdown, tables


def test_percentiles_are_latencies_that_were_seen() -> None:
    nanoseconds = np.arange(1, 101, dtype=np.uint64) * 1_000_000
    assert percentiles_ms(nanoseconds, (50, 99, 100)) == [50, 99, 100]
    assert percentiles_ms(nanoseconds[:1], (50, 99)) == [1, 1]
    assert all(math.isnan(value) for value in percentiles_ms(nanoseconds[:0], (50, 99)))


def test_a_request_says_how_long_it_is(tmp_path: Path) -> None:
    head, _, body = CSV.request("1,2.5").partition(b"\r\n\r\n")
    assert body == b"1,2.5"
    assert b"Content-Length: 5" in head
    assert ARRAY.request("1,2.5").endswith(b'{"rows": [[1.0, 2.5]]}')
    assert b'"shape": [1, 2]' in OPEN_INFERENCE.request("1,2.5")
    write_requests(tmp_path / "requests", CSV, ["1,2.5", "3"], [0, 1])
    content = (tmp_path / "requests").read_bytes()
    length, expected = struct.unpack_from("=Ii", content)
    assert content[8 : 8 + length] == CSV.request("1,2.5")
    assert expected == 0
    assert content[8 + length + 8 :] == CSV.request("3")


def test_an_answer_is_the_number_behind_the_marker() -> None:
    assert CSV.answered_class("2\n") == 2
    assert CSV.answered_class("no such path") is None
    assert ARRAY.answered_class("[1]") == 1
    assert OPEN_INFERENCE.answered_class('{"id":"7","outputs":[{"name":"predict","data":[0]}]}') == 0
    assert OPEN_INFERENCE.answered_class('{"error":"3"}') is None


def test_servers_and_generator_share_no_core_where_there_are_two() -> None:
    before = all_cores()
    assert len(server_cores(1)) == 1
    if len(before) > 1:
        assert not server_cores(1) & generator_cores(1)
    assert generator_cores(len(before)) == before
    with pinned(server_cores(1)):
        assert all_cores() == server_cores(1)
    assert all_cores() == before


def test_each_stack_is_a_row_of_its_own() -> None:
    labels = [stack.label for stack in stacks()]
    assert len(labels) == len(set(labels))
    assert next(stack.workers for stack in stacks() if stack.product) == 1


def test_figures_have_three_digits() -> None:
    assert [figure(value) for value in (12345.6, 120, 45.25, 9.876, 0.034)] == ["12,346", "120", "45.2", "9.88", ".03"]


def test_a_table_says_what_was_wrong_or_not_measured() -> None:
    row = {
        "stack": "ours",
        "dataset": "iris",
        "workers": 1,
        "cpu_us": 40.0,
        "requests_per_second": 20000.0,
        "p50_ms": 0.5,
        "p99_ms": 1.5,
        "memory_mb": 36.0,
        "first_answer_seconds": 0.6,
        "answers": 1000,
        "wrong": 3,
        "failed": 0,
    }
    report = {
        "machine": {"processor": "a processor", "cores": 2, "load_average": 0.5},
        "times": {"rounds": 3, "closed": 3.0},
        "quick": True,
        "rows": [row],
        "failures": [{"stack": "nginx", "dataset": "iris", "why": "there is no nginx\nand more"}],
        "half_rate": [],
        "batch": [],
        "single_row": [],
    }
    told = tables(report)
    assert "| ours | iris | 1 | 40.0 | 20,000 | .50 | 1.50 | 36.0 | .60 (3 wrong of 1,000) |" in told
    assert "- Not measured: nginx (iris): there is no nginx\n" in told + "\n"
    assert "mean nothing" in told
    assert markdown(("", "a"), [("b", "c")]) == "| | a |\n| --- | --- |\n| b | c |"


def test_the_guide_has_a_place_for_figures() -> None:
    assert filled(f"before {BEGIN} old {END} after", "new") == f"before {BEGIN}\n\nnew\n\n{END} after"
    with pytest.raises(ValueError, match="no place"):
        filled("a guide", "new")
    guide = (Path(__file__).resolve().parents[3] / "docs" / "serving.md").read_text(encoding="utf-8")
    assert "new figures" in filled(guide, "new figures")


class _Answers(socketserver.StreamRequestHandler):
    """Answers 1 to everything; once, it is slow."""

    def handle(self) -> None:
        while self.rfile.readline():
            length = 0
            while header := self.rfile.readline().strip():
                if header.lower().startswith(b"content-length:"):
                    length = int(header.partition(b":")[2])
            self.rfile.read(length)
            self.server.asked += 1
            if self.server.asked == self.server.slow_at:
                time.sleep(0.4)
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n1\n")


@contextmanager
def _server(slow_at: int = 0) -> Iterator[int]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Answers) as server:
        server.daemon_threads = True
        server.asked, server.slow_at = 0, slow_at
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.fixture
def requests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    if not shutil.which("cc"):
        pytest.skip("the generator needs a C compiler")
    monkeypatch.setattr(load, "FOLDER", tmp_path)
    compile_generator()
    write_requests(tmp_path / "requests", CSV, ["5", "6"], [1, 2])
    return tmp_path / "requests"


def test_every_answer_is_checked(requests: Path) -> None:
    with _server() as port:
        found = drive(port, requests, CSV.marker, 0.3, all_cores(), connections=4)
    assert found.answered > 0
    assert found.failed == 0
    assert abs(found.wrong - found.answered / 2) <= 4  # one row in two is said to be of another class


def test_at_a_fixed_rate_whoever_waits_for_a_slow_answer_counts(requests: Path) -> None:
    """40 of 100 requests are due while the server does nothing: that is what their latencies must say."""
    write_requests(requests, CSV, ["5"], [1])
    with _server(slow_at=20) as port:
        found = drive(port, requests, CSV.marker, 1.0, all_cores(), rate=100, connections=1)
    assert (found.answered, found.wrong, found.failed) == (100, 0, 0)
    latencies = np.fromfile(requests.with_suffix(".latencies"), dtype=np.uint64)
    (p80,) = percentiles_ms(latencies, [80])
    assert p80 > 150
    assert found.p99_ms > 350
