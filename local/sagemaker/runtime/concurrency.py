"""Counts requests under way by variant and publishes them every 10 seconds as ConcurrentRequestsPerModel.

"The number of concurrent requests being received by the model. Valid statistics: Min, Max", by EndpointName and
VariantName: https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html. "High-resolution metrics are
emitted every 10 seconds": https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-add-code-define.html.

A model is a container, of which each instance has one: scaling out lowers the value. One datum stands for all instances
of a variant: their number, and the least, the mean and the most of one, as requests are spread evenly. How AWS samples
is not documented [unverified].
"""

import datetime as dt
import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from local.clock import Clock
from local.sagemaker.json_rpc import Json
from local.sagemaker.runtime.publisher import Publisher

PERIOD_SECONDS = 10
# How long zeros are published after the last request, so that target tracking sees that nothing is left to do.
_AFTERWARDS_SECONDS = 3600.0
# However fast the cloud's clock runs, so often in real time is enough.
_LEAST_REAL_SECONDS = 0.1

_Key = tuple[str, str]


@dataclass(frozen=True)
class _Period:
    start: int
    least: int
    most: int
    request_seconds: float


@dataclass
class _Meter:
    """The requests under way of one variant, and what they were in the period that goes on."""

    start: int
    since: float
    under_way: int = 0
    least: int = 0
    most: int = 0
    request_seconds: float = 0.0
    last_request: float = 0.0
    finished: list[_Period] = field(default_factory=list)

    def change(self, by: int, now: float) -> None:
        self.advance(now)
        self.under_way += by
        self.least = min(self.least, self.under_way)
        self.most = max(self.most, self.under_way)
        self.last_request = now

    def advance(self, now: float) -> None:
        """Close the periods that have passed; none is added once zeros have been told for long enough.

        Nor are those of a long jump of the clock: there may be thousands.
        """
        while now >= (end := self.start + PERIOD_SECONDS):
            told = self.under_way or self.most or self.start <= self.last_request + _AFTERWARDS_SECONDS
            if told and now - self.start <= _AFTERWARDS_SECONDS:
                self._integrate(end)
                self.finished.append(_Period(self.start, self.least, self.most, self.request_seconds))
                self.start = end
            else:
                self.start = _period(now)
                self.since = now
            self.least = self.most = self.under_way
            self.request_seconds = 0.0
        self._integrate(now)

    def _integrate(self, now: float) -> None:
        self.request_seconds += self.under_way * max(0.0, now - self.since)
        self.since = max(self.since, now)


class Concurrency:
    """``publish`` gets the metric data of periods that have passed."""

    def __init__(
        self, clock: Clock, instance_count: Callable[[str, str], int], publish: Callable[[list[Json]], None]
    ) -> None:
        self._clock = clock
        self._instance_count = instance_count
        self._publish = publish
        self._lock = threading.Lock()
        self._meters: dict[_Key, _Meter] = {}
        self._publisher = Publisher("concurrency", clock, self._due, self.flush, _LEAST_REAL_SECONDS)

    def began(self, endpoint: str, variant: str) -> None:
        """A request is given to a container."""
        self._change(endpoint, variant, 1)

    def ended(self, endpoint: str, variant: str) -> None:
        """It was answered, or will not be."""
        self._change(endpoint, variant, -1)

    def flush(self) -> None:
        """Publish the periods that have passed."""
        now = self._clock.now()
        with self._lock:
            finished = {key: self._collect(key, now) for key in list(self._meters)}
            if not self._meters:
                self._publisher.rest()
        if data := [datum for key, periods in finished.items() for datum in self._data(key, periods)]:
            self._publish(data)

    def close(self) -> None:
        """Publish what has passed and stop."""
        self._publisher.close()
        self.flush()

    def _change(self, endpoint: str, variant: str, by: int) -> None:
        now, key = self._clock.now(), (endpoint, variant)
        with self._lock:
            meter = self._meters.get(key)
            if meter is None:
                meter = self._meters[key] = _Meter(_period(now), now)
                self._publisher.wake()
            meter.change(by, now)

    def _collect(self, key: _Key, now: float) -> list[_Period]:
        meter = self._meters[key]
        meter.advance(now)
        finished, meter.finished = meter.finished, []
        if not meter.under_way and now > meter.last_request + _AFTERWARDS_SECONDS + PERIOD_SECONDS:
            del self._meters[key]
        return finished

    def _data(self, key: _Key, periods: list[_Period]) -> list[Json]:
        endpoint, variant = key
        count = self._instance_count(endpoint, variant)
        if count == 0:
            return []  # the endpoint is gone
        dimensions = [{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": variant}]
        return [
            {
                "MetricName": "ConcurrentRequestsPerModel",
                "Dimensions": dimensions,
                "Timestamp": dt.datetime.fromtimestamp(period.start, dt.UTC),
                "Unit": "None",
                "StorageResolution": 1,
                "StatisticValues": {
                    "SampleCount": float(count),
                    "Sum": period.request_seconds / PERIOD_SECONDS,
                    "Minimum": float(period.least // count),
                    "Maximum": float(math.ceil(period.most / count)),
                },
            }
            for period in periods
        ]

    def _due(self) -> float:
        with self._lock:
            return min((meter.start for meter in self._meters.values()), default=0) + PERIOD_SECONDS


def _period(now: float) -> int:
    return int(now) // PERIOD_SECONDS * PERIOD_SECONDS
