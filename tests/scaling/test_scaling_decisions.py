import math
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scaling.alarms import AlarmRule, AlarmState, evaluate
from scaling.datapoints import Datapoint
from scaling.steps import InvalidSteps, Step, StepPolicy
from scaling.targets import Cooldowns, Decision, Direction, NotScaled, Target, Wanted, decide, within_limits
from scaling.tracking import (
    PREDEFINED,
    Measured,
    TrackedMetric,
    alarm_high,
    alarm_low,
    capacity_downwards,
    capacity_upwards,
)

INVOCATIONS = PREDEFINED["SageMakerVariantInvocationsPerInstance"]
CONCURRENCY = PREDEFINED["SageMakerVariantConcurrentRequestsPerModelHighResolution"]
TARGETS = st.tuples(st.integers(1, 20), st.integers(0, 30)).map(lambda pair: Target(pair[0], pair[0] + pair[1]))


@dataclass
class World:
    """A fleet under a load, with one target-tracking policy; a step is one period of the metric."""

    target: Target
    metric: TrackedMetric
    goal: float
    out_cooldown: float
    in_cooldown: float
    start_periods: int
    capacity: int
    now: float = 0.0
    running: int = 0
    settled_at: float = 0.0
    before: int = 0
    cooldowns: Cooldowns = field(default_factory=Cooldowns)
    measured: list[tuple[float, float, int]] = field(default_factory=list)
    activities: list[tuple[float, int, int]] = field(default_factory=list)
    changing: bool = False

    def __post_init__(self) -> None:
        self.running = self.before = self.capacity
        self.high, self.low = alarm_high(self.metric, self.goal), alarm_low(self.metric, self.goal)

    def step(self, load: float) -> None:
        """``load`` is requests a minute, or at a time, of the whole fleet."""
        period = self.metric.period_seconds
        value = load / self.running
        # So many requests at once that one instance has: whole ones, and the most of any instance.
        self.measured.append((self.now, math.ceil(value) if self.metric is CONCURRENCY else value, self.running))
        self.now += period
        if self.changing and self.now >= self.settled_at:
            self.changing = False
            self.running = self.capacity
            seconds = self.out_cooldown if self.capacity > self.before else self.in_cooldown
            self.cooldowns = self.cooldowns.after(self.before, self.capacity, seconds, self.now)
        if not self.changing:
            self._react()

    def _react(self) -> None:
        latest = Measured(*self.measured[-1][1:])
        if self._sounds(self.high, 1):
            self._apply(lambda base: capacity_upwards(latest, self.goal, base), Direction.OUT)
            return
        stride = self.low.period_seconds // self.metric.period_seconds
        if self._sounds(self.low, stride):
            window = [
                Measured(value, running) for _, value, running in self._recent(self.low.evaluation_periods, stride)
            ]
            self._apply(lambda _: capacity_downwards(window, self.goal), Direction.IN)

    def _recent(self, number: int, stride: int) -> list[tuple[float, float, int]]:
        return self.measured[: -number * stride - 1 : -stride][::-1]

    def _sounds(self, rule: AlarmRule, stride: int) -> bool:
        points = [Datapoint(time, value) for time, value, _ in self._recent(rule.evaluation_range, stride)]
        return evaluate(rule, AlarmState.OK, points).state is AlarmState.ALARM

    def _apply(self, wanted: Wanted, direction: Direction) -> None:
        decision = decide(self.target, self.capacity, wanted, self.cooldowns, self.now, direction)
        if decision.capacity is None:
            return
        self.activities.append((self.now, self.capacity, decision.capacity))
        self.before, self.capacity, self.changing = self.capacity, decision.capacity, True
        self.settled_at = self.now + self.start_periods * self.metric.period_seconds


