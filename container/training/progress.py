"""Lines in the job's log that say how far a long step is."""

from collections.abc import Callable

Say = Callable[[str], None]
"""Writes one line to the job's log."""


class Progress:
    """Says what is done of `total`, ten times at most."""

    def __init__(self, say: Say, total: int, unit: str) -> None:
        self._say = say
        self._total = total
        self._unit = unit
        self._tenths = 0

    def reach(self, done: int) -> None:
        """`done` of them are done."""
        tenths = done * 10 // self._total
        if tenths > self._tenths:
            self._tenths = tenths
            self._say(f"{done} of {self._total} {self._unit}")
