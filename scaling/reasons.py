"""Why an alarm changed its state, in CloudWatch's words: StateReason and StateReasonData."""

import datetime as dt
from typing import Any

from scaling.alarms import AlarmRule, AlarmState, Evaluation, Missing

_TREATED = {Missing.BREACHING: "Breaching", Missing.NOT_BREACHING: "NonBreaching"}


def reason(rule: AlarmRule, former: AlarmState, evaluation: Evaluation) -> str:
    """One sentence, as DescribeAlarms has it.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html has examples.
    """
    if evaluation.state is AlarmState.INSUFFICIENT_DATA:
        return f"Insufficient Data: {_number(evaluation.filled, 'datapoint')} {_was(evaluation.filled)} unknown."
    if not evaluation.evaluated:
        return (
            f"Threshold Crossed: no datapoints were received for {_number(evaluation.filled, 'period')} and "
            f"{_number(evaluation.filled, 'missing datapoint')} {_was(evaluation.filled)} treated as "
            f"[{_TREATED.get(rule.missing, 'Missing')}]."
        )
    sounds = evaluation.state is AlarmState.ALARM
    shown = [
        point for point in evaluation.evaluated if point.value is not None and rule.breaches(point.value) is sounds
    ] or list(evaluation.evaluated)
    values = ", ".join(f"{point.value} ({_moment(point.time):%d/%m/%y %H:%M:%S})" for point in reversed(shown))
    needed = rule.datapoints_to_alarm if sounds else rule.evaluation_periods - rule.datapoints_to_alarm + 1
    return (
        f"Threshold Crossed: {len(shown)} out of the last {rule.evaluation_periods} datapoints [{values}] "
        f"{_was(len(shown))} {'' if sounds else 'not '}{rule.in_words()} (minimum {_number(needed, 'datapoint')} for "
        f"{former} -> {evaluation.state} transition)."
    )


def reason_data(rule: AlarmRule, evaluation: Evaluation, now: float) -> dict[str, Any]:
    """The same for programs."""
    points = evaluation.evaluated
    return {
        "version": "1.0",
        "queryDate": _iso(now),
        **({"startDate": _iso(points[0].time)} if points else {}),
        "statistic": rule.statistic,
        "period": rule.period_seconds,
        "recentDatapoints": [point.value for point in points],
        "threshold": rule.threshold,
        "evaluatedDatapoints": [{"timestamp": _iso(point.time), "value": point.value} for point in reversed(points)],
    }


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _was(count: int) -> str:
    return "was" if count == 1 else "were"


def _moment(epoch: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(epoch, dt.UTC)


def _iso(epoch: float) -> str:
    return _moment(epoch).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
