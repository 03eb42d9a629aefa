"""Policies in simulated time decide as they would on the cloud: by its alarms, within its limits, when it has the data."""

import dataclasses
import datetime as dt
import math
from array import array

import pytest

from commands.elasticity import traces
from commands.elasticity.policies import compared, in_words
from commands.elasticity.simulation import Outcome, World, simulate
from commands.elasticity.traces import joined, wandering
from contracts.scaling import ScalingSettings, Step, StepRule, StepScaling
from contracts.scaling import Schedule as Limits
from load.schedule import Schedule, ramp, spike, steady

# Nine o'clock on a Tuesday, at the begin of a minute.
BEGUN = dt.datetime(2030, 1, 1, 9, tzinfo=dt.UTC).timestamp()
WORLD = World()
BEFORE, DURING, AFTER = 600, 600, 2_400
SPIKE = spike(5, 50, BEFORE, DURING, AFTER)
CONCURRENCY = ScalingSettings(kind="concurrency", target=2.0)


def outcome(settings: ScalingSettings, schedule: Schedule, world: World = WORLD, begun: float = BEGUN) -> Outcome:
    return simulate(settings, array("d", schedule.moments()), int(schedule.seconds), begun, world)


def at(found: Outcome) -> list[tuple[float, int, int]]:
    return [(each.begun - BEGUN, each.before, each.capacity) for each in found.activities]


def test_every_request_of_a_trace_is_in_the_outcome():
    asked = list(SPIKE.at_random(3).moments())
    found = outcome(ScalingSettings(), SPIKE.at_random(3))
    assert sum(found.sent) == len(asked)
    assert all(over <= sent for over, sent in zip(found.over, found.sent, strict=True))
    assert found.given_up <= sum(found.over)
    assert found.seconds_over == sum(requests > 0 for requests in found.over)


def test_invocations_are_seen_after_three_minutes_and_followed_in_proportion():
    found = outcome(ScalingSettings(), SPIKE)
    seen = BEFORE + 3 * 60 + WORLD.minute_arrives_seconds
    assert at(found)[0] == (seen, 2, min(math.ceil(50 * 60 / 200), 10))
    assert found.course[1] == (BEGUN + seen + WORLD.start_seconds, 10)


def test_concurrency_is_seen_within_a_minute():
    found = outcome(CONCURRENCY, SPIKE)
    assert at(found)[0][0] == BEFORE + 3 * 10 + WORLD.high_resolution_arrives_seconds
    assert at(found)[0][2] == CONCURRENCY.maximum


def test_after_a_spike_instances_go_when_fifteen_minutes_were_quiet():
    found = outcome(ScalingSettings(), SPIKE)
    inwards = next(each for each in found.activities if each.capacity < each.before)
    quiet = inwards.begun - BEGUN - BEFORE - DURING
    assert 15 * 60 <= quiet <= 17 * 60
    assert found.course[-1][1] == 2


def test_concurrency_goes_down_at_the_speed_of_minutes():
    found = outcome(CONCURRENCY, SPIKE)
    inwards = next(each for each in found.activities if each.capacity < each.before)
    enough = found.course[1][0]
    assert found.course[1][1] == CONCURRENCY.maximum
    assert inwards.begun - enough >= 15 * 60


def test_nothing_changes_while_instances_start():
    found = outcome(ScalingSettings(), joined(ramp(5, 60, 1_800), steady(60, 600)))
    ends = [each.begun + (WORLD.start_seconds if each.capacity > each.before else 0) for each in found.activities]
    assert len(ends) > 1
    assert all(end <= after.begun for end, after in zip(ends, found.activities[1:], strict=False))


def test_numbers_that_arrive_later_are_followed_later():
    late = dataclasses.replace(WORLD, minute_arrives_seconds=75.0)
    delays = [at(outcome(ScalingSettings(), SPIKE, world))[0][0] for world in (WORLD, late)]
    assert delays[1] - delays[0] == 60


def test_requests_that_count_when_they_are_answered_hide_what_waits():
    """An instance cannot answer more than it can: with a full queue the metric stays below the load."""
    answered = dataclasses.replace(WORLD, counted="answered")
    first = at(outcome(ScalingSettings(maximum=20), SPIKE, answered))[0]
    assert first[2] == math.ceil(2 * WORLD.instance.highest_rate * 60 / 200)
    assert at(outcome(ScalingSettings(maximum=20), SPIKE))[0][2] == math.ceil(50 * 60 / 200)


def test_instance_hours_are_those_in_service():
    fixed = outcome(ScalingSettings(minimum=4, maximum=4), SPIKE)
    assert fixed.activities == []
    assert fixed.instance_hours == pytest.approx(4 * SPIKE.seconds / 3_600)
    scaled = outcome(ScalingSettings(), SPIKE)
    by_second = sum(scaled.instances(second) for second in range(scaled.seconds)) / 3_600
    assert scaled.instance_hours == pytest.approx(by_second, rel=0.01)


def test_limits_change_by_the_clock_and_hold_from_before():
    settings = ScalingSettings(
        kind="scheduled",
        schedule=(
            Limits(cron="0 8 ? * MON-FRI *", minimum=4, maximum=10),
            Limits(cron="30 9 ? * MON-FRI *", minimum=6, maximum=10),
        ),
    )
    found = outcome(settings, steady(5, 3_600))
    assert found.course == [(BEGUN, 4), (BEGUN + 1_800 + WORLD.start_seconds, 6)]
    assert at(found) == [(1_800, 4, 6)]


def test_steps_add_what_the_size_of_the_breach_asks_for():
    out = StepRule(threshold=300, steps=(Step(lower=0, upper=300, adjustment=1), Step(lower=300, adjustment=4)))
    back = StepRule(threshold=100, periods=15, steps=(Step(upper=0, adjustment=-1),))
    settings = ScalingSettings(kind="step", step=StepScaling(out=out, back=back))
    found = outcome(settings, SPIKE)
    assert at(found)[0] == (BEFORE + 60 + WORLD.minute_arrives_seconds, 2, 6)


def test_steps_by_the_processor_are_refused():
    rule = {"steps": ({"lower": 0, "adjustment": 1},), "threshold": 80}
    back = {"steps": ({"upper": 0, "adjustment": -1},), "threshold": 20}
    step = StepScaling.model_validate({"metric": "cpu", "out": rule, "back": back})
    with pytest.raises(ValueError, match="not simulated"):
        outcome(ScalingSettings(kind="step", step=step), SPIKE)


def test_traces_that_judge_have_no_seed_and_no_rates_of_those_that_choose():
    chosen, judged = traces.tuning(), traces.judging()
    assert {each.schedule.seed for each in chosen}.isdisjoint(each.schedule.seed for each in judged)
    assert {each.schedule.stretches for each in chosen}.isdisjoint(each.schedule.stretches for each in judged)
    for each in (*chosen, *judged):
        assert each.schedule.seed is not None
        assert len({each.name for each in judged}) == len(judged)
    assert {each.at.hour < 14 for each in judged} == {True, False}


def test_a_trace_is_the_same_each_time():
    (trace,) = [each for each in traces.judging() if each.name == "steps up"]
    assert trace.moments() == trace.moments()
    assert max(trace.moments()) < trace.seconds
    assert wandering(20, 6, 55, 30, 1) == wandering(20, 6, 55, 30, 1) != wandering(20, 6, 55, 30, 2)


def test_compared_policies_are_settings_that_a_model_may_have():
    for settings in compared().values():
        assert ScalingSettings.model_validate(settings.resolved()) == settings
    said = [in_words(settings) for settings in compared().values()]
    assert len(set(said)) == len(said)
