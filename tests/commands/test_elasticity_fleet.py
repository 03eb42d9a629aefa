"""The fleet of the simulation keeps what it is given: every request is served or given up once, and more helps."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands.elasticity.fleet import Fleet, InstanceKind
from commands.stress.judgement import SAFETY_FACTOR
from contracts.scaling import ScalingSettings
from load.recording import percentiles
from load.schedule import steady

KIND = InstanceKind(service_seconds=1.0, objective_seconds=3.0, timeout_seconds=8.0)
ENDLESS = InstanceKind(service_seconds=1.0, objective_seconds=3.0, timeout_seconds=math.inf)
gaps = st.lists(st.floats(0, 3), min_size=1, max_size=120)


def moments(gaps: list[float]) -> list[float]:
    now, found = 0.0, []
    for gap in gaps:
        now += gap
        found.append(now)
    return found


def latencies(kind: InstanceKind, instances: int, asked: list[float]) -> list[float | None]:
    return Fleet(kind, instances).ask(asked).latencies


@given(gaps, st.lists(st.tuples(st.integers(0, 119), st.integers(1, 6)), max_size=5))
def test_every_request_is_served_once_or_given_up_whatever_the_instances_do(gaps, resizes):
    fleet, asked, sizes, answers = Fleet(KIND, 2), moments(gaps), dict(resizes), []
    for number, moment in enumerate(asked):
        if number in sizes:
            fleet.resize(sizes[number], moment)
            assert fleet.instances == sizes[number]
        before = fleet.under_way(moment)
        asked_one = fleet.ask([moment])
        answers += asked_one.latencies
        assert asked_one.most_under_way == fleet.under_way(moment) == before + 1
    assert len(answers) == len(asked)
    assert all(KIND.service_seconds - 1e-9 <= answer <= KIND.timeout_seconds for answer in answers if answer)
    assert fleet.under_way(asked[-1] + KIND.timeout_seconds) == 0


@given(gaps, st.integers(1, 5))
def test_no_instance_serves_two_requests_at_once(gaps, instances):
    asked = moments(gaps)
    ends = [moment + latency for moment, latency in zip(asked, latencies(ENDLESS, instances, asked), strict=True)]
    starts = sorted(end - ENDLESS.service_seconds for end in ends)
    for start in starts:
        at_once = sum(other <= start + 1e-9 < other + ENDLESS.service_seconds - 1e-6 for other in starts)
        assert at_once <= instances


@given(gaps, st.integers(1, 5))
def test_one_instance_more_makes_no_request_slower(gaps, instances):
    asked = moments(gaps)
    fewer, more = latencies(ENDLESS, instances, asked), latencies(ENDLESS, instances + 1, asked)
    assert all(one >= other - 1e-9 for one, other in zip(fewer, more, strict=True))


@given(gaps, st.integers(1, 5))
def test_one_instance_more_gives_no_more_requests_up(gaps, instances):
    asked = moments(gaps)
    assert latencies(KIND, instances, asked).count(None) >= latencies(KIND, instances + 1, asked).count(None)


def test_new_instances_take_what_comes_next_and_old_queues_stay():
    fleet = Fleet(ENDLESS, 1)
    assert fleet.ask([0.0] * 3).latencies == [1, 2, 3]
    fleet.resize(2, 0.5)
    assert fleet.ask([0.5]).latencies == [1]
    fleet.resize(1, 0.6)
    assert fleet.ask([0.6]).latencies == [pytest.approx(3.4)]


def test_the_default_target_is_what_a_stress_test_would_recommend_for_this_instance():
    """Half of the highest rate that the smallest fleet serves within the objective, at p99."""
    kind, fleet_size = InstanceKind(), ScalingSettings().minimum
    low, high = 0.0, kind.highest_rate
    for _ in range(8):
        rate = (low + high) / 2
        asked = list(steady(rate * fleet_size, 1_500).at_random(11).moments())
        found = [latency or kind.timeout_seconds for latency in latencies(kind, fleet_size, asked)]
        low, high = (rate, high) if percentiles(found)[99.0] <= kind.objective_seconds else (low, rate)
    assert low * 60 * SAFETY_FACTOR == pytest.approx(ScalingSettings().target, rel=0.05)
