"""Requests fall where the rates say."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from load.schedule import InvalidSchedule, Level, Stretch, day, ramp, spike, steady, step

RATES = st.just(0.0) | st.floats(1e-3, 500)


def test_a_steady_rate_is_evenly_spaced_and_has_no_end():
    assert list(itertools.islice(steady(4).moments(), 9)) == [0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2]
    assert steady(4).seconds == math.inf


def test_steps_change_at_their_time():
    assert list(step([1, 2], 2).moments()) == [0, 1, 2, 2.5, 3, 3.5]


def test_a_quiet_stretch_has_no_requests():
    assert list(step([1, 0, 1], 1).moments()) == [0, 2]


@given(st.lists(st.tuples(st.floats(0.5, 20), RATES, RATES), min_size=1, max_size=5))
def test_between_any_two_moments_so_many_requests_fall_as_the_rate_says(pieces):
    stretches = [Stretch(*piece) for piece in pieces]
    for stretch in stretches:
        for count in (0.0, stretch.requests / 3, stretch.requests):
            moment = stretch.moment(count)
            growth = (stretch.end - stretch.start) / stretch.seconds
            assert stretch.start * moment + growth * moment**2 / 2 == pytest.approx(count, rel=1e-6, abs=1e-6)
            assert 0 <= moment <= stretch.seconds * (1 + 1e-6)


@given(st.floats(0, 1e-200), st.floats(0, 1e-200))
def test_rates_that_are_hardly_there_do_no_harm(start, end):
    assert all(0 <= moment <= 10 for moment in ramp(start, end, 10).moments())


@given(RATES, st.floats(1, 500))
def test_a_ramp_has_as_many_requests_as_its_middle_rate_and_they_come_in_order(start, end):
    moments = list(ramp(start, end, 10).moments())
    assert len(moments) == pytest.approx((start + end) * 5, abs=1.01)
    assert moments == sorted(moments)
    assert all(0 <= moment <= 10 * (1 + 1e-9) for moment in moments)


def test_at_random_there_are_as_many_in_other_places_and_the_same_for_the_same_seed():
    planned = steady(100, 100)
    moments = list(planned.at_random(7).moments())
    assert moments == list(planned.at_random(7).moments())
    assert moments != list(planned.at_random(8).moments())
    # Of 10,000 expected requests the standard deviation is 100.
    assert len(moments) == pytest.approx(10_000, abs=500)
    gaps = [after - before for before, after in itertools.pairwise(moments)]
    # Those of a Poisson process vary as much as they are long.
    mean = sum(gaps) / len(gaps)
    assert math.sqrt(sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) == pytest.approx(mean, rel=0.1)


def test_the_rate_at_a_time_is_told():
    spiked = spike(10, 100, 5, 2, 5)
    assert [spiked.rate(second) for second in (0, 4.9, 5, 6.9, 7, 11.9, 12)] == [10, 10, 100, 100, 10, 10, 0]
    assert ramp(0, 10, 10).rate(5) == 5
    assert steady(3).rate(1e9) == 3


def test_a_day_is_quiet_at_night_and_busiest_in_the_middle():
    curve = day(10, 50, 48)
    assert curve.rate(0) == pytest.approx(10)
    assert curve.rate(24) == pytest.approx(50)
    assert curve.highest == pytest.approx(50)
    assert len(list(curve.moments())) == pytest.approx(30 * 48, rel=0.01)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: steady(-1),
        lambda: steady(0),
        lambda: steady(math.nan),
        lambda: steady(math.inf),
        lambda: step([1], 0),
        lambda: ramp(1, 2, math.inf),
        lambda: Level(0, 1),
        lambda: Level(1, 0),
    ],
)
def test_what_no_traffic_can_have_is_refused(wrong):
    with pytest.raises(InvalidSchedule):
        wrong()
