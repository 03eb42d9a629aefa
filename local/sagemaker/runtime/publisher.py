"""Publishes metrics when they are due, in a thread that sleeps while there is nothing to publish."""

import threading
from collections.abc import Callable

from local.clock import Clock


class Publisher:
    """Calls `flush` at the cloud's time that `due` gives, again and again, from `wake` on until `rest`.

    `least_real_seconds` is the shortest time between two, however fast the cloud's clock runs.
    """

    def __init__(
        self,
        name: str,
        clock: Clock,
        due: Callable[[], float],
        flush: Callable[[], None],
        least_real_seconds: float = 0.0,
    ) -> None:
        self._clock = clock
        self._due = due
        self._flush = flush
        self._least_real_seconds = least_real_seconds
        self._busy = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """There is something that will be due."""
        self._busy.set()

    def rest(self) -> None:
        """Everything is published: an idle cloud has no timer running."""
        self._busy.clear()

    def close(self) -> None:
        """Stop; what is not yet due stays with the owner."""
        self._closing.set()
        self._busy.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._closing.is_set():
            self._busy.wait()
            due_in = self._due() - self._clock.now()
            if not self._clock.wait(self._closing, max(due_in, self._least_real_seconds * self._clock.factor)):
                self._flush()
