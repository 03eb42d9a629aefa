"""How an endpoint goes over to the next release: SageMaker's deployment guard rails and the alarms that stop it.

Sources: `contracts/strategy.py`, and AWS::SageMaker::Endpoint DeploymentConfig in CloudFormation's reference.
"""

from typing import Any

from aws_cdk import Aws, Fn
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from contracts.strategy import ALARM_PERIOD_SECONDS, RollbackAlarms, StrategySettings
from infra.endpoint_switch import switch
from infra.names import Names

# Rollback alarm: its name's end, the metric, the statistic.
_METRICS = {
    "server_errors": ("rollback-server-errors", "Invocation5XXErrors", "Sum"),
    "latency_milliseconds": ("rollback-slow-answers", "ModelLatency", "p99"),
    "invocation_errors": ("rollback-invocation-errors", "InvocationModelErrors", "Sum"),
}
_TRAFFIC = {"all-at-once": "ALL_AT_ONCE", "canary": "CANARY", "linear": "LINEAR"}


def guard(endpoint: sagemaker.CfnEndpoint, names: Names, variant: str, strategy: StrategySettings) -> None:
    """Put guard rails on an endpoint, which the parameter `Guarded` takes off again."""
    if strategy.alarms is None:
        return
    scope, name = endpoint.stack, endpoint.endpoint_name or ""
    alarms = _alarms(scope, names, name, variant, strategy.alarms)
    for alarm in alarms:
        # The endpoint names them by text; an update that is watched by an alarm that is not there is refused.
        endpoint.add_resource_dependency(alarm)
    watched = switch(
        scope,
        "Guarded",
        "Watched",
        "Whether alarms watch the update; false when the champion is restored, whose fleet may sound them.",
    )
    # A template without DeploymentConfig does not take up that of the last update (RetainDeploymentConfig).
    endpoint.deployment_config = Fn.condition_if(
        watched.logical_id, deployment_config(strategy, [alarm.alarm_name or "" for alarm in alarms]), Aws.NO_VALUE
    )


def deployment_config(strategy: StrategySettings, alarm_names: list[str]) -> dict[str, Any]:
    """`DeploymentConfig` as CloudFormation writes it."""
    alarms = {"Alarms": [{"AlarmName": name} for name in alarm_names]}
    return {**_policy(strategy), "AutoRollbackConfiguration": alarms}


def _policy(strategy: StrategySettings) -> dict[str, Any]:
    if strategy.kind == "rolling":
        return {
            "RollingUpdatePolicy": {
                "MaximumBatchSize": _step(strategy),
                "WaitIntervalInSeconds": strategy.wait_seconds,
                "MaximumExecutionTimeoutInSeconds": strategy.maximum_seconds,
                "RollbackMaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": strategy.rollback_batch_percent},
            }
        }
    # The API wants a wait of every kind (API_TrafficRoutingConfig); all at once has nothing to wait between.
    routing: dict[str, Any] = {"Type": _TRAFFIC[strategy.kind], "WaitIntervalInSeconds": 0}
    if strategy.kind != "all-at-once":
        size = "CanarySize" if strategy.kind == "canary" else "LinearStepSize"
        routing |= {size: _step(strategy), "WaitIntervalInSeconds": strategy.wait_seconds}
    return {
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": routing,
            "TerminationWaitInSeconds": strategy.termination_wait_seconds,
            "MaximumExecutionTimeoutInSeconds": strategy.maximum_seconds,
        }
    }


def _step(strategy: StrategySettings) -> dict[str, Any]:
    if strategy.step_instances is not None:
        return {"Type": "INSTANCE_COUNT", "Value": strategy.step_instances}
    return {"Type": "CAPACITY_PERCENT", "Value": strategy.step_percent}


def _alarms(
    scope: Construct, names: Names, endpoint: str, variant: str, thresholds: RollbackAlarms
) -> list[cloudwatch.CfnAlarm]:
    """One for each threshold that is given, over the fleets of old and new release. Nobody is told: the run is."""
    alarm = cloudwatch.CfnAlarm
    made = []
    for field, (ending, metric, statistic) in _METRICS.items():
        threshold = getattr(thresholds, field)
        if threshold is None:
            continue
        percentile = statistic.startswith("p")
        made.append(
            alarm(
                scope,
                "".join(word.title() for word in ending.split("-")),
                alarm_name=names.stack(f"{endpoint}-{ending}"),
                alarm_description=f"Takes a release of {endpoint} back while it is deployed; means nothing otherwise.",
                namespace="AWS/SageMaker",
                metric_name=metric,
                dimensions=[
                    alarm.DimensionProperty(name="EndpointName", value=endpoint),
                    alarm.DimensionProperty(name="VariantName", value=variant),
                ],
                statistic=None if percentile else statistic,
                extended_statistic=statistic if percentile else None,
                period=ALARM_PERIOD_SECONDS,
                evaluation_periods=1,
                datapoints_to_alarm=1,
                # CloudWatch has latency in microseconds.
                threshold=threshold * 1_000 if field == "latency_milliseconds" else threshold,
                comparison_operator="GreaterThanOrEqualToThreshold",
                # Nobody asks: nothing is wrong.
                treat_missing_data="notBreaching",
            )
        )
    return made