@st.composite
def worlds(draw: st.DrawFn, *metrics: TrackedMetric) -> World:
    target = draw(TARGETS)
    return World(
        target,
        draw(st.sampled_from(metrics or (INVOCATIONS, CONCURRENCY))),
        goal=draw(st.floats(1, 500)),
        out_cooldown=draw(st.sampled_from([0.0, 30.0, 60.0, 300.0])),
        in_cooldown=draw(st.sampled_from([0.0, 60.0, 300.0, 900.0])),
        start_periods=draw(st.integers(0, 6)),
        capacity=draw(st.integers(target.minimum, target.maximum)),
    )


LOADS = st.lists(st.tuples(st.floats(0, 20_000), st.integers(1, 40)), min_size=1, max_size=6)


@settings(deadline=None, max_examples=50)
@given(worlds(), LOADS)
def test_capacity_stays_within_the_limits_whatever_comes(world: World, loads: list[tuple[float, int]]) -> None:
    for load, periods in loads:
        for _ in range(periods):
            world.step(load)
            assert world.target.minimum <= world.capacity <= world.target.maximum


@settings(deadline=None, max_examples=50)
@given(worlds(INVOCATIONS), st.floats(0, 20_000))
def test_under_a_steady_load_capacity_becomes_what_the_load_needs_and_stays(world: World, load: float) -> None:
    for _ in range(500):
        world.step(load)
    settled = world.capacity
    needed = world.target.clamped(math.ceil(load / world.goal - 1e-6))
    # From above it may rest one hysteresis earlier: between 90 % of the target and the target nothing happens.
    assert settled >= needed
    if settled > needed:
        assert load / settled >= 0.9 * world.goal * (1 - 1e-6)
    if load / settled > world.goal * (1 + 1e-6):
        assert settled == world.target.maximum
    before = len(world.activities)
    for _ in range(200):
        world.step(load)
    assert world.capacity == settled
    assert len(world.activities) == before


@settings(deadline=None, max_examples=50)
@given(worlds(CONCURRENCY), st.integers(0, 200))
def test_whole_requests_at_once_let_capacity_come_and_go_but_slowly(world: World, load: int) -> None:
    """Two whole numbers may lie on either side of a target: then there is no capacity at which neither alarm sounds."""
    world.goal = min(world.goal, 20.0)
    world.__post_init__()
    for _ in range(1_440):  # four hours
        world.step(load)
    window = world.low.evaluation_periods * world.low.period_seconds
    for (added_at, before, after), (taken_at, _, left) in pairwise(world.activities):
        if after > before and left < after:
            assert taken_at - added_at >= window - world.low.period_seconds
    for _, before, after in world.activities:
        if after > before:
            # The metric is less than one request too large, on each instance.
            assert after <= math.ceil((load + before) / world.goal)
    needed = world.target.clamped(math.ceil(load / (world.goal + 1)))
    assert world.capacity >= needed


@settings(deadline=None, max_examples=50)
@given(worlds(INVOCATIONS), st.floats(0, 20_000))
def test_a_steady_load_is_never_overshot(world: World, load: float) -> None:
    world.capacity = world.running = world.before = world.target.minimum
    for _ in range(200):
        world.step(load)
    assert world.capacity <= max(world.target.minimum, math.ceil(load / world.goal))
    assert all(after > before for _, before, after in world.activities)


@settings(deadline=None, max_examples=50)
@given(worlds(), LOADS)
def test_two_scale_ins_are_a_cooldown_apart(world: World, loads: list[tuple[float, int]]) -> None:
    for load, periods in loads:
        for _ in range(periods):
            world.step(load)
    start = world.start_periods * world.metric.period_seconds
    for earlier, later in zip(world.activities, world.activities[1:], strict=False):
        if earlier[2] < earlier[1] and later[2] < later[1]:
            assert later[0] - earlier[0] >= start + world.in_cooldown


