"""Measures what the demo takes: seconds between named moments, and the memory of a tree of processes."""

import threading
import time
from pathlib import Path
from typing import Self

_SAMPLE_SECONDS = 0.5


class PeakMemory:
    """Samples the proportional set size of a process and all its descendants, in megabytes."""

    def __init__(self, root: int) -> None:
        """`root` is a process id."""
        self._root = root
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self.peak_mb = 0.0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    def _sample(self) -> None:
        while True:
            self.peak_mb = max(self.peak_mb, tree_memory_mb(self._root))
            if self._stopped.wait(_SAMPLE_SECONDS):
                return


def tree_memory_mb(root: int) -> float:
    """Memory of a process tree now; pages that processes share are counted once."""
    return sum(_proportional_kb(process) for process in _tree(root)) / 1024


def _tree(root: int) -> list[int]:
    found, waiting = [], [root]
    while waiting:
        process = waiting.pop()
        found.append(process)
        for children in Path(f"/proc/{process}/task").glob("*/children"):
            waiting += [int(child) for child in _read(children).split()]
    return found


def _proportional_kb(process: int) -> int:
    for line in _read(Path(f"/proc/{process}/smaps_rollup")).splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0  # gone meanwhile


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


class Stopwatch:
    """Seconds since `started` (monotonic)."""

    def __init__(self, started: float | None = None) -> None:
        self.started = time.monotonic() if started is None else started

    def seconds(self) -> float:
        return time.monotonic() - self.started
