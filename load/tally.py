"""What the generator has seen since it last told, by the seconds for which requests were planned, and of their ends."""

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

# Enough to see what went wrong; all are counted.
_MOST_TOLD_FAILURES = 1_000
_MOST_DETAIL_CHARACTERS = 300


@dataclass
class _Second:
    sent: int = 0
    answered: int = 0
    late_seconds: float = 0.0
    latencies_us: list[int] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)
    variants: Counter[str] = field(default_factory=Counter)
    arrived: int = 0
    lost: int = 0


class Tally:
    """Counts; ``take`` gives what is new as JSON. Times are seconds after the traffic's begin."""

    def __init__(self) -> None:
        self._seconds: dict[int, _Second] = {}
        self._told_failures: list[dict[str, Any]] = []
        self._room = _MOST_TOLD_FAILURES

    def sent(self, planned: float, late_seconds: float) -> None:
        """A request was begun, so much later than planned because the generator was busy or stopped."""
        second = self._second(planned)
        second.sent += 1
        second.late_seconds = max(second.late_seconds, late_seconds)

    def late(self, now: float, late_seconds: float) -> None:
        """The generator came so late to something else that it had planned."""
        second = self._second(now)
        second.late_seconds = max(second.late_seconds, late_seconds)

    def answered(self, planned: float, latency_seconds: float, variant: str) -> None:
        """The answer was right."""
        second = self._second(planned)
        second.answered += 1
        second.latencies_us.append(round(latency_seconds * 1e6))
        if variant:
            second.variants[variant] += 1
        self._second(planned + latency_seconds).arrived += 1

    def failed(self, planned: float, latency_seconds: float, kind: str, detail: str, question: int) -> None:
        """There was no answer, or not the right one; ``latency_seconds`` until that was known."""
        second = self._second(planned)
        second.failures[kind] += 1
        second.latencies_us.append(round(latency_seconds * 1e6))
        self._second(planned + latency_seconds).lost += 1
        if self._room:
            self._room -= 1
            told = {"second": planned, "after_seconds": latency_seconds, "kind": kind, "question": question}
            self._told_failures.append(told | {"detail": detail[:_MOST_DETAIL_CHARACTERS]})

    def take(self) -> dict[str, Any]:
        """What is new since the last time."""
        seconds, self._seconds = self._seconds, {}
        failures, self._told_failures = self._told_failures, []
        return {"seconds": {str(number): vars(second) for number, second in seconds.items()}, "failures": failures}

    def _second(self, moment: float) -> _Second:
        number = math.floor(moment)
        found = self._seconds.get(number)
        if found is None:
            found = self._seconds[number] = _Second()
        return found
