"""GetMetricStatistics and GetMetricData as SDKs call them: one metric is one set of dimensions, as on AWS.

The emulator takes a query without dimensions for one of all dimensions together, and knows no unit and no order.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from local.cloudwatch.points import Point, samples
from scaling.statistics import Distribution, UnknownStatistic, combined

Handler = Callable[..., Any]
Query = Mapping[str, Any]


def install(cloudwatch: Any) -> None:
    """Replace both for SDKs of today; calls in the query protocol stay the emulator's."""
    cloudwatch._get_metric_statistics = _statistics(cloudwatch, cloudwatch._get_metric_statistics)
    cloudwatch._get_metric_data = _data(cloudwatch, cloudwatch._get_metric_data)


def _statistics(cloudwatch: Any, original: Handler) -> Handler:
    def get_metric_statistics(params: Any, cbor_data: Query, is_cbor: bool, is_json: bool = False) -> Any:
        if not (is_cbor or is_json):
            return original(params, cbor_data, is_cbor, is_json)
        simple, extended = cbor_data.get("Statistics") or [], cbor_data.get("ExtendedStatistics") or []
        datapoints = []
        for start, whole, unit in _periods(cloudwatch, cbor_data, cbor_data, int(cbor_data.get("Period") or 60)):
            datapoint = {"Timestamp": cloudwatch._ts_iso(start), "Unit": unit} | _computed(whole, simple)
            if percentiles := _computed(whole, extended):
                datapoint["ExtendedStatistics"] = percentiles
            datapoints.append(datapoint)
        if is_cbor:
            datapoints = [cloudwatch._cbor_datapoint(each) for each in datapoints]
        answer = {"Label": cbor_data.get("MetricName"), "Datapoints": datapoints}
        return cloudwatch._cbor_ok(answer) if is_cbor else cloudwatch._json_ok(answer)

    return get_metric_statistics


def _data(cloudwatch: Any, original: Handler) -> Handler:
    def get_metric_data(params: Any, cbor_data: Query, is_cbor: bool, is_json: bool = False) -> Any:
        queries = cbor_data.get("MetricDataQueries") or []
        if not (is_cbor or is_json) or any(query.get("Expression") for query in queries):
            return original(params, cbor_data, is_cbor, is_json)
        results = [_result(cloudwatch, query, cbor_data) for query in queries if query.get("ReturnData") is not False]
        if is_cbor:
            results = [cloudwatch._cbor_metric_data_result(each) for each in results]
        answer = {"MetricDataResults": results}
        return cloudwatch._cbor_ok(answer) if is_cbor else cloudwatch._json_ok(answer)

    return get_metric_data


def _result(cloudwatch: Any, query: Query, request: Query) -> dict[str, Any]:
    """Newest first unless asked for otherwise.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
    """
    wanted = query.get("MetricStat") or {}
    metric, stat = wanted.get("Metric") or {}, wanted.get("Stat", "Average")
    metric = {**metric, "Unit": wanted.get("Unit")}
    periods = _periods(cloudwatch, metric, request, int(wanted.get("Period") or 60))
    found = [(start, computed[stat]) for start, whole, _ in periods if stat in (computed := _computed(whole, [stat]))]
    if request.get("ScanBy") != "TimestampAscending":
        found.reverse()
    return {
        "Id": query.get("Id", ""),
        "Label": query.get("Label") or metric.get("MetricName", ""),
        "Timestamps": [cloudwatch._ts_iso(start) for start, _ in found],
        "Values": [value for _, value in found],
        "StatusCode": "Complete",
    }


def _periods(cloudwatch: Any, metric: Query, request: Query, period: int) -> Iterable[tuple[float, Distribution, str]]:
    """Start, values and unit of each period that has values, oldest first."""
    dimensions = cloudwatch._dims_key(cloudwatch._dims_from_list(metric.get("Dimensions") or []))
    points: list[Point] = cloudwatch._metrics.get((metric.get("Namespace"), metric.get("MetricName"), dimensions)) or []
    start, end = cloudwatch._parse_ts(request.get("StartTime")), cloudwatch._parse_ts(request.get("EndTime"))
    units = sorted({str(point["Unit"]) for point in points}) if not metric.get("Unit") else [str(metric["Unit"])]
    unit = units[0] if units else "None"
    parts: dict[float, list[Distribution]] = {}
    for sample in samples(points, start or 0.0, metric.get("Unit")):
        if end is None or sample.time < end:
            parts.setdefault(sample.time // period * period, []).append(sample.distribution)
    for began in sorted(parts):
        whole = combined(parts[began])
        if whole is not None:
            yield began, whole, unit


def _computed(whole: Distribution, names: Iterable[str]) -> dict[str, float]:
    """Those of the statistics that can be told."""
    found = {}
    for name in names:
        try:
            value = whole.statistic(name)
        except UnknownStatistic:
            continue
        if value is not None:
            found[name] = value
    return found
