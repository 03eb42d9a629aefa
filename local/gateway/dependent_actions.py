"""What a call needs beside its own right: to pass the roles it names, to tag what it creates, to make a service's role.

Facts are those of the "dependent actions" in AWS's Service Authorization Reference.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

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
    if operation == "RegisterScalableTarget" and parameters.get("ServiceNamespace") == "sagemaker":
        role = f"arn:aws:iam::{account}:role/aws-service-role/{_SCALING_SERVICE}/{_SCALING_ROLE}"
        checks.append(Check("iam:CreateServiceLinkedRole", role, {"iam:AWSServiceName": _SCALING_SERVICE}))
    return tuple(checks)


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
