"""The cloud's time: everything in the embedded cloud that waits or stamps a time asks this clock.

Real time multiplied by a factor, plus jumps. It never runs backwards, so a test of a 7-day expiry takes seconds and
nothing that was ordered by time gets out of order.
"""

import asyncio
import datetime as dt
import threading
import time
from collections.abc import Callable

# How late an event waiter may notice a jump: two kinds of wake-up cannot be awaited at once with a plain Event.
_JUMP_NOTICE_SECONDS = 0.05


class Clock:
    """Thread-safe clock of the cloud.

    ``time_factor`` is cloud seconds per real second; ``start`` is the cloud's epoch seconds at construction
    (default: real time).
    """

    def __init__(self, time_factor: float = 1.0, start: float | None = None) -> None:
        _check_factor(time_factor)
        self._changed = threading.Condition()
        self._factor = time_factor
        self._anchor_real = time.monotonic()
        self._anchor_cloud = time.time() if start is None else start
        self._sleepers: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()
        self._told: list[Callable[[], None]] = []

    @property
    def factor(self) -> float:
        """Cloud seconds per real second."""
        with self._changed:
            return self._factor

    def now(self) -> float:
        """Epoch seconds of the cloud."""
        with self._changed:
            return self._now()

    def datetime(self) -> dt.datetime:
        """The cloud's time, aware, in UTC."""
        return dt.datetime.fromtimestamp(self.now(), dt.UTC)

    def advance(self, cloud_seconds: float) -> None:
        """Jump ahead and wake every waiter whose time has come. Raises ValueError for a step backwards."""
        if not 0 <= cloud_seconds < float("inf"):
            raise ValueError(f"cloud time cannot advance by {cloud_seconds} seconds: it never runs backwards")
        with self._changed:
            self._re_anchor()
            self._anchor_cloud += cloud_seconds
            self._wake()

    def set_factor(self, factor: float) -> None:
        """Change the speed from now on; waiters recompute how long they still have."""
        _check_factor(factor)
        with self._changed:
            self._re_anchor()
            self._factor = factor
            self._wake()

    def on_jump(self, tell: Callable[[], None]) -> None:
        """Call ``tell``, which must return at once, with each jump and change of speed: timers of it are wrong then."""
        with self._changed:
            self._told.append(tell)

    def real_seconds(self, cloud_seconds: float) -> float:
        """How long they take at the present speed."""
        return cloud_seconds / self.factor

    def wait(self, event: threading.Event | None, cloud_seconds: float) -> bool:
        """Wait for the event or for cloud time to pass; True when the event fired (never, without an event)."""
        deadline = self.now() + cloud_seconds
        while event is None or not event.is_set():
            with self._changed:
                remaining = self._real_seconds_until(deadline)
                if remaining <= 0:
                    return False
                if event is None:
                    self._changed.wait(min(remaining, threading.TIMEOUT_MAX))
                    continue
            event.wait(min(remaining, _JUMP_NOTICE_SECONDS))
        return True

    async def sleep_async(self, cloud_seconds: float) -> None:
        """Sleep on the running event loop until cloud time has passed."""
        sleeper = (asyncio.get_running_loop(), asyncio.Event())
        with self._changed:
            deadline = self._now() + cloud_seconds
            self._sleepers.add(sleeper)
        try:
            while (remaining := self._remaining(deadline)) > 0:
                await _until_woken(sleeper[1], remaining)
                sleeper[1].clear()
        finally:
            with self._changed:
                self._sleepers.discard(sleeper)

    def _now(self) -> float:
        return self._anchor_cloud + (time.monotonic() - self._anchor_real) * self._factor

    def _re_anchor(self) -> None:
        real = time.monotonic()
        self._anchor_cloud += (real - self._anchor_real) * self._factor
        self._anchor_real = real

    def _remaining(self, deadline: float) -> float:
        with self._changed:
            return self._real_seconds_until(deadline)

    def _real_seconds_until(self, deadline: float) -> float:
        return (deadline - self._now()) / self._factor

    def _wake(self) -> None:
        self._changed.notify_all()
        for tell in self._told:
            tell()
        for loop, woken in self._sleepers:
            if not loop.is_closed():
                loop.call_soon_threadsafe(woken.set)


async def _until_woken(woken: asyncio.Event, real_seconds: float) -> None:
    try:
        await asyncio.wait_for(woken.wait(), real_seconds)
    except TimeoutError:
        return


def _check_factor(factor: float) -> None:
    if not 0 < factor < float("inf"):
        raise ValueError(f"the time factor is {factor}: it must be a number above 0")
