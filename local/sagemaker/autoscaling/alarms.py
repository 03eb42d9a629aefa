"""The alarms of scaling policies in CloudWatch: written, deleted and asked as Application Auto Scaling does."""

import datetime as dt
import logging
from collections.abc import Callable, Iterable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.clock import Clock
from local.cloudwatch.ports import AlarmPorts
from local.cloudwatch.rules import dimensions_of, rule_of
from local.sagemaker.autoscaling.policies import Tracking
from local.sagemaker.autoscaling.records import ORPHAN
from local.sagemaker.json_rpc import Json
from local.sagemaker.store import Record, Store
from scaling.alarms import AlarmRule, AlarmState
from scaling.datapoints import Datapoint, last_complete_period

log = logging.getLogger(__name__)


class PolicyAlarms:
    """``cloudwatch`` makes a client. No method may be called inside a transaction: each calls the front door."""

    def __init__(self, cloudwatch: Callable[[], Any], ports: AlarmPorts, clock: Clock) -> None:
        self._cloudwatch = cloudwatch
        self._ports = ports
        self._clock = clock

    def put(self, policy: Record, tracking: Tracking, names: dict[str, str]) -> None:
        """Write the alarms of a target-tracking policy."""
        for kind, rule in tracking.rules().items():
            self._cloudwatch().put_metric_alarm(
                AlarmName=names[kind],
                AlarmDescription=f"DO NOT EDIT OR DELETE. For TargetTrackingScaling policy {policy['PolicyARN']}.",
                AlarmActions=[policy["PolicyARN"]],
                Namespace=tracking.metric.namespace,
                MetricName=tracking.metric.name,
                Dimensions=[{"Name": name, "Value": value} for name, value in tracking.dimensions],
                Statistic=rule.statistic,
                Period=rule.period_seconds,
                EvaluationPeriods=rule.evaluation_periods,
                Threshold=rule.threshold,
                ComparisonOperator=rule.comparison,
                **({"Unit": tracking.unit} if tracking.unit else {}),
            )

    def restore(self, policy: Record, tracking: Tracking, names: dict[str, str]) -> None:
        """Write those that are missing: a crash may have lost what was acknowledged a moment before."""
        there = self._cloudwatch().describe_alarms(AlarmNames=list(names.values()))["MetricAlarms"]
        if len(there) < len(names):
            self.put(policy, tracking, names)

    def delete(self, names: Iterable[str]) -> None:
        """Unknown names are no fault; one that cannot be deleted is deleted when it next calls its policy."""
        if doomed := list(names):
            try:
                self._cloudwatch().delete_alarms(AlarmNames=doomed)
            except (ClientError, BotoCoreError) as fault:
                log.warning("%s stay: %s", doomed, fault)

    def tidy(self, store: Store) -> None:
        """Delete those of policies that are no more."""
        orphans = [orphan["AlarmName"] for orphan in store.all(ORPHAN)]
        self.delete(orphans)
        for name in orphans:
            store.delete(ORPHAN, name)

    def attend(self, policies: Iterable[Record]) -> None:
        """Have the policies called again if their alarms sound."""
        self._ports.attend([policy["PolicyARN"] for policy in policies])

    def calling(self, policy_arn: str) -> list[Json]:
        """Names and ARNs of the alarms that call a policy."""
        pages = self._cloudwatch().get_paginator("describe_alarms").paginate()
        return [
            {"AlarmName": alarm["AlarmName"], "AlarmARN": alarm["AlarmArn"]}
            for page in pages
            for alarm in page["MetricAlarms"]
            if policy_arn in alarm.get("AlarmActions", ())
        ]

    def described(self, name: str) -> Json | None:
        """As CloudWatch has it."""
        found: list[Json] = self._cloudwatch().describe_alarms(AlarmNames=[name])["MetricAlarms"]
        return found[0] if found else None

    def window(self, alarm: Json) -> tuple[AlarmRule, list[Datapoint]]:
        """The latest datapoints with values that the alarm is evaluated from, oldest first.

        Raises ValueError for an alarm that is not evaluated here.
        """
        rule = rule_of(alarm)
        if rule is None:
            raise ValueError(f"the alarm {alarm['AlarmName']} is not evaluated here")
        now, period = self._clock.now(), rule.period_seconds
        first = last_complete_period(now, period) - (rule.evaluation_range - 1) * period
        values = self._values(alarm, rule, first, now)
        zeros = self._ports.zeros_since(alarm["Namespace"], alarm["MetricName"], dimensions_of(alarm))
        points = []
        for index in range(rule.evaluation_range):
            start = first + index * period
            silent = 0.0 if zeros is not None and zeros <= start and start + 2 * period <= now else None
            points.append(Datapoint(start, values.get(start, silent)))
        return rule, [point for point in points if point.value is not None][-rule.evaluation_periods :]

    def sounds(self, name: str) -> bool:
        """Whether there is such an alarm, and it is in ALARM."""
        alarm = self.described(name)
        return alarm is not None and alarm["StateValue"] == AlarmState.ALARM

    def _values(self, alarm: Json, rule: AlarmRule, first: float, now: float) -> dict[float, float]:
        extended = alarm.get("ExtendedStatistic")
        answer = self._cloudwatch().get_metric_statistics(
            Namespace=alarm["Namespace"],
            MetricName=alarm["MetricName"],
            Dimensions=alarm.get("Dimensions", []),
            StartTime=dt.datetime.fromtimestamp(first, dt.UTC),
            EndTime=dt.datetime.fromtimestamp(
                last_complete_period(now, rule.period_seconds) + rule.period_seconds, dt.UTC
            ),
            Period=rule.period_seconds,
            **({"ExtendedStatistics": [extended]} if extended else {"Statistics": [rule.statistic]}),
        )
        return {
            point["Timestamp"].timestamp(): point["ExtendedStatistics"][extended] if extended else point[rule.statistic]
            for point in answer["Datapoints"]
            if rule.statistic in point or (extended and extended in point.get("ExtendedStatistics", {}))
        }
