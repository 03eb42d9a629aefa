import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest

from local.clock import Clock
from local.sagemaker.json_rpc import Json
from local.sagemaker.runtime.usage import Usage
from tests.local.sagemaker.conftest import MiniatureCloud, eventually, variant

START = 1_800_000_000.0  # a full minute


@pytest.fixture
def published() -> list[Json]:
    return []


@pytest.fixture
def clock() -> Clock:
    return Clock(start=START)


@pytest.fixture
def usage(clock: Clock, published: list[Json]) -> Iterator[Usage]:
    made = Usage(clock, lambda endpoint, variant: 2, published.extend)
    yield made
    made.close()


def count(usage: Usage, *, status: int = 200, latency_us: float = 1.0, **more: Any) -> None:
    arguments = {"endpoint": "live", "variant": "model-a", "config": "c1", "overhead_us": 1.0} | more
    usage.count(**arguments, status=status, latency_us=latency_us)


def values(published: list[Json], metric: str) -> dict[float, float]:
    return {
        value: count
        for datum in published
        if datum["MetricName"] == metric and len(datum["Dimensions"]) == 2
        for value, count in zip(datum["Values"], datum["Counts"], strict=True)
    }


def test_a_minute_is_published_once_it_has_passed(usage: Usage, clock: Clock, published: list[Json]) -> None:
    for status in (200, 200, 400, 500):
        count(usage, status=status, latency_us=1234.4, overhead_us=200.0)
    usage.flush()
    assert published == []
    clock.advance(60)
    eventually(lambda: published)
    assert values(published, "Invocations") == {1.0: 4}
    assert values(published, "InvocationsPerInstance") == {0.5: 4}
    assert values(published, "Invocation4XXErrors") == {0.0: 3, 1.0: 1}
    assert values(published, "Invocation5XXErrors") == {0.0: 3, 1.0: 1}
    assert values(published, "ModelLatency") == {1230.0: 4}
    assert values(published, "OverheadLatency") == {200.0: 4}
    assert {datum["Timestamp"] for datum in published} == {dt.datetime.fromtimestamp(START, dt.UTC)}
    assert values(published, "InvocationModelErrors") == {0.0: 2, 1.0: 2}
    by = {tuple(d["Value"] for d in datum["Dimensions"]) for datum in published}
    assert by == {("live", "model-a"), ("live", "model-a", "c1")}


def test_what_is_counted_while_a_minute_is_published_is_of_the_next(clock: Clock, published: list[Json]) -> None:
    def instance_count(endpoint: str, variant: str) -> int:
        if counted:
            clock.advance(60)
            usage.flush()
        return 1

    counted: list[None] = []
    usage = Usage(clock, instance_count, published.extend)
    count(usage)
    counted.append(None)
    count(usage)
    usage.close()
    invocations = [
        (datum["Timestamp"].timestamp() - START, datum["Counts"])
        for datum in published
        if datum["MetricName"] == "Invocations" and len(datum["Dimensions"]) == 2
    ]
    assert invocations == [(0, [1.0]), (60, [1.0])]


def test_a_configuration_can_be_watched_alone(usage: Usage, published: list[Json]) -> None:
    count(usage, config="old")
    count(usage, config="new", status=500)
    usage.flush(unfinished=True)
    errors = {
        datum["Dimensions"][2]["Value"]: datum["Values"]
        for datum in published
        if datum["MetricName"] == "Invocation5XXErrors" and len(datum["Dimensions"]) == 3
    }
    assert errors == {"old": [0.0], "new": [1.0]}


def test_many_latencies_are_published_in_parts(usage: Usage, published: list[Json]) -> None:
    for number in range(400):
        count(usage, status=200, latency_us=100.0 + number, overhead_us=1.0)
    usage.flush(unfinished=True)
    latencies = [datum for datum in published if datum["MetricName"] == "ModelLatency"]
    assert [len(datum["Values"]) for datum in latencies] == [150, 150, 100] * 2


def test_scaling_can_ask_for_the_last_minutes(usage: Usage, clock: Clock) -> None:
    for minute in range(3):
        for _ in range(minute + 1):
            count(usage)
        count(usage, variant="model-b")
        clock.advance(60)
    assert list(usage.invocations("live", "model-a", 110).values()) == [2, 3]
    assert usage.invocations("live", "model-a", 0) == {}


def test_old_minutes_are_forgotten(usage: Usage, clock: Clock) -> None:
    count(usage)
    clock.advance(2 * 3600)
    usage.flush()
    usage.flush()
    assert usage.invocations("live", "model-a", 10 * 3600) == {}


def test_cloudwatch_gets_the_metrics(cloud: MiniatureCloud) -> None:
    cloud.create_model("m")
    cloud.create_config("c", variant("m"))
    cloud.create_endpoint("measured", "c")
    for _ in range(5):
        cloud.invoke("measured")
    cloud.restart()
    now = cloud.clock.datetime()
    statistics = cloud.front_door.emulated("cloudwatch").get_metric_statistics(
        Namespace="AWS/SageMaker",
        MetricName="Invocations",
        Dimensions=[{"Name": "EndpointName", "Value": "measured"}, {"Name": "VariantName", "Value": "model-a"}],
        StartTime=now - dt.timedelta(minutes=10),
        EndTime=now + dt.timedelta(minutes=1),
        Period=3600,
        Statistics=["Sum"],
    )
    assert sum(point["Sum"] for point in statistics["Datapoints"]) == 5
