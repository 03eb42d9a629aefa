import math

import pytest

from local.sagemaker.training.metrics import InvalidMetricDefinition, JobMetrics


def observed(regex: str, *lines: str) -> list[float]:
    metrics = JobMetrics([{"Name": "m", "Regex": regex}])
    for now, line in enumerate(lines):
        metrics.observe(line, float(now))
    return [metric["Value"] for metric in metrics.final()]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("m=1;", [1.0]),
        ("m=-2.5e-3;", [pytest.approx(-0.0025, rel=1e-6)]),
        ("m=1; m=2;", [2.0]),
        ("m=nan;", []),
        ("m=inf;", []),
        ("m=1e39;", []),
        ("m=e;", []),
        ("n=1;", []),
    ],
)
def test_values(line: str, expected: list[float]) -> None:
    assert observed("m=([-+0-9.eEnaif]+);", line) == expected


def test_the_last_value_counts() -> None:
    assert observed("m=([0-9.]+);", "m=1;", "m=3;", "m=2;") == [2.0]


def test_values_have_single_precision() -> None:
    (value,) = observed("m=([0-9.]+);", "m=0.1;")
    assert value != 0.1
    assert math.isclose(value, 0.1, rel_tol=1e-7)


@pytest.mark.parametrize("regex", ["m=(", "m=1"])
def test_definitions_that_can_never_work_are_refused(regex: str) -> None:
    with pytest.raises(InvalidMetricDefinition, match="Regex of metric m"):
        JobMetrics([{"Name": "m", "Regex": regex}])
