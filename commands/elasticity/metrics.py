"""What CloudWatch gets of a fleet's requests, and when."""

import math
from collections import defaultdict
from typing import Literal

from scaling.datapoints import Datapoint, last_complete_period

MINUTE, HIGH_RESOLUTION = 60, 10
Name = Literal["invocations", "concurrency"]


class Meter:
    """Counts per minute and per ten seconds, for one variant. Times are epoch seconds.

    ``InvocationsPerInstance``: "1/numberOfInstances is sent as the value on each request", summed up.
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ScalingPolicyMetric.html
    ``ConcurrentRequestsPerModel``: the most requests at once, by the instances there are when they are told, rounded
    up, as requests are spread evenly; that is how the embedded cloud publishes it.
    """

    def __init__(self, begun: float) -> None:
        """Before ``begun`` there was nothing to measure."""
        self._begun = begun
        self._shares: defaultdict[int, float] = defaultdict(float)
        self._most: defaultdict[int, int] = defaultdict(int)
        self._concurrency: dict[int, int] = {}

    def invoked(self, now: float, requests: int, instances: int) -> None:
        """So many requests are counted."""
        self._shares[int(now) // MINUTE] += requests / instances

    def under_way(self, now: float, requests: int) -> None:
        """So many were under way in the ten seconds that run."""
        period = int(now) // HIGH_RESOLUTION
        self._most[period] = max(self._most[period], requests)

    def publish(self, now: float, instances: int) -> None:
        """The ten seconds that end now."""
        period = int(now) // HIGH_RESOLUTION - 1
        self._concurrency[period] = math.ceil(self._most.pop(period, 0) / instances)

    def points(self, name: Name, period_seconds: int, number: int, now: float) -> list[Datapoint]:
        """The last complete periods, oldest first. A service that nobody asks publishes zeros."""
        last = int(last_complete_period(now, period_seconds))
        starts = range(last - (number - 1) * period_seconds, last + 1, period_seconds)
        return [
            Datapoint(start, self._value(name, start, period_seconds) if start + period_seconds > self._begun else None)
            for start in starts
        ]

    def _value(self, name: Name, start: int, period_seconds: int) -> float:
        if name == "invocations":
            return self._shares.get(start // MINUTE, 0.0)
        first = start // HIGH_RESOLUTION
        return float(
            max(self._concurrency.get(each, 0) for each in range(first, first + period_seconds // HIGH_RESOLUTION))
        )