def test_the_alarms_of_a_policy_are_those_that_aws_creates() -> None:
    high, low = alarm_high(INVOCATIONS, 70.0), alarm_low(INVOCATIONS, 70.0)
    assert (high.comparison, high.threshold, high.period_seconds) == ("GreaterThanThreshold", 70.0, 60)
    assert (high.evaluation_periods, high.datapoints_to_alarm, high.statistic) == (3, 3, "Sum")
    assert (low.comparison, low.threshold, low.period_seconds) == ("LessThanThreshold", 63.0, 60)
    assert (low.evaluation_periods, low.datapoints_to_alarm) == (15, 15)
    assert (alarm_high(CONCURRENCY, 5.0).period_seconds, alarm_high(CONCURRENCY, 5.0).evaluation_periods) == (10, 3)
    assert (alarm_low(CONCURRENCY, 5.0).period_seconds, alarm_low(CONCURRENCY, 5.0).evaluation_periods) == (60, 15)


def test_the_metric_speaks_of_the_instances_that_ran_when_it_was_measured() -> None:
    assert capacity_upwards(Measured(400.0, 1), 100.0, 4) == 4
    # Four are there by now; the minute before was measured over one.
    assert capacity_upwards(Measured(300.0, 3), 100.0, 3) == 9
    assert capacity_downwards([Measured(20.0, 5), Measured(45.0, 5), Measured(0.0, 5)], 100.0) == 3
    assert capacity_downwards([Measured(0.0, 5)], 100.0) == 0


@pytest.mark.parametrize("seventh", [7 / 10, 0.7 + 1e-16])
def test_what_is_even_is_not_rounded_up(seventh: float) -> None:
    assert capacity_upwards(Measured(seventh, 10), 0.7, 10) == 10


def test_a_larger_need_goes_on_during_a_scale_out_cooldown_and_an_equal_one_waits() -> None:
    # AWS's example: two were added, then a step of three: one more.
    cooldowns = Cooldowns().after(before=10, capacity=12, cooldown_seconds=300, now=1_000.0)
    target = Target(1, 50)
    assert decide(target, 12, lambda base: base + 3, cooldowns, 1_100.0) == Decision(13)
    assert decide(target, 12, lambda base: base + 2, cooldowns, 1_100.0) == Decision(None, NotScaled.COOLDOWN, 1_300.0)
    assert decide(target, 12, lambda base: base + 1, cooldowns, 1_100.0).capacity is None
    assert decide(target, 12, lambda base: base + 2, cooldowns, 1_300.0) == Decision(14)
    # The base stays that of the first: the cooldown began anew, but goes on.
    again = cooldowns.after(before=12, capacity=13, cooldown_seconds=300, now=1_100.0)
    assert decide(target, 13, lambda base: base + 3, again, 1_350.0).capacity is None
    assert decide(target, 13, lambda base: base + 3, again, 1_400.0) == Decision(16)


def test_scaling_in_waits_for_its_cooldown_and_scaling_out_ends_it() -> None:
    target = Target(1, 10)
    cooldowns = Cooldowns().after(before=6, capacity=4, cooldown_seconds=300, now=0.0)
    assert decide(target, 4, lambda base: base - 1, cooldowns, 299.0) == Decision(None, NotScaled.COOLDOWN, 300.0)
    assert decide(target, 4, lambda base: base + 1, cooldowns, 10.0) == Decision(5)
    ended = cooldowns.after(before=4, capacity=5, cooldown_seconds=0, now=20.0)
    assert decide(target, 5, lambda base: base - 1, ended, 21.0) == Decision(4)


def test_an_alarm_scales_in_its_own_direction_only() -> None:
    target = Target(1, 10)
    assert decide(target, 4, lambda _: 2, Cooldowns(), 0.0, Direction.OUT).capacity is None
    assert decide(target, 4, lambda _: 6, Cooldowns(), 0.0, Direction.IN).capacity is None


def test_suspended_scaling_does_nothing_in_its_direction() -> None:
    out, inwards = Target(1, 10, out_suspended=True), Target(1, 10, in_suspended=True)
    assert decide(out, 4, lambda _: 6, Cooldowns(), 0.0) == Decision(None, NotScaled.SUSPENDED)
    assert decide(out, 4, lambda _: 2, Cooldowns(), 0.0) == Decision(2)
    assert decide(inwards, 4, lambda _: 2, Cooldowns(), 0.0) == Decision(None, NotScaled.SUSPENDED)
    assert decide(inwards, 4, lambda _: 6, Cooldowns(), 0.0) == Decision(6)


