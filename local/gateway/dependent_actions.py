"""What a call needs beside its own right: to pass the roles it names, to tag what it creates, to make a service's role.

Facts are those of the "dependent actions" and resource types in AWS's Service Authorization Reference, and for scaling
those of https://docs.aws.amazon.com/autoscaling/application/userguide/security_iam_id-based-policy-examples.html:
who registers a target or writes a policy needs the rights on endpoint and alarms too.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from local.gateway.resources import condition_keys, named_alarms

Parameters = Mapping[str, Any]

# service → operation → (parameter with the role, service the role is passed to)
_PASSED_ROLES: dict[str, dict[str, tuple[str, str]]] = {
    "states": {
        "CreateStateMachine": ("roleArn", "states.amazonaws.com"),
        "UpdateStateMachine": ("roleArn", "states.amazonaws.com"),
    },
    "sagemaker": {
        "CreateTrainingJob": ("RoleArn", "sagemaker.amazonaws.com"),
        "CreateProcessingJob": ("RoleArn", "sagemaker.amazonaws.com"),
        "CreateAutoMLJobV2": ("RoleArn", "sagemaker.amazonaws.com"),
        "CreateModel": ("ExecutionRoleArn", "sagemaker.amazonaws.com"),
        "CreateEndpointConfig": ("ExecutionRoleArn", "sagemaker.amazonaws.com"),
        "CreateMonitoringSchedule": (
            "MonitoringScheduleConfig.MonitoringJobDefinition.RoleArn",
            "sagemaker.amazonaws.com",
        ),
    },
    "cloudformation": dict.fromkeys(
        ("CreateStack", "UpdateStack", "DeleteStack", "CreateChangeSet", "ContinueUpdateRollback"),
        ("RoleARN", "cloudformation.amazonaws.com"),
    ),
    "lambda": {
        "CreateFunction": ("Role", "lambda.amazonaws.com"),
        "UpdateFunctionConfiguration": ("Role", "lambda.amazonaws.com"),
    },
    "events": {
        "PutRule": ("RoleArn", "events.amazonaws.com"),
        "PutTargets": ("Targets.RoleArn", "events.amazonaws.com"),
    },
    "scheduler": {
        "CreateSchedule": ("Target.RoleArn", "scheduler.amazonaws.com"),
        "UpdateSchedule": ("Target.RoleArn", "scheduler.amazonaws.com"),
    },
    "pipes": {"CreatePipe": ("RoleArn", "pipes.amazonaws.com"), "UpdatePipe": ("RoleArn", "pipes.amazonaws.com")},
    "codepipeline": {
        "CreatePipeline": ("pipeline.roleArn", "codepipeline.amazonaws.com"),
        "UpdatePipeline": ("pipeline.roleArn", "codepipeline.amazonaws.com"),
    },
    "application-autoscaling": {
        "RegisterScalableTarget": ("RoleARN", "application-autoscaling.amazonaws.com"),
    },
}

# The role with which Application Auto Scaling acts on endpoints: the first target of an account makes it.
_SCALING_SERVICE = "sagemaker.application-autoscaling.amazonaws.com"
_SCALING_ROLE = "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"


@dataclass(frozen=True)
class Check:
    """One more authorisation of a call: the action, what it is on, and the condition keys it brings."""

    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict)


def dependent_actions(
    service: str, operation: str, parameters: Parameters, resource: str, account: str
) -> tuple[Check, ...]:
    """The checks that follow when ``operation`` on ``resource`` itself is allowed."""
    checks = [
        Check("iam:PassRole", role, {"iam:PassedToService": passed_to})
        for role, passed_to in passed_roles(service, operation, parameters)
    ]
    if service == "sagemaker" and operation.startswith("Create") and parameters.get("Tags"):
        checks.append(Check("sagemaker:AddTags", resource))
    configuration = parameters.get("EndpointConfigName")
    if service == "sagemaker" and operation in ("CreateEndpoint", "UpdateEndpoint") and configuration:
        prefix = resource.partition(":endpoint/")[0]
        checks.append(Check(f"sagemaker:{operation}", f"{prefix}:endpoint-config/{str(configuration).lower()}"))
    if service == "ses" and operation == "SendEmail" and (used := parameters.get("ConfigurationSetName")):
        prefix = resource.partition(":identity/")[0]
        checks.append(
            Check("ses:SendEmail", f"{prefix}:configuration-set/{used}", condition_keys(service, operation, parameters))
        )
    if service == "monitoring":
        region = (resource.split(":") + [""] * 4)[3]
        alarms = named_alarms(operation, parameters, region, account)
        checks += [Check("cloudwatch:DescribeAlarms", alarm) for alarm in alarms[1:]]
    if service == "application-autoscaling" and parameters.get("ServiceNamespace") == "sagemaker":
        checks += _scaling_checks(operation, parameters, resource, account)
    return tuple(checks)


def _scaling_checks(operation: str, parameters: Parameters, resource: str, account: str) -> list[Check]:
    region = (resource.split(":") + [""] * 4)[3]
    name = str(parameters.get("ResourceId", "")).partition("/")[2].partition("/")[0].lower()
    endpoint = f"arn:aws:sagemaker:{region}:{account}:endpoint/{name}"
    alarm = f"arn:aws:cloudwatch:{region}:{account}:alarm:TargetTracking-{parameters.get('ResourceId', '')}"
    if operation == "RegisterScalableTarget":
        role = f"arn:aws:iam::{account}:role/aws-service-role/{_SCALING_SERVICE}/{_SCALING_ROLE}"
        return [
            Check("iam:CreateServiceLinkedRole", role, {"iam:AWSServiceName": _SCALING_SERVICE}),
            Check("sagemaker:DescribeEndpoint", endpoint),
            Check("sagemaker:UpdateEndpointWeightsAndCapacities", endpoint),
        ]
    if operation == "PutScalingPolicy" and parameters.get("PolicyType") == "TargetTrackingScaling":
        return [Check("cloudwatch:PutMetricAlarm", alarm), Check("cloudwatch:DescribeAlarms", alarm)]
    return [Check("cloudwatch:DeleteAlarms", alarm)] if operation == "DeleteScalingPolicy" else []


def passed_roles(service: str, operation: str, parameters: Parameters) -> list[tuple[str, str]]:
    """(role ARN, service it is passed to) of each role that this call hands over."""
    rule = _PASSED_ROLES.get(service, {}).get(operation)
    if rule is None:
        return []
    field, passed_to = rule
    return [(role, passed_to) for role in _values(parameters, field.split(".")) if role]


def _values(value: Any, path: list[str]) -> list[str]:
    if isinstance(value, list):
        return [found for item in value for found in _values(item, path)]
    if not path:
        return [value] if isinstance(value, str) else []
    return _values(value.get(path[0]), path[1:]) if isinstance(value, Mapping) else []
