"""ConcurrentRequestsPerModel, by a clock that the test moves."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from local.clock import Clock
from local.sagemaker.json_rpc import Json
from local.sagemaker.runtime.concurrency import Concurrency
from tests.local.sagemaker.conftest import eventually

START = 1_800_000_000.0  # the beginning of a period


@pytest.fixture
def published() -> list[Json]:
    return []


@pytest.fixture
def clock() -> Clock:
    return Clock(time_factor=1e-6, start=START)  # stands still but for the test


@pytest.fixture
def concurrency(clock: Clock, published: list[Json]) -> Iterator[Concurrency]:
    made = Concurrency(clock, lambda endpoint, variant: 0 if endpoint == "gone" else 2, published.extend)
    yield made
    made.close()


def test_a_period_tells_the_least_the_mean_and_the_most_of_an_instance(
    concurrency: Concurrency, clock: Clock, published: list[Json]
) -> None:
    for _ in range(5):
        concurrency.began("live", "model-a")
    clock.advance(5)
    for _ in range(4):
        concurrency.ended("live", "model-a")
    clock.advance(5)
    eventually(lambda: published)
    (datum,) = published
    assert datum["MetricName"] == "ConcurrentRequestsPerModel"
    assert datum["StorageResolution"] == 1
    assert datum["Timestamp"] == datetime.fromtimestamp(START, UTC)
    assert [dimension["Value"] for dimension in datum["Dimensions"]] == ["live", "model-a"]
    values = datum["StatisticValues"]
    assert values["Sum"] == pytest.approx(3.0, abs=0.01)  # 1.5 of each of two instances
    assert values | {"Sum": 3.0} == {"SampleCount": 2.0, "Sum": 3.0, "Minimum": 0.0, "Maximum": 3.0}
    concurrency.ended("live", "model-a")


def test_a_request_that_lasts_counts_in_every_period(
    concurrency: Concurrency, clock: Clock, published: list[Json]
) -> None:
    concurrency.began("live", "model-a")
    clock.advance(35)
    eventually(lambda: len(published) == 3)
    concurrency.ended("live", "model-a")
    assert [datum["StatisticValues"]["Maximum"] for datum in published] == [1.0, 1.0, 1.0]


def test_zeros_are_told_for_an_hour_and_then_nothing(
    concurrency: Concurrency, clock: Clock, published: list[Json]
) -> None:
    concurrency.began("live", "model-a")
    concurrency.ended("live", "model-a")
    for _ in range(12):
        clock.advance(900)
        concurrency.flush()
    sums = [round(datum["StatisticValues"]["Sum"], 3) for datum in published]
    assert set(sums) == {0.0}
    assert 360 <= len(sums) <= 362


def test_a_long_jump_of_the_clock_is_not_told_period_by_period(
    concurrency: Concurrency, clock: Clock, published: list[Json]
) -> None:
    concurrency.began("live", "model-a")
    clock.advance(7 * 86400)
    concurrency.flush()
    assert len(published) <= 361
    concurrency.ended("live", "model-a")


def test_of_an_endpoint_that_is_gone_nothing_is_told(
    concurrency: Concurrency, clock: Clock, published: list[Json]
) -> None:
    concurrency.began("gone", "model-a")
    concurrency.ended("gone", "model-a")
    clock.advance(60)
    concurrency.flush()
    assert published == []
