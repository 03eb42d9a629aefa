"""Begins each request when its time has come."""

import asyncio
import time

from load.client import Client
from load.schedule import Level, Schedule

# Timers of event loops are as fine as a millisecond: what is due within half of one is sent now.
_DUE_WITHIN_SECONDS = 0.0005


class OpenLoop:
    """By a schedule: nobody waits for an answer before the next request."""

    def __init__(self, client: Client, schedule: Schedule, begun: float) -> None:
        self._client, self._begun = client, begun
        self._moments = schedule.moments()
        self._next = next(self._moments, None)
        self.ended = asyncio.Event()

    def begin(self) -> None:
        """Send what is due, and come back for the next."""
        now = time.monotonic() - self._begun
        while not self.ended.is_set():
            if self._next is None:
                self.ended.set()
            elif self._next <= now + _DUE_WITHIN_SECONDS:
                self._client.ask(self._next)
                self._next = next(self._moments, None)
            else:
                asyncio.get_running_loop().call_later(self._next - now, self.begin)
                return

    def stop(self) -> None:
        """Send nothing more."""
        self.ended.set()


class ClosedLoop:
    """By a level: each client asks again when it has its answer."""

    def __init__(self, client: Client, level: Level, begun: float) -> None:
        self._client, self._begun = client, begun
        self._threads, self._left, self._asking = level.threads, level.requests, 0
        self.ended = asyncio.Event()

    def begin(self) -> None:
        """All clients at once."""
        for _ in range(min(self._threads, self._left)):
            self._ask()

    def stop(self) -> None:
        """Send nothing more."""
        self.ended.set()

    def _ask(self) -> None:
        self._left -= 1
        # Timers may wake half a millisecond early: the first requests are not of the time before the begin.
        self._client.ask(max(time.monotonic() - self._begun, 0.0), self._again)

    def _again(self) -> None:
        if self._left and not self.ended.is_set():
            self._ask()
        elif not self._left:
            self.ended.set()
