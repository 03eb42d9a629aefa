import threading
from typing import Any

import pytest

from local.clock import Clock
from local.cloudwatch.agenda import Agenda
from local.cloudwatch.evaluation import look, next_look
from local.cloudwatch.points import distribution_of
from local.cloudwatch.rules import rule_of, scaling_policies
from scaling.alarms import AlarmRule, AlarmState

ALARM = {
    "AlarmName": "low",
    "Namespace": "AWS/SageMaker",
    "MetricName": "InvocationsPerInstance",
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 3,
    "Threshold": 10.0,
    "ComparisonOperator": "LessThanThreshold",
    "StateValue": "INSUFFICIENT_DATA",
}
RULE = rule_of(ALARM)
assert RULE is not None
NOW = 6_000.5


def point(time: float, value: float) -> dict[str, Any]:
    return {"Timestamp": time, "Unit": "None", "Values": [value], "Counts": [1.0]}


def seen(points: list[dict[str, Any]], zeros_since: float | None, now: float = NOW) -> tuple[AlarmState, bool]:
    assert isinstance(RULE, AlarmRule)
    found = look(ALARM, RULE, points, lambda *_: zeros_since, now)
    return found.evaluation.state, found.moves


def test_an_idle_metric_is_zero_from_its_beginning_and_then_nothing_moves_any_more() -> None:
    assert seen([], None) == (AlarmState.INSUFFICIENT_DATA, False)
    assert seen([], 5_000.0) == (AlarmState.ALARM, False)
    # It began five minutes ago: what the next period brings is not the same.
    assert seen([], 5_850.0) == (AlarmState.INSUFFICIENT_DATA, True)


def test_what_may_still_be_published_is_no_zero_yet() -> None:
    busy = [point(5_760.0, 20.0), point(5_820.0, 20.0), point(5_880.0, 20.0)]
    assert seen(busy, 5_000.0) == (AlarmState.OK, True)
    assert seen(busy, 5_000.0, NOW + 60) == (AlarmState.OK, True)
    assert seen(busy, 5_000.0, NOW + 180) == (AlarmState.ALARM, True)
    assert seen(busy, 5_000.0, NOW + 360) == (AlarmState.ALARM, False)


def test_only_whole_periods_are_looked_at() -> None:
    assert seen([point(6_000.0, 1.0)], None) == (AlarmState.INSUFFICIENT_DATA, True)
    assert isinstance(RULE, AlarmRule)
    assert next_look(RULE, NOW, 1.0) == 6_061.0


def test_alarms_that_are_not_evaluated_here_have_no_rule() -> None:
    for change in (
        {"MetricName": None},
        {"ComparisonOperator": "LessThanLowerThreshold"},
        {"ExtendedStatistic": "tm99"},
    ):
        assert rule_of(ALARM | change) is None


def test_a_policy_is_told_from_other_actions_by_its_arn() -> None:
    owner = "arn:aws:autoscaling:us-east-1:123456789012:scalingPolicy:1"
    policy = f"{owner}:resource/sagemaker/endpoint/e/variant/v:policyName/p"
    others = ["arn:aws:sns:us-east-1:123456789012:t", f"{owner}:autoScalingGroupName/g:policyName/p"]
    assert scaling_policies([policy, *others]) == [policy]


@pytest.mark.parametrize(
    ("stored", "count", "total"),
    [
        ({"Values": [1.0, 2.0], "Counts": [3.0, 1.0]}, 4.0, 5.0),
        ({"Value": 2.0, "Count": 3.0}, 3.0, 6.0),
        ({"Value": 2.0}, 1.0, 2.0),
        ({"Value": 2.0, "_stat": {"SampleCount": 2, "Sum": 4, "Minimum": 1, "Maximum": 3}}, 2.0, 4.0),
    ],
)
def test_points_of_either_form_are_distributions(stored: dict[str, Any], count: float, total: float) -> None:
    found = distribution_of(stored)
    assert found is not None
    assert (found.count, found.total) == (count, total)


def test_what_is_planned_comes_in_its_time_also_when_the_clock_jumps() -> None:
    clock, came = Clock(start=0.0), threading.Event()
    agenda: Agenda[str] = Agenda(clock)
    agenda.add("late", 7_200.0)
    agenda.add("soon", 3_600.0)
    agenda.add("soon", 5_000.0)  # the earlier stays
    found: list[str] = []

    def work() -> None:
        while len(found) < 2:
            found.extend(agenda.next_keys())
        came.set()

    threading.Thread(target=work, daemon=True).start()
    clock.advance(3_601)
    clock.advance(3_600)
    assert came.wait(30)
    assert sorted(found) == ["late", "soon"]
    assert agenda.due() == {}


def test_without_plans_an_agenda_waits_for_one() -> None:
    agenda: Agenda[str] = Agenda(Clock(start=0.0))
    woken = threading.Event()

    def work() -> None:
        assert agenda.next_keys() == []
        woken.set()

    threading.Thread(target=work, daemon=True).start()
    agenda.wake()
    assert woken.wait(30)
