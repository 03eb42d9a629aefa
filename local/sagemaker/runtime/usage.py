"""Counts invocations by variant and minute and publishes them as CloudWatch metrics.

https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html#cloudwatch-metrics-endpoint-invocation
"""

import datetime as dt
import logging
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.clock import Clock
from local.sagemaker.json_rpc import Json
from local.sagemaker.runtime.publisher import Publisher

log = logging.getLogger(__name__)

_NAMESPACE = "AWS/SageMaker"
_MINUTE = 60
# How far back the scaling of a variant may look.
_KEPT_MINUTES = 60
# PutMetricData takes at most 150 distinct values a datum; latencies are rounded so that a minute has few.
_SIGNIFICANT_DIGITS = 3
_MOST_VALUES = 150


@dataclass
class VariantMinute:
    """What a variant of one configuration did in one minute of the cloud's time, which began at ``start``.

    ``shares`` are 1/n for each request, of the n instances that were active at its time.
    """

    start: int
    invocations: int = 0
    client_errors: int = 0
    server_errors: int = 0
    model_errors: int = 0
    shares: Counter[float] = field(default_factory=Counter)
    latencies_us: Counter[float] = field(default_factory=Counter)
    overheads_us: Counter[float] = field(default_factory=Counter)


_Key = tuple[str, str, str, int]


class Usage:
    """``publish`` gets the metric data of finished minutes: `cloudwatch_publisher`, or a test's list."""

    def __init__(
        self, clock: Clock, instance_count: Callable[[str, str], int], publish: Callable[[list[Json]], None]
    ) -> None:
        self._clock = clock
        self._instance_count = instance_count
        self._publish = publish
        self._lock = threading.Lock()
        self._minutes: OrderedDict[_Key, VariantMinute] = OrderedDict()
        self._unpublished: set[_Key] = set()
        self._publisher = Publisher("usage", clock, self._due, self.flush)

    def count(
        self, endpoint: str, variant: str, config: str, *, status: int, latency_us: float, overhead_us: float
    ) -> None:
        """One invocation that reached a container; ``status`` is the container's."""
        share = 1.0 / max(1, self._instance_count(endpoint, variant))
        with self._lock:
            # Only here: a minute that was chosen before may have been published meanwhile, and is never again.
            start = int(self._clock.now()) // _MINUTE * _MINUTE
            key = (endpoint, variant, config, start)
            minute = self._minutes.get(key)
            if minute is None:
                minute = self._minutes[key] = VariantMinute(start)
                self._unpublished.add(key)
                self._publisher.wake()
            minute.invocations += 1
            minute.client_errors += 400 <= status < 500
            minute.server_errors += status >= 500
            minute.model_errors += not 200 <= status < 300
            minute.shares[share] += 1
            minute.latencies_us[_rounded(latency_us)] += 1
            minute.overheads_us[_rounded(overhead_us)] += 1

    def invocations(self, endpoint: str, variant: str, seconds: int) -> dict[int, int]:
        """Invocations by start of minute, for the last ``seconds`` of the cloud's time; empty minutes are left out."""
        earliest = self._clock.now() - seconds
        found: Counter[int] = Counter()
        with self._lock:
            for (of_endpoint, of_variant, _, start), minute in self._minutes.items():
                if (of_endpoint, of_variant) == (endpoint, variant) and start + _MINUTE > earliest:
                    found[start] += minute.invocations
        return dict(found)

    def flush(self, *, unfinished: bool = False) -> None:
        """Publish minutes that have passed, and on request the one that has not."""
        now = self._clock.now()
        with self._lock:
            due = [key for key in self._minutes if key in self._unpublished and (unfinished or key[3] + _MINUTE <= now)]
            data = [datum for key in due for datum in self._data(key)]
            self._unpublished.difference_update(due)
            self._forget_old(now)
            if not self._unpublished:
                self._publisher.rest()
        if data:
            self._publish(data)

    def close(self) -> None:
        """Publish what was counted, also of the minute that has not passed."""
        self._publisher.close()
        self.flush(unfinished=True)

    def _due(self) -> float:
        with self._lock:
            return min((start for *_, start in self._unpublished), default=0) + _MINUTE

    def _forget_old(self, now: float) -> None:
        for key in [key for key in self._minutes if key[3] < now - _KEPT_MINUTES * _MINUTE]:
            if key not in self._unpublished:
                del self._minutes[key]

    def _data(self, key: _Key) -> list[Json]:
        """Each metric twice: also with the dimension EndpointConfigName, by which an alarm can watch a new fleet alone.

        https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-configuration.html
        """
        endpoint, variant, config, start = key
        minute = self._minutes[key]
        dimensions = [{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": variant}]
        of_config = [*dimensions, {"Name": "EndpointConfigName", "Value": config}]
        total = minute.invocations
        metrics = (
            ("Invocations", "None", Counter({1.0: total})),
            ("InvocationsPerInstance", "None", minute.shares),
            ("Invocation4XXErrors", "None", _ones_and_zeros(minute.client_errors, total)),
            ("Invocation5XXErrors", "None", _ones_and_zeros(minute.server_errors, total)),
            ("InvocationModelErrors", "None", _ones_and_zeros(minute.model_errors, total)),
            ("ModelLatency", "Microseconds", minute.latencies_us),
            ("OverheadLatency", "Microseconds", minute.overheads_us),
        )
        at = dt.datetime.fromtimestamp(start, dt.UTC)
        return [
            {"MetricName": name, "Dimensions": by, "Timestamp": at, "Unit": unit} | part
            for by in (dimensions, of_config)
            for name, unit, values in metrics
            for part in _distributions(values)
        ]


def cloudwatch_publisher(cloudwatch: Callable[[], Any]) -> Callable[[list[Json]], None]:
    """Puts the data to CloudWatch; when that fails, says so and goes on, as metrics on AWS are best effort."""

    def publish(data: list[Json]) -> None:
        try:
            client = cloudwatch()
            # PutMetricData takes 1000 data; a variant's minute some ten.
            for start in range(0, len(data), 500):
                client.put_metric_data(Namespace=_NAMESPACE, MetricData=data[start : start + 500])
        except (ClientError, BotoCoreError) as fault:
            log.warning("%d metric values are lost: %s", len(data), fault)

    return publish


def _rounded(value_us: float) -> float:
    return float(f"{max(0.0, value_us):.{_SIGNIFICANT_DIGITS}g}")


def _ones_and_zeros(ones: int, total: int) -> Counter[float]:
    """One value for each invocation, so that sum, average and number are what AWS documents."""
    return Counter({value: count for value, count in ((1.0, ones), (0.0, total - ones)) if count})


def _distributions(values: Counter[float]) -> Iterator[Json]:
    items = sorted(values.items())
    for start in range(0, len(items), _MOST_VALUES):
        part = items[start : start + _MOST_VALUES]
        yield {"Values": [value for value, _ in part], "Counts": [float(count) for _, count in part]}
