"""Reads what a process prints, line by line, as it comes."""

import logging
import os
import selectors
from collections.abc import Callable, Iterator

log = logging.getLogger(__name__)

# Lines printed in one burst are handed over together; a pause this long ends a burst.
_BURST_PAUSE_SECONDS = 0.1
_MOST_LINES = 500
_READ_BYTES = 65536
# CloudWatch Logs takes events of at most 256 KiB; a longer line becomes several.
_LONGEST_LINE_BYTES = 256 * 1024 - 26


def read_lines(descriptor: int, handle: Callable[[list[str]], None]) -> None:
    """Call ``handle`` with batches of lines until the last writer has closed its end, then close this one."""
    pending = b""
    lines: list[str] = []
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        while True:
            if not selector.select(_BURST_PAUSE_SECONDS if lines else None):
                _hand_over(lines, handle)
                lines = []
                continue
            chunk = os.read(descriptor, _READ_BYTES)
            *complete, pending = (pending + chunk).split(b"\n")
            if pending and (not chunk or len(pending) > _LONGEST_LINE_BYTES):
                complete, pending = [*complete, pending], b""
            lines += [text for line in complete for text in _texts(line)]
            if lines and (not chunk or len(lines) >= _MOST_LINES):
                _hand_over(lines, handle)
                lines = []
            if not chunk:
                break
    os.close(descriptor)


def _texts(line: bytes) -> Iterator[str]:
    for start in range(0, len(line) or 1, _LONGEST_LINE_BYTES):
        yield line[start : start + _LONGEST_LINE_BYTES].decode(errors="replace").rstrip("\r")


def _hand_over(lines: list[str], handle: Callable[[list[str]], None]) -> None:
    try:
        handle(lines)
    except Exception:
        # A reader that stops would block the process once its pipe is full.
        log.exception("%d lines of output are lost", len(lines))
