"""What a policy's record says: what it tracks, or its steps; its alarms and its cooldowns."""

import uuid
from dataclasses import dataclass

from local.sagemaker.autoscaling.records import ScaledVariant
from local.sagemaker.faults import invalid, not_in_embedded_cloud
from local.sagemaker.json_rpc import Json
from local.sagemaker.store import Record
from scaling.alarms import AlarmRule
from scaling.statistics import UnknownStatistic
from scaling.steps import InvalidSteps, Step, StepPolicy
from scaling.tracking import PREDEFINED, TrackedMetric, alarm_high, alarm_low

# "For … SageMaker AI endpoint variants, the default value is 300":
# https://docs.aws.amazon.com/autoscaling/application/APIReference/API_TargetTrackingScalingPolicyConfiguration.html
_COOLDOWN_SECONDS = 300
_TRACKING = "TargetTrackingScalingPolicyConfiguration"
_STEPS = "StepScalingPolicyConfiguration"
_HIGH, _LOW = "AlarmHigh", "AlarmLow"


@dataclass(frozen=True)
class Tracking:
    """A target-tracking policy. ``dimensions`` are those of its metric."""

    metric: TrackedMetric
    dimensions: tuple[tuple[str, str], ...]
    unit: str | None
    target: float
    scales_in: bool

    def rules(self) -> dict[str, AlarmRule]:
        """By the part of the alarm's name that tells its direction."""
        low = {_LOW: alarm_low(self.metric, self.target)} if self.scales_in else {}
        return {_HIGH: alarm_high(self.metric, self.target)} | low


def tracking_of(policy: Record) -> Tracking | None:
    """None for a step policy. Raises ServiceFault for a metric that is not kept here."""
    configuration = policy.get(_TRACKING)
    if policy["PolicyType"] != "TargetTrackingScaling" or configuration is None:
        return None
    scaled = ScaledVariant.parse(policy["ResourceId"])
    assert scaled is not None  # it was checked when the policy was put
    metric, dimensions, unit = _metric(configuration, scaled)
    return Tracking(
        metric, dimensions, unit, float(configuration["TargetValue"]), not configuration.get("DisableScaleIn", False)
    )


def steps_of(policy: Record) -> StepPolicy:
    """Raises ServiceFault for steps that AWS refuses."""
    configuration = policy.get(_STEPS) or {}
    try:
        return StepPolicy(
            configuration.get("AdjustmentType", ""),
            tuple(
                Step(
                    step.get("MetricIntervalLowerBound"),
                    step.get("MetricIntervalUpperBound"),
                    step["ScalingAdjustment"],
                )
                for step in configuration.get("StepAdjustments", ())
            ),
            configuration.get("MinAdjustmentMagnitude", 0),
            configuration.get("MetricAggregationType", "Average"),
        )
    except InvalidSteps as fault:
        raise invalid(str(fault)) from fault


def cooldown_seconds(policy: Record, *, outwards: bool) -> float:
    """Of the policy's activities in a direction."""
    if tracking := policy.get(_TRACKING):
        return float(tracking.get("ScaleOutCooldown" if outwards else "ScaleInCooldown", _COOLDOWN_SECONDS))
    return float(policy.get(_STEPS, {}).get("Cooldown", _COOLDOWN_SECONDS))


def alarm_names(policy: Record, tracking: Tracking) -> dict[str, str]:
    """Of the policy's alarms by direction: those that it has, and new names for those that it needs."""
    had = {_direction(alarm["AlarmName"]): alarm["AlarmName"] for alarm in policy["Alarms"]}
    made = {kind: f"TargetTracking-{policy['ResourceId']}-{kind}-{uuid.uuid4()}" for kind in tracking.rules()}
    return {kind: had.get(kind, name) for kind, name in made.items()}


def is_low(alarm_name: str) -> bool:
    """Whether the alarm of a target-tracking policy is the one that scales in."""
    return _direction(alarm_name) == _LOW


def low_alarm(policy: Record) -> str | None:
    """The name of the policy's alarm that scales in."""
    return next((alarm["AlarmName"] for alarm in policy["Alarms"] if is_low(alarm["AlarmName"])), None)


def check_policy(request: Json, policy: Record) -> None:
    """Raises ServiceFault for a policy that AWS refuses, or that is not carried out here."""
    kind = policy["PolicyType"]
    wanted = {"TargetTrackingScaling": _TRACKING, "StepScaling": _STEPS}.get(kind)
    if wanted is None:
        raise not_in_embedded_cloud(f"scaling policies of type {kind}")
    if wanted not in request:
        raise invalid(f"{wanted} is required for policies of type {kind}.")
    if kind == "StepScaling":
        steps_of(policy)
    else:
        tracking_of(policy)


def _metric(
    configuration: Json, scaled: ScaledVariant
) -> tuple[TrackedMetric, tuple[tuple[str, str], ...], str | None]:
    predefined, custom = (configuration.get(f"{kind}MetricSpecification") for kind in ("Predefined", "Customized"))
    if (predefined is None) == (custom is None):
        raise invalid("Exactly one of PredefinedMetricSpecification and CustomizedMetricSpecification is required.")
    if predefined is not None:
        metric = PREDEFINED.get(predefined["PredefinedMetricType"])
        if metric is None:
            raise not_in_embedded_cloud(f"scaling on {predefined['PredefinedMetricType']}")
        return metric, (("EndpointName", scaled.endpoint), ("VariantName", scaled.variant)), None
    assert custom is not None
    if "Metrics" in custom or not {"MetricName", "Namespace", "Statistic"} <= custom.keys():
        raise not_in_embedded_cloud("scaling on metric math")
    try:
        metric = TrackedMetric(custom["Namespace"], custom["MetricName"], custom["Statistic"])
        alarm_high(metric, 1.0)
    except UnknownStatistic as fault:
        raise invalid(str(fault)) from fault
    dimensions = tuple((each["Name"], each["Value"]) for each in custom.get("Dimensions", ()))
    return metric, dimensions, custom.get("Unit")


def _direction(alarm_name: str) -> str:
    return _LOW if f"-{_LOW}-" in alarm_name else _HIGH
