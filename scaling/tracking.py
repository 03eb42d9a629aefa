"""Target tracking: the alarms of a policy, and the capacity that brings its metric to the target.

https://docs.aws.amazon.com/autoscaling/application/userguide/target-tracking-scaling-policy-overview.html
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scaling.alarms import AlarmRule

# A policy's alarms as AWS creates them, among them TargetTracking-…-AlarmLow at 27 for a target of 30 in AWS's ECS
# workshop: above the target for 3 datapoints, below 90 % of it for 15 minutes.
_HIGH_DATAPOINTS = 3
_LOW_DATAPOINTS = 15
_LOW_SHARE = 0.9
_MINUTE = 60
# Of loads and targets that are whole numbers, rounding must not make one instance more.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class TrackedMetric:
    """Where a policy's metric is, and how finely it is watched.

    A high-resolution metric is watched every ten seconds upwards; "as the traffic to your models decreases, your policy
    scales in at the same speed as it would for standard metrics", so downwards by the minute.
    https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-add-code-define.html
    """

    namespace: str
    name: str
    statistic: str
    period_seconds: int = _MINUTE


PREDEFINED = {
    # "1/numberOfInstances is sent as the value on each request": their sum is requests a minute and instance.
    # https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ScalingPolicyMetric.html
    "SageMakerVariantInvocationsPerInstance": TrackedMetric("AWS/SageMaker", "InvocationsPerInstance", "Sum"),
    # That its alarms read the maximum was seen in an account; it is not documented.
    "SageMakerVariantConcurrentRequestsPerModelHighResolution": TrackedMetric(
        "AWS/SageMaker", "ConcurrentRequestsPerModel", "Maximum", 10
    ),
}


def alarm_high(metric: TrackedMetric, target: float) -> AlarmRule:
    """Sounds when capacity is to be added."""
    return AlarmRule(
        metric.statistic,
        "GreaterThanThreshold",
        target,
        metric.period_seconds,
        _HIGH_DATAPOINTS,
        _HIGH_DATAPOINTS,
    )


def alarm_low(metric: TrackedMetric, target: float) -> AlarmRule:
    """Sounds when capacity may be removed."""
    return AlarmRule(
        metric.statistic,
        "LessThanThreshold",
        target * _LOW_SHARE,
        max(metric.period_seconds, _MINUTE),
        _LOW_DATAPOINTS,
        _LOW_DATAPOINTS,
    )


@dataclass(frozen=True)
class Measured:
    """A datapoint of the metric, and the capacity that it was measured over.

    While instances start or end these are not the instances that are wanted: a metric per instance speaks of those
    that took requests.
    """

    value: float
    capacity: int


def capacity_upwards(latest: Measured, target: float, base: int) -> int:
    """In proportion to the latest datapoint, rounded up: "it responds by adding capacity proportional to the metric".

    ``base`` is the capacity that the change is computed from, or was computed from while a cooldown runs.
    """
    return _needed(Measured(latest.value, min(latest.capacity, base)), target)


def capacity_downwards(window: Sequence[Measured], target: float) -> int:
    """What the busiest of the datapoints needs, rounded up: "scales in more gradually".

    It is never so little that the metric would have been above the target, with which the policy would not scale in.
    """
    return max(_needed(measured, target) for measured in window)


def _needed(measured: Measured, target: float) -> int:
    load = measured.capacity * measured.value / target
    return math.ceil(load - _ROUNDING * max(1.0, abs(load)))
