"""What state a CloudWatch alarm is in.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html and, for what is missing,
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html, whose tables are tests.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from scaling.datapoints import Datapoint
from scaling.statistics import check_statistic

# CloudWatch looks at more periods than it needs, in case some lack data: at 5 for 3, as the documentation's tables
# have it; how many for other numbers, and for short periods, is not documented.
_SPARE_PERIODS = 2
_SHORT_PERIODS = frozenset({10, 20, 30})
_MINUTE = 60


class InvalidAlarm(ValueError):
    """Settings that CloudWatch would refuse, or that are not evaluated here; the message says which."""


class AlarmState(StrEnum):
    """As DescribeAlarms has it."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


class Missing(StrEnum):
    """TreatMissingData."""

    MISSING = "missing"
    IGNORE = "ignore"
    BREACHING = "breaching"
    NOT_BREACHING = "notBreaching"


_COMPARISONS: Mapping[str, tuple[Callable[[float, float], bool], str]] = {
    "GreaterThanOrEqualToThreshold": (operator.ge, "greater than or equal to"),
    "GreaterThanThreshold": (operator.gt, "greater than"),
    "LessThanThreshold": (operator.lt, "less than"),
    "LessThanOrEqualToThreshold": (operator.le, "less than or equal to"),
}


@dataclass(frozen=True)
class AlarmRule:
    """When an alarm sounds: M (``datapoints_to_alarm``) of the last N (``evaluation_periods``) datapoints breach."""

    statistic: str
    comparison: str
    threshold: float
    period_seconds: int
    evaluation_periods: int = 1
    datapoints_to_alarm: int = 1
    missing: Missing = Missing.MISSING

    def __post_init__(self) -> None:
        check_statistic(self.statistic)
        if self.comparison not in _COMPARISONS:
            raise InvalidAlarm(f"the comparison {self.comparison!r} is not evaluated here")
        if self.period_seconds not in _SHORT_PERIODS and (
            self.period_seconds < _MINUTE or self.period_seconds % _MINUTE
        ):
            raise InvalidAlarm(f"a period of {self.period_seconds} seconds is not 10, 20, 30 or a multiple of 60")
        if not 1 <= self.datapoints_to_alarm <= self.evaluation_periods:
            raise InvalidAlarm(
                f"{self.datapoints_to_alarm} datapoints of {self.evaluation_periods} periods cannot sound an alarm"
            )

    @property
    def evaluation_range(self) -> int:
        """How many of the latest periods are looked at."""
        return self.evaluation_periods + _SPARE_PERIODS

    def breaches(self, value: float) -> bool:
        """Whether one datapoint is on the wrong side of the threshold."""
        return _COMPARISONS[self.comparison][0](value, self.threshold)

    def in_words(self) -> str:
        """Such as "greater than the threshold (5.0)"."""
        return f"{_COMPARISONS[self.comparison][1]} the threshold ({self.threshold})"


@dataclass(frozen=True)
class Evaluation:
    """A state, and the datapoints with values that it was found from, oldest first."""

    state: AlarmState
    evaluated: tuple[Datapoint, ...]
    filled: int
    """How many missing datapoints stood in for values."""


def evaluate(rule: AlarmRule, current: AlarmState, points: Sequence[Datapoint]) -> Evaluation:
    """The state after ``points``, oldest first, of which the last `AlarmRule.evaluation_range` are looked at."""
    looked_at = list(points)[-rule.evaluation_range :]
    real = [point for point in looked_at if point.value is not None]
    if len(real) >= rule.evaluation_periods:
        evaluated = real[-rule.evaluation_periods :]
        return Evaluation(_judged(rule, _breaching(rule, evaluated)), tuple(evaluated), 0)
    filled = rule.evaluation_periods - len(real)
    return Evaluation(_with_gaps(rule, current, looked_at, filled), tuple(real), filled)


def _with_gaps(rule: AlarmRule, current: AlarmState, looked_at: Sequence[Datapoint], filled: int) -> AlarmState:
    real = [point for point in looked_at if point.value is not None]
    breaching = _breaching(rule, real)
    if rule.missing is Missing.BREACHING:
        return _judged(rule, breaching + filled)
    if rule.missing is Missing.NOT_BREACHING or breaching >= rule.datapoints_to_alarm:
        return _judged(rule, breaching)
    if breaching < len(real):
        return AlarmState.OK
    if rule.missing is Missing.IGNORE:
        return current
    # "Premature transitions": with nothing but breaching data, the oldest must be as old as the alarm asks for data.
    newest_first = [point.value is not None for point in reversed(looked_at)]
    oldest_age = len(newest_first) - newest_first[::-1].index(True) if real else 0
    return AlarmState.ALARM if real and oldest_age >= rule.datapoints_to_alarm else AlarmState.INSUFFICIENT_DATA


def _judged(rule: AlarmRule, breaching: int) -> AlarmState:
    return AlarmState.ALARM if breaching >= rule.datapoints_to_alarm else AlarmState.OK


def _breaching(rule: AlarmRule, points: Sequence[Datapoint]) -> int:
    return sum(point.value is not None and rule.breaches(point.value) for point in points)
