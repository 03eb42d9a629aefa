import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaling.datapoints import Datapoint, Sample, datapoints, last_complete_period
from scaling.statistics import Distribution, UnknownStatistic, combined

VALUES = st.lists(st.tuples(st.integers(0, 1000), st.integers(1, 9)), min_size=1, max_size=30)


def of(pairs: list[tuple[int, int]]) -> Distribution:
    made = Distribution.of([float(value) for value, _ in pairs], [float(count) for _, count in pairs])
    assert made is not None
    return made


@given(VALUES, st.sampled_from(["p0", "p50", "p90", "p99", "p99.9", "p100"]))
def test_a_percentile_is_that_of_the_values_as_often_as_they_were_seen(pairs: list[tuple[int, int]], name: str) -> None:
    repeated = [value for value, count in pairs for _ in range(count)]
    assert of(pairs).statistic(name) == pytest.approx(np.percentile(repeated, float(name[1:])))


@given(VALUES, VALUES)
def test_parts_together_are_as_good_as_the_whole(some: list[tuple[int, int]], more: list[tuple[int, int]]) -> None:
    together, whole = combined([of(some), of(more)]), of(some + more)
    assert together is not None
    for name in ("SampleCount", "Sum", "Average", "Minimum", "Maximum", "p50", "p99"):
        assert together.statistic(name) == pytest.approx(whole.statistic(name))


def test_a_rare_slow_answer_is_in_the_p99_and_not_in_the_average() -> None:
    latency = Distribution.of([1_000.0, 900_000.0], [980.0, 20.0])
    assert latency is not None
    assert latency.statistic("p99") == 900_000.0
    assert latency.statistic("p50") == 1_000.0
    assert latency.statistic("Average") == pytest.approx(18_980.0)


def test_a_summary_has_no_percentile_unless_all_its_values_are_the_same() -> None:
    summary, same = Distribution.of_summary(3, 6, 1, 3), Distribution.of_summary(3, 6, 2, 2)
    assert summary is not None
    assert same is not None
    assert summary.statistic("p90") is None
    assert summary.statistic("Average") == 2
    assert same.statistic("p90") == 2
    assert combined([summary, same]).statistic("p90") is None  # type: ignore[union-attr]


def test_negative_values_have_no_percentile() -> None:
    assert of([(-1, 1), (5, 1)]).statistic("p50") is None


@pytest.mark.parametrize("name", ["p101", "tm99", "Median", "", "p"])
def test_a_statistic_that_is_not_computed_is_said_to_be_unknown(name: str) -> None:
    with pytest.raises(UnknownStatistic, match="not computed"):
        of([(1, 1)]).statistic(name)


def test_nothing_seen_is_no_distribution() -> None:
    assert Distribution.of([1.0], [0.0]) is None
    assert Distribution.of_summary(0, 0, 0, 0) is None
    assert combined([]) is None


def test_samples_fall_into_the_period_that_they_are_stamped_with() -> None:
    samples = [Sample(time, of([(value, 1)])) for time, value in ((60, 1), (119.9, 2), (120, 4), (240, 8), (300, 16))]
    assert datapoints(samples, "Sum", 60, 240, 4) == [
        Datapoint(60, 3),
        Datapoint(120, 4),
        Datapoint(180, None),
        Datapoint(240, 8),
    ]


def test_a_period_is_complete_when_the_next_one_begins() -> None:
    assert last_complete_period(119.9, 60) == 0
    assert last_complete_period(120, 60) == 60
    assert last_complete_period(125, 10) == 110
