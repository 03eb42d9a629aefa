"""Instances that serve one request after the other, each with a queue of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappop, heappush


@dataclass(frozen=True)
class InstanceKind:
    """What one instance can do, in seconds.

    It serves ``1 / service_seconds`` requests a second at most. What would have no answer after ``timeout_seconds`` is
    given up, as SageMaker does: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
    """

    service_seconds: float = 0.11
    objective_seconds: float = 0.5
    timeout_seconds: float = 60.0

    @property
    def highest_rate(self) -> float:
        """Requests a second at which it is never idle."""
        return 1 / self.service_seconds


@dataclass(frozen=True)
class Asked:
    """Seconds until each answer, or None where there is none in time, and nothing was done for it; the most at once."""

    latencies: list[float | None]
    most_under_way: int


class Fleet:
    """Each request goes to the instance that is free first, and stays there. Times never go backwards."""

    def __init__(self, kind: InstanceKind, instances: int) -> None:
        self._kind = kind
        self._free_at = [0.0] * instances
        self._ends: list[float] = []

    @property
    def instances(self) -> int:
        """How many take requests."""
        return len(self._free_at)

    def resize(self, instances: int, now: float) -> None:
        """New ones have nothing to do; those that go, the newest, take no more and finish what they have."""
        del self._free_at[instances:]
        self._free_at += [now] * (instances - len(self._free_at))

    def ask(self, moments: Sequence[float]) -> Asked:
        """Requests at times that ascend, after all that was asked before."""
        free_at, ends = self._free_at, self._ends
        service, timeout = self._kind.service_seconds, self._kind.timeout_seconds
        latencies: list[float | None] = []
        most = 0
        for now in moments:
            free = min(free_at)
            # Millions of times: calls would be felt.
            end = (free if free > now else now) + service  # noqa: FURB136
            if end - now > timeout:
                latencies.append(None)
                heappush(ends, now + timeout)  # it is waited for all the same
            else:
                free_at[free_at.index(free)] = end
                latencies.append(end - now)
                heappush(ends, end)
            while ends[0] <= now:
                heappop(ends)
            if len(ends) > most:  # noqa: PLR1730
                most = len(ends)
        return Asked(latencies, most)

    def under_way(self, now: float) -> int:
        """Requests that wait or are being served."""
        while self._ends and self._ends[0] <= now:
            heappop(self._ends)
        return len(self._ends)
