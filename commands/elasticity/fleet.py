"""Instances that serve one request after the other, each with a queue of its own."""

import heapq
from dataclasses import dataclass


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


class Fleet:
    """Each request goes to the instance that is free first, and stays there. Times never go backwards."""

    def __init__(self, kind: InstanceKind, instances: int) -> None:
        self._kind = kind
        self._free_at = [0.0] * instances
        self._ends: list[float] = []
        self.served = 0
        self.given_up = 0

    @property
    def instances(self) -> int:
        """How many take requests."""
        return len(self._free_at)

    def resize(self, instances: int, now: float) -> None:
        """New ones have nothing to do; those that go, the newest, take no more and finish what they have."""
        del self._free_at[instances:]
        self._free_at += [now] * (instances - len(self._free_at))

    def ask(self, now: float) -> float | None:
        """Seconds until the answer; None when there will be none in time, and nothing is done for it."""
        free_at = min(self._free_at)
        end = max(free_at, now) + self._kind.service_seconds
        if end - now > self._kind.timeout_seconds:
            self.given_up += 1
            # It is waited for all the same.
            heapq.heappush(self._ends, now + self._kind.timeout_seconds)
            return None
        self._free_at[self._free_at.index(free_at)] = end
        heapq.heappush(self._ends, end)
        self.served += 1
        return end - now

    def under_way(self, now: float) -> int:
        """Requests that wait or are being served."""
        ends = self._ends
        while ends and ends[0] <= now:
            heapq.heappop(ends)
        return len(ends)
