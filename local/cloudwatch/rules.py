"""The emulator's alarm records, read as rules."""

from collections.abc import Mapping
from typing import Any

from scaling.alarms import AlarmRule, InvalidAlarm, Missing
from scaling.statistics import UnknownStatistic

Alarm = Mapping[str, Any]


def rule_of(alarm: Alarm) -> AlarmRule | None:
    """None for an alarm that is not evaluated here: on an expression, a band, an uncommon statistic."""
    if not alarm.get("Namespace") or not alarm.get("MetricName"):
        return None
    periods = int(alarm.get("EvaluationPeriods") or 1)
    try:
        return AlarmRule(
            statistic=alarm.get("ExtendedStatistic") or alarm.get("Statistic") or "Average",
            comparison=alarm.get("ComparisonOperator") or "",
            threshold=float(alarm.get("Threshold") or 0),
            period_seconds=int(alarm.get("Period") or 60),
            evaluation_periods=periods,
            datapoints_to_alarm=int(alarm.get("DatapointsToAlarm") or periods),
            missing=Missing(alarm.get("TreatMissingData") or "missing"),
        )
    except (InvalidAlarm, UnknownStatistic, ValueError):
        return None


def dimensions_of(alarm: Alarm) -> dict[str, str]:
    """By name."""
    return {each["Name"]: each["Value"] for each in alarm.get("Dimensions") or []}


def actions_of(alarm: Alarm, state: str) -> list[str]:
    """ARNs of what happens on the way into a state, unless actions are switched off."""
    key = {"ALARM": "AlarmActions", "OK": "OKActions"}.get(state, "InsufficientDataActions")
    return list(alarm.get(key) or []) if alarm.get("ActionsEnabled", True) else []


def scaling_policies(actions: list[str]) -> list[str]:
    """Those of the actions that are policies of Application Auto Scaling."""
    return [arn for arn in actions if arn.startswith("arn:") and ":autoscaling:" in arn and ":resource/" in arn]
