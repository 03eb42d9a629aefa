"""What is to be looked at, and when: nothing is due, and no timer runs, while nothing can change."""

import threading
from collections.abc import Hashable
from typing import Generic, TypeVar

from local.clock import Clock

K = TypeVar("K", bound=Hashable)


class Agenda(Generic[K]):
    """Thread-safe, for one thread that works it off. Times are the cloud's, in epoch seconds."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._due: dict[K, float] = {}
        self._changed = threading.Event()
        clock.on_jump(self._changed.set)

    def add(self, key: K, when: float) -> None:
        """At ``when``, unless it is to be looked at earlier anyway."""
        with self._lock:
            earliest = min(self._due.values(), default=None)
            self._due[key] = min(when, self._due.get(key, when))
        if earliest is None or when < earliest:
            self._changed.set()

    def wake(self) -> None:
        """Let `next_keys` return, with nothing if nothing is due."""
        self._changed.set()

    def due(self) -> dict[K, float]:
        """What is to come."""
        with self._lock:
            return dict(self._due)

    def next_keys(self) -> list[K]:
        """Wait until something is due, or `wake`; without anything to come there is no timer."""
        with self._lock:
            earliest = min(self._due.values(), default=None)
        if earliest is None:
            self._changed.wait()
        elif (remaining := earliest - self._clock.now()) > 0:
            self._changed.wait(min(self._clock.real_seconds(remaining), threading.TIMEOUT_MAX))
        self._changed.clear()
        now = self._clock.now()
        with self._lock:
            keys = [key for key, when in self._due.items() if when <= now]
            for key in keys:
                del self._due[key]
        return keys
