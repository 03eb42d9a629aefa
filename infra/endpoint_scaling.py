"""How many instances a variant has: its scalable target, its policy, and for steps the policy's alarms."""

from dataclasses import dataclass

from aws_cdk import CfnCondition, Stack
from aws_cdk import aws_applicationautoscaling as autoscaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sagemaker as sagemaker

from contracts.scaling import ScalingSettings, StepRule, StepScaling
from infra.names import Names

_PREDEFINED = {
    "invocations": "SageMakerVariantInvocationsPerInstance",
    "scheduled": "SageMakerVariantInvocationsPerInstance",
    "concurrency": "SageMakerVariantConcurrentRequestsPerModelHighResolution",
}
# Namespace, metric, statistic, seconds: docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html. Which
# statistics ConcurrentRequestsPerModel has is [unverified].
_METRICS = {
    "invocations": ("AWS/SageMaker", "InvocationsPerInstance", "Sum", 60),
    "concurrency": ("AWS/SageMaker", "ConcurrentRequestsPerModel", "Maximum", 10),
    "cpu": ("/aws/sagemaker/Endpoints", "CPUUtilization", "Average", 60),
}


@dataclass(frozen=True)
class ScaledVariant:
    """Scales one variant while its condition holds. `suffix` tells its resources from those of the other variant."""

    endpoint: sagemaker.CfnEndpoint
    names: Names
    variant: str
    condition: CfnCondition
    suffix: str = ""

    @property
    def _stack(self) -> Stack:
        return self.endpoint.stack

    @property
    def _endpoint(self) -> str:
        return self.endpoint.endpoint_name or ""

    def scale(self, settings: ScalingSettings) -> None:
        """Register the target, and what changes it."""
        target = self._target(settings)
        if settings.step is not None:
            self._step("Out", target, settings.step, settings.step.out, settings.scale_out_cooldown_seconds)
            self._step("In", target, settings.step, settings.step.back, settings.scale_in_cooldown_seconds)
        else:
            self._track(target, settings)

    def _target(self, settings: ScalingSettings) -> autoscaling.CfnScalableTarget:
        kind = autoscaling.CfnScalableTarget
        target = kind(
            self._stack,
            f"ScalableTarget{self.suffix}",
            service_namespace="sagemaker",
            resource_id=f"endpoint/{self._endpoint}/variant/{self.variant}",
            scalable_dimension="sagemaker:variant:DesiredInstanceCount",
            min_capacity=settings.minimum,
            # Registered anew in a busy hour (after another instance type, say) it must not cut the fleet:
            # RegisterScalableTarget moves the capacity into its limits at once, usual ones or not.
            max_capacity=settings.most,
            scheduled_actions=[
                kind.ScheduledActionProperty(
                    scheduled_action_name=f"{self._endpoint}-{number}",
                    schedule=each.expression,
                    timezone=each.timezone,
                    scalable_target_action=kind.ScalableTargetActionProperty(
                        min_capacity=each.minimum, max_capacity=each.maximum
                    ),
                )
                for number, each in enumerate(settings.schedule, 1)
            ]
            or None,
        )
        # The resource id is text, so CloudFormation cannot see by itself that the endpoint must be there first.
        target.add_resource_dependency(self.endpoint)
        target.cfn_options.condition = self.condition
        return target

    def _track(self, target: autoscaling.CfnScalableTarget, settings: ScalingSettings) -> None:
        policy = autoscaling.CfnScalingPolicy
        name = "concurrency" if settings.kind == "concurrency" else "invocations"
        tracking = policy(
            self._stack,
            f"ScalingPolicy{self.suffix}",
            policy_name=f"{self._endpoint}-{name}",
            policy_type="TargetTrackingScaling",
            scaling_target_id=target.ref,
            target_tracking_scaling_policy_configuration=policy.TargetTrackingScalingPolicyConfigurationProperty(
                target_value=settings.target_value,
                predefined_metric_specification=policy.PredefinedMetricSpecificationProperty(
                    predefined_metric_type=_PREDEFINED[settings.kind]
                ),
                scale_in_cooldown=settings.scale_in_cooldown_seconds,
                scale_out_cooldown=settings.scale_out_cooldown_seconds,
            ),
        )
        tracking.cfn_options.condition = self.condition

    def _step(
        self, way: str, target: autoscaling.CfnScalableTarget, step: StepScaling, rule: StepRule, cooldown: int
    ) -> None:
        kind = autoscaling.CfnScalingPolicy
        policy = kind(
            self._stack,
            f"Scale{way}Policy{self.suffix}",
            policy_name=f"{self._endpoint}-scale-{way.lower()}",
            policy_type="StepScaling",
            scaling_target_id=target.ref,
            step_scaling_policy_configuration=kind.StepScalingPolicyConfigurationProperty(
                adjustment_type="ChangeInCapacity",
                cooldown=cooldown,
                metric_aggregation_type="Maximum" if way == "Out" else "Average",
                step_adjustments=[
                    kind.StepAdjustmentProperty(
                        scaling_adjustment=each.adjustment,
                        metric_interval_lower_bound=each.lower,
                        metric_interval_upper_bound=each.upper,
                    )
                    for each in rule.steps
                ],
            ),
        )
        policy.cfn_options.condition = self.condition
        self._step_alarm(way, policy, step, rule)

    def _step_alarm(self, way: str, policy: autoscaling.CfnScalingPolicy, step: StepScaling, rule: StepRule) -> None:
        namespace, metric, statistic, period = _METRICS[step.metric]
        alarm = cloudwatch.CfnAlarm
        made = alarm(
            self._stack,
            f"Scale{way}Alarm{self.suffix}",
            alarm_name=self.names.stack(f"{self._endpoint}-{self.variant}-scale-{way.lower()}"),
            alarm_description=f"Scales {self._endpoint} {way.lower()}: no fault.",
            namespace=namespace,
            metric_name=metric,
            dimensions=[
                alarm.DimensionProperty(name="EndpointName", value=self._endpoint),
                alarm.DimensionProperty(name="VariantName", value=self.variant),
            ],
            statistic=statistic,
            period=period,
            evaluation_periods=rule.periods,
            threshold=rule.threshold,
            comparison_operator="GreaterThanOrEqualToThreshold" if way == "Out" else "LessThanThreshold",
            # Nobody asks: nothing has to be added, and what was added may go; which step then is [unverified].
            treat_missing_data="notBreaching" if way == "Out" else "breaching",
            alarm_actions=[policy.ref],
        )
        made.cfn_options.condition = self.condition


def keep_scaled_out(endpoint: sagemaker.CfnEndpoint) -> None:
    """A release keeps the instances that scaling has added, and nothing else of the release before."""
    property_of = sagemaker.CfnEndpoint.VariantPropertyProperty
    endpoint.retain_all_variant_properties = True
    endpoint.exclude_retained_variant_properties = [
        property_of(variant_property_type="DesiredWeight"),
        property_of(variant_property_type="DataCaptureConfig"),
    ]