def test_limits_are_named_as_the_reason() -> None:
    target = Target(2, 4)
    assert decide(target, 4, lambda _: 9, Cooldowns(), 0.0) == Decision(None, NotScaled.AT_MAXIMUM)
    assert decide(target, 2, lambda _: 0, Cooldowns(), 0.0) == Decision(None, NotScaled.AT_MINIMUM)
    assert decide(target, 3, lambda _: 3, Cooldowns(), 0.0) == Decision(None, NotScaled.AT_DESIRED)
    assert decide(target, 3, lambda _: 9, Cooldowns(), 0.0) == Decision(4)
    assert within_limits(target, 1) == 2
    assert within_limits(target, 9) == 4
    assert within_limits(target, 3) is None


# AWS's example, https://docs.aws.amazon.com/autoscaling/application/userguide/step-scaling-policy-overview.html
OUTWARDS = StepPolicy("PercentChangeInCapacity", (Step(0, 10, 0), Step(10, 20, 10), Step(20, None, 30)))
INWARDS = StepPolicy("PercentChangeInCapacity", (Step(-10, 0, 0), Step(-20, -10, -10), Step(None, -20, -30)))


@pytest.mark.parametrize(
    ("policy", "capacity", "metric", "expected"),
    [
        (OUTWARDS, 10, 59.0, 10),
        (OUTWARDS, 10, 60.0, 11),
        (OUTWARDS, 11, 70.0, 14),
        (INWARDS, 14, 41.0, 14),
        (INWARDS, 14, 40.0, 13),
        (INWARDS, 13, 30.0, 10),
        (OUTWARDS, 10, 40.0, 10),
    ],
)
def test_the_step_is_chosen_and_rounded_as_in_awss_example(
    policy: StepPolicy, capacity: int, metric: float, expected: int
) -> None:
    assert policy.capacity(capacity, metric - 50.0) == expected


def test_adjustments_are_absolute_exact_or_a_percentage_with_a_least_size() -> None:
    always = (Step(0, None, 5),)
    assert StepPolicy("ChangeInCapacity", always).capacity(3, 0.0) == 8
    assert StepPolicy("ExactCapacity", always).capacity(3, 7.0) == 5
    assert StepPolicy("ChangeInCapacity", (Step(None, 0, -5),)).capacity(3, -1.0) == 0
    quarter = (Step(0, None, 25),)
    assert StepPolicy("PercentChangeInCapacity", quarter, minimum_magnitude=2).capacity(4, 1.0) == 6
    assert StepPolicy("PercentChangeInCapacity", (Step(0, None, 10),)).capacity(1, 1.0) == 2
    assert StepPolicy("PercentChangeInCapacity", (Step(None, 0, -10),)).capacity(5, -1.0) == 4


def test_the_latest_datapoints_become_one_number() -> None:
    steps = (Step(0, None, 1),)
    found = {
        name: StepPolicy("ChangeInCapacity", steps, aggregation=name).metric([1.0, 2.0, 6.0])
        for name in ("Average", "Minimum", "Maximum")
    }
    assert found == {"Average": 3.0, "Minimum": 1.0, "Maximum": 6.0}


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ((), "At least one step"),
        ((Step(0, 10, 1), Step(5, None, 2)), "overlap or have a gap"),
        ((Step(0, 10, 1), Step(20, None, 2)), "overlap or have a gap"),
        ((Step(None, None, 1), Step(0, None, 1)), "can't be null"),
        ((Step(0, 10, 1),), "positive upper bound"),
        ((Step(-10, 0, 1),), "negative lower bound"),
    ],
)
def test_steps_that_aws_refuses_are_refused(steps: tuple[Step, ...], message: str) -> None:
    with pytest.raises(InvalidSteps, match=message):
        StepPolicy("ChangeInCapacity", steps)
    with pytest.raises(InvalidSteps, match="AdjustmentType"):
        StepPolicy("Change", (Step(0, None, 1),))
