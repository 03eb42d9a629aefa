import os
import threading

from local.sagemaker.process_output import read_lines
from tests.local.sagemaker.conftest import eventually


class Reading:
    def __init__(self, *, fail: bool = False) -> None:
        reader, self.writer = os.pipe()
        self.batches: list[list[str]] = []
        self._fail = fail
        self.thread = threading.Thread(target=read_lines, args=(reader, self._handle))
        self.thread.start()

    def _handle(self, lines: list[str]) -> None:
        self.batches.append(lines)
        if self._fail:
            raise LookupError

    def write(self, content: bytes) -> None:
        os.write(self.writer, content)

    def finish(self) -> list[str]:
        os.close(self.writer)
        self.thread.join()
        return [line for batch in self.batches for line in batch]


def test_lines_are_handed_over_while_the_process_runs() -> None:
    reading = Reading()
    reading.write(b"first\nsecond\npart")
    eventually(lambda: reading.batches == [["first", "second"]])
    reading.write(b"ial\n")
    eventually(lambda: len(reading.batches) == 2)
    assert reading.finish() == ["first", "second", "partial"]


def test_the_last_line_needs_no_line_feed() -> None:
    reading = Reading()
    reading.write(b"one\r\ntwo")
    assert reading.finish() == ["one", "two"]


def test_bytes_that_are_no_text_are_replaced() -> None:
    reading = Reading()
    reading.write(b"\xff\xfe\n")
    assert reading.finish() == ["��"]


def test_an_endless_line_is_cut() -> None:
    reading = Reading()
    for _ in range(10):
        reading.write(b"x" * 60_000)
    lines = reading.finish()
    assert sum(map(len, lines)) == 600_000
    assert max(map(len, lines)) < 256 * 1024


def test_a_handler_that_fails_does_not_block_the_process() -> None:
    reading = Reading(fail=True)
    for _ in range(20):
        reading.write(b"x" * 50_000 + b"\n")
    assert len(reading.finish()) == 20
