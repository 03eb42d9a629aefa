"""Reads a job's metrics from what its container prints."""

import math
import re
import struct

from local.sagemaker.json_rpc import Json


class InvalidMetricDefinition(ValueError):
    """A regular expression that cannot be compiled, or without a group for the value."""


class JobMetrics:
    """The last value of each metric, found with the job's MetricDefinitions."""

    def __init__(self, definitions: list[Json]) -> None:
        """Raises InvalidMetricDefinition."""
        self._patterns = {definition["Name"]: _compile(definition) for definition in definitions}
        self._last: dict[str, tuple[float, float]] = {}

    def observe(self, line: str, now: float) -> None:
        """One line; a value replaces the one before."""
        for name, pattern in self._patterns.items():
            for match in pattern.finditer(line):
                value = _single_precision(match[1])
                # The answer is JSON, which has no NaN or infinity: such a metric is missing.
                if value is not None:
                    self._last[name] = (value, now)

    def final(self) -> list[Json]:
        """As FinalMetricDataList."""
        return [{"MetricName": name, "Value": value, "Timestamp": now} for name, (value, now) in self._last.items()]


def _compile(definition: Json) -> re.Pattern[str]:
    try:
        pattern = re.compile(definition["Regex"])
    except re.error as fault:
        raise InvalidMetricDefinition(f"Regex of metric {definition['Name']}: {fault}") from fault
    if pattern.groups < 1:
        raise InvalidMetricDefinition(f"Regex of metric {definition['Name']} has no group for the value")
    return pattern


def _single_precision(text: str) -> float | None:
    """SageMaker keeps metrics in single precision, so 0.9 comes back as 0.8999999761581421."""
    try:
        value: float = struct.unpack("f", struct.pack("f", float(text)))[0]
    except (ValueError, OverflowError):
        return None
    return value if math.isfinite(value) else None
