"""One alarm evaluated: its datapoints, its new state, and when it has to be looked at again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from local.cloudwatch.points import Point, samples
from local.cloudwatch.ports import Dimensions
from local.cloudwatch.rules import Alarm, dimensions_of
from scaling.alarms import AlarmRule, AlarmState, Evaluation, evaluate
from scaling.datapoints import Datapoint, datapoints, last_complete_period

ZerosSince = Callable[[str, str, Dimensions], float | None]


@dataclass(frozen=True)
class Look:
    """``moves`` says that the next period may bring another state although nothing is published in it."""

    evaluation: Evaluation
    moves: bool


def look(alarm: Alarm, rule: AlarmRule, points: Sequence[Point], zeros_since: ZerosSince, now: float) -> Look:
    """The state of an alarm at ``now`` (epoch seconds), from the points of its metric."""
    period, number = rule.period_seconds, rule.evaluation_range
    last = last_complete_period(now, period)
    first = last - (number - 1) * period
    published = samples(points, first, alarm.get("Unit"))
    zeros = zeros_since(alarm["Namespace"], alarm["MetricName"], dimensions_of(alarm))
    found = [_or_zero(point, zeros, rule, now) for point in datapoints(published, rule.statistic, period, last, number)]
    evaluation = evaluate(rule, AlarmState(alarm["StateValue"]), found)
    return Look(evaluation, moves=bool(published) or (zeros is not None and zeros > first - period))


def _or_zero(point: Datapoint, zeros_since: float | None, rule: AlarmRule, now: float) -> Datapoint:
    """A metric of a service that publishes zeros while idle: here they are not published, but taken as read.

    What was counted in a period is published after its end: only a period later nothing has become zero.
    """
    if point.value is not None or zeros_since is None or point.time < zeros_since:
        return point
    return Datapoint(point.time, 0.0) if point.time + 2 * rule.period_seconds <= now else point


def next_look(rule: AlarmRule, now: float, delay_seconds: float) -> float:
    """Shortly after the end of the period that runs."""
    return last_complete_period(now, rule.period_seconds) + 2 * rule.period_seconds + delay_seconds
