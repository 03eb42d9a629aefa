"""A file of JSON lines that is only ever appended to, and what a crash can do to it."""

import fcntl
import json
import os
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

# The records hold inputs and outputs of runs, and what task tokens are derived from.
_OWNER_ONLY = 0o600


class LogClosed(RuntimeError):
    """The cloud goes down: nothing is acknowledged any more."""


class AppendLog:
    """Records survive the end of the process in any way as soon as `append` has returned.

    A write reaches the kernel before `append` returns and the kernel outlives the process; only a power cut could lose
    it, which a cloud on a laptop need not survive. A write that the end of the process cut short leaves a torn last
    line: it was never acknowledged and is dropped on reading.
    """

    def __init__(self, path: Path) -> None:
        """Lock the file for this process. Raises BlockingIOError when another one has it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._lock = threading.Lock()
        self._file = self._opened()

    def append(self, record: dict[str, Any]) -> None:
        """Raises OSError when it cannot be written, LogClosed after `close`."""
        line = memoryview(json.dumps(record, separators=(",", ":"), ensure_ascii=False).encode() + b"\n")
        with self._lock:
            if self._file < 0:
                raise LogClosed("the log is closed")
            while line:
                line = line[os.write(self._file, line) :]

    def records(self) -> Iterator[dict[str, Any]]:
        """From the first to the last whole one."""
        with self._path.open("rb") as file:
            for line in file:
                if not line.endswith(b"\n"):
                    return
                yield json.loads(line)

    def replace(self, records: Iterable[dict[str, Any]]) -> None:
        """Start over with these, all or nothing. Also drops a torn last line, which must not be appended to."""
        beside = self._path.with_suffix(".new")
        with self._lock:
            with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _OWNER_ONLY), "wb") as file:
                for record in records:
                    file.write(json.dumps(record, separators=(",", ":"), ensure_ascii=False).encode() + b"\n")
            beside.replace(self._path)
            former, self._file = self._file, self._opened()
            os.close(former)

    def close(self) -> None:
        """Harmless twice."""
        with self._lock:
            if self._file >= 0:
                os.close(self._file)
                self._file = -1

    def _opened(self) -> int:
        file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, _OWNER_ONLY)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as fault:
            os.close(file)
            raise BlockingIOError(f"{self._path} belongs to another running cloud") from fault
        return file
