"""The server's log: one JSON object per line, on standard output, from where SageMaker takes it to CloudWatch.

Nothing of a request's body is written, and nothing of its header: they may hold what only the client should know.
"""

import json
import os
import traceback
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final, Literal

Level = Literal["INFO", "WARNING", "ERROR"]
# Whoever sends nonsense must not fill the log with it.
_TALLY_SECONDS: Final = 10.0


class Log:
    """Writes lines as CloudWatch Logs Insights reads them: `timestamp`, `level`, `event`, and what belongs to it."""

    def __init__(self, descriptor: int = 1, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._descriptor = descriptor
        self._now = now

    def write(self, level: Level, event: str, **more: object) -> None:
        """One line, in one piece, whichever process writes at the same time."""
        timestamp = self._now().isoformat(timespec="milliseconds")
        line = json.dumps({"timestamp": timestamp, "level": level, "event": event, "process": os.getpid(), **more})
        os.write(self._descriptor, line.encode() + b"\n")

    def fault(self, event: str, fault: BaseException) -> None:
        """An error that is ours: what and where, not its message, which may quote a request."""
        frames = traceback.extract_tb(fault.__traceback__)
        where = [f"{os.path.basename(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames]  # noqa: PTH119
        self.write("ERROR", event, fault=type(fault).__name__, where=where)


class Tally:
    """Counts refused requests and tells of them now and then, not one by one."""

    def __init__(self, log: Log, clock: Callable[[], float]) -> None:
        self._log = log
        self._clock = clock
        self._counts: Counter[int] = Counter()
        self._since = 0.0

    def count(self, status: HTTPStatus) -> None:
        """One more was answered with this status."""
        if not self._counts:
            self._since = self._clock()
        self._counts[status.value] += 1

    @property
    def pending(self) -> bool:
        """Whether there is something to tell."""
        return bool(self._counts)

    def tell(self, *, at_once: bool = False) -> None:
        """Write what was counted, once some time has passed."""
        passed = self._clock() - self._since
        if self._counts and (at_once or passed >= _TALLY_SECONDS):
            counts = {str(status): count for status, count in sorted(self._counts.items())}
            self._log.write("WARNING", "refused requests", statuses=counts, seconds=round(passed, 3))
            self._counts.clear()
