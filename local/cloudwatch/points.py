"""The emulator's stored points as distributions, and its statistics computed from those.

One point is what was published with one timestamp: the emulator would keep a point for each distinct value.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from scaling.datapoints import Sample
from scaling.statistics import Distribution, UnknownStatistic, combined

Point = Mapping[str, Any]
Touched = Callable[[str, str, dict[str, str], float], None]


def distribution_of(point: Point) -> Distribution | None:
    """Also of points that the emulator stored in its own way; None when they hold nothing."""
    if (values := point.get("Values")) is not None:
        return Distribution.of(values, point["Counts"])
    if (summary := point.get("_stat")) is not None:
        members = (float(summary.get(key, 0)) for key in ("SampleCount", "Sum", "Minimum", "Maximum"))
        return Distribution.of_summary(*members)
    return Distribution.of([point["Value"]], [point.get("Count", 1.0)])


def samples(points: Iterable[Point], since: float, unit: str | None) -> list[Sample]:
    """Those stamped ``since`` or later, with the unit if one is named."""
    chosen = (point for point in points if point["Timestamp"] >= since and unit in (None, "", point["Unit"]))
    known = ((point["Timestamp"], distribution_of(point)) for point in chosen)
    return [Sample(time, distribution) for time, distribution in known if distribution is not None]


def install(cloudwatch: Any, touched: Touched) -> None:
    """Replace how the emulator stores and sums up; ``touched`` is told of each point."""
    cloudwatch._store_datum = _storing(cloudwatch, touched)
    cloudwatch._calc_stats = _calc_stats
    cloudwatch._stat_value = _stat_value
    cloudwatch.record_metric = _recording(cloudwatch.record_metric, cloudwatch, touched)


def _storing(cloudwatch: Any, touched: Touched) -> Callable[..., None]:
    def store(
        namespace: str,
        name: str,
        dims: dict[str, str],
        ts: float,
        unit: str,
        value: Any,
        values: Sequence[Any] | None,
        counts: Sequence[Any] | None,
        stat_values: Mapping[str, Any] | None,
    ) -> None:
        point: dict[str, Any] = {"Timestamp": ts, "Unit": unit, "Dimensions": dims}
        if values is not None:
            point["Values"] = [float(each) for each in values]
            point["Counts"] = [float(each) for each in counts] if counts else [1.0] * len(values)
        elif stat_values is not None:
            point["_stat"] = dict(stat_values)
        else:
            point["Value"] = float(value or 0)
        cloudwatch._metric_bucket((namespace, name, cloudwatch._dims_key(dims))).append(point)
        touched(namespace, name, dims, ts)

    return store


def _recording(original: Callable[..., None], cloudwatch: Any, touched: Touched) -> Callable[..., None]:
    def record_metric(
        namespace: str, metric_name: str, value: float, unit: str = "None", dimensions: dict[str, str] | None = None
    ) -> None:
        original(namespace, metric_name, value, unit, dimensions)
        touched(namespace, metric_name, dimensions or {}, cloudwatch.time.time())

    return record_metric


def _calc_stats(points: Sequence[Point]) -> dict[str, float]:
    whole = _whole(points)
    if whole is None:
        return {}
    return {
        "SampleCount": whole.count,
        "Sum": whole.total,
        "Average": whole.total / whole.count,
        "Minimum": whole.minimum,
        "Maximum": whole.maximum,
    }


def _stat_value(stats: Mapping[str, float], stat_name: str, points: Sequence[Point] | None = None) -> float | None:
    if stat_name in stats:
        return stats[stat_name]
    whole = _whole(points or ())
    try:
        return whole.statistic(stat_name) if whole else None
    except UnknownStatistic:
        return None


def _whole(points: Iterable[Point]) -> Distribution | None:
    return combined(part for part in map(distribution_of, points) if part is not None)
