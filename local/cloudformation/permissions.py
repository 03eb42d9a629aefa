"""What CloudFormation itself must be allowed: the emulator provisions its own types without asking IAM.

Types of ours call their services through the front door and need nothing here. Of the emulator's types, those that the
product's stacks use are checked action by action; any other takes a principal who may do everything.
"""

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from local.cloudformation.acting import acting_credentials
from local.cloudformation.calls import ResourceFailure
from local.cloudformation.registry import physical_name, registered_names
from local.credentials import ROOT
from local.gateway.authorization import Denied, authorize

Properties = Mapping[str, Any]


@dataclass(frozen=True)
class Rule:
    """The actions a type takes, the ARN they are on (``{name}`` is the resource's), and the property that names it."""

    create: str
    update: str
    delete: str
    arn: str = "*"
    name: str = ""
    passes_role_to: str = ""


def _rule(service: str, create: str, update: str, delete: str, arn: str = "*", **more: str) -> Rule:
    prefix = "*" if arn == "*" else arn if arn.startswith("arn:") else f"arn:aws:{service}:{{region}}:{{account}}:{arn}"
    return Rule(f"{service}:{create}", f"{service}:{update}", f"{service}:{delete}", prefix, **more)


_FUNCTION = "function:{name}"
_RULES = {
    "AWS::S3::Bucket": _rule(
        "s3", "CreateBucket", "CreateBucket", "DeleteBucket", "arn:aws:s3:::{name}", name="BucketName"
    ),
    "AWS::S3::BucketPolicy": _rule(
        "s3", "PutBucketPolicy", "PutBucketPolicy", "DeleteBucketPolicy", "arn:aws:s3:::{name}", name="Bucket"
    ),
    "AWS::DynamoDB::Table": _rule(
        "dynamodb", "CreateTable", "UpdateTable", "DeleteTable", "table/{name}", name="TableName"
    ),
    "AWS::IAM::Role": _rule(
        "iam", "CreateRole", "UpdateRole", "DeleteRole", "arn:aws:iam::{account}:role/{name}", name="RoleName"
    ),
    "AWS::IAM::Policy": _rule(
        "iam", "PutRolePolicy", "PutRolePolicy", "DeleteRolePolicy", "arn:aws:iam::{account}:role/*"
    ),
    "AWS::IAM::ManagedPolicy": _rule(
        "iam",
        "CreatePolicy",
        "CreatePolicyVersion",
        "DeletePolicy",
        "arn:aws:iam::{account}:policy/{name}",
        name="ManagedPolicyName",
    ),
    "AWS::KMS::Key": _rule("kms", "CreateKey", "PutKeyPolicy", "ScheduleKeyDeletion"),
    "AWS::KMS::Alias": _rule("kms", "CreateAlias", "UpdateAlias", "DeleteAlias", "{name}", name="AliasName"),
    "AWS::SSM::Parameter": _rule(
        "ssm", "PutParameter", "PutParameter", "DeleteParameter", "parameter{name}", name="Name"
    ),
    "AWS::Logs::LogGroup": _rule(
        "logs", "CreateLogGroup", "PutRetentionPolicy", "DeleteLogGroup", "log-group:{name}:*", name="LogGroupName"
    ),
    "AWS::SNS::Topic": _rule("sns", "CreateTopic", "SetTopicAttributes", "DeleteTopic", "{name}", name="TopicName"),
    "AWS::SNS::Subscription": _rule("sns", "Subscribe", "SetSubscriptionAttributes", "Unsubscribe"),
    "AWS::SNS::TopicPolicy": _rule("sns", "SetTopicAttributes", "SetTopicAttributes", "SetTopicAttributes"),
    "AWS::SQS::Queue": _rule("sqs", "CreateQueue", "SetQueueAttributes", "DeleteQueue", "{name}", name="QueueName"),
    "AWS::SQS::QueuePolicy": _rule("sqs", "SetQueueAttributes", "SetQueueAttributes", "SetQueueAttributes"),
    "AWS::CloudWatch::Alarm": _rule(
        "cloudwatch", "PutMetricAlarm", "PutMetricAlarm", "DeleteAlarms", "alarm:{name}", name="AlarmName"
    ),
    "AWS::CloudWatch::Dashboard": _rule("cloudwatch", "PutDashboard", "PutDashboard", "DeleteDashboards"),
    "AWS::Events::Rule": _rule(
        "events", "PutRule", "PutRule", "DeleteRule", "rule/{name}", name="Name", passes_role_to="events.amazonaws.com"
    ),
    "AWS::Lambda::Function": _rule(
        "lambda",
        "CreateFunction",
        "UpdateFunctionConfiguration",
        "DeleteFunction",
        _FUNCTION,
        name="FunctionName",
        passes_role_to="lambda.amazonaws.com",
    ),
    "AWS::Lambda::Permission": _rule("lambda", "AddPermission", "AddPermission", "RemovePermission"),
    "AWS::Lambda::Version": _rule("lambda", "PublishVersion", "PublishVersion", "DeleteFunction"),
    "AWS::Lambda::LayerVersion": _rule("lambda", "PublishLayerVersion", "PublishLayerVersion", "DeleteLayerVersion"),
    "AWS::Lambda::Url": _rule(
        "lambda", "CreateFunctionUrlConfig", "UpdateFunctionUrlConfig", "DeleteFunctionUrlConfig"
    ),
    "AWS::Lambda::EventInvokeConfig": _rule(
        "lambda", "PutFunctionEventInvokeConfig", "UpdateFunctionEventInvokeConfig", "DeleteFunctionEventInvokeConfig"
    ),
}
# They stand for nothing that a service would create.
_FREE = ("AWS::CloudFormation::", "AWS::CDK::Metadata", "Custom::")


def install() -> None:
    """Put the check in front of the handlers of the emulator's own types."""
    from ministack.services.cloudformation import provisioners

    for kind, handlers in provisioners._RESOURCE_HANDLERS.items():
        if kind in registered_names() or kind.startswith(_FREE):
            continue
        if "create" in handlers:
            handlers["create"] = _checked_create(kind, handlers["create"])
        if "update" in handlers:
            handlers["update"] = _checked_update(kind, handlers["update"])
        if "delete" in handlers:
            handlers["delete"] = _checked_delete(kind, handlers["delete"])


def _checked_create(kind: str, original: Callable[..., Any]) -> Callable[..., Any]:
    def create(logical_id: str, properties: Properties, stack: str) -> Any:
        rule = _RULES.get(kind)
        name = str(properties.get(rule.name) or physical_name(stack, logical_id, 128)) if rule else ""
        _check(kind, "create", name, properties)
        return original(logical_id, properties, stack)

    return create


def _checked_update(kind: str, original: Callable[..., Any]) -> Callable[..., Any]:
    def update(physical_id: str, old: Properties, new: Properties, *more: Any, **named: Any) -> Any:
        _check(kind, "update", physical_id, new)
        return original(physical_id, old, new, *more, **named)

    return update


def _checked_delete(kind: str, original: Callable[..., Any]) -> Callable[..., Any]:
    def delete(physical_id: str, properties: Properties, *more: Any) -> Any:
        _check(kind, "delete", physical_id, {})
        return original(physical_id, properties, *more)

    return delete


def _check(kind: str, operation: str, name: str, properties: Properties) -> None:
    from ministack.core.responses import get_account_id, get_region

    credentials, region = acting_credentials(), get_region()
    if credentials == ROOT:
        return
    try:
        for action, resource, context in _needed(kind, operation, name, properties, region, get_account_id()):
            authorize(credentials, action, resource, region, context)
    except Denied as denied:
        service = kind.split("::")[1]
        message = f"{denied} (Service: {service}, Status Code: 403, Request ID: {uuid.uuid4()})"
        raise ResourceFailure(message, "AccessDenied") from denied


def _needed(
    kind: str, operation: str, name: str, properties: Properties, region: str, account: str
) -> Iterator[tuple[str, str, dict[str, str]]]:
    rule = _RULES.get(kind)
    if rule is None:
        yield f"{kind.split('::')[1].lower()}:UnlistedOperation", "*", {}
        return
    # A physical id may be an ARN or a URL; the name is its last part.
    short = name if rule.name == "Name" else name.rpartition(":")[2].rpartition("/")[2]
    resource = rule.arn.format(name=short, region=region, account=account)
    yield {"create": rule.create, "update": rule.update, "delete": rule.delete}[operation], resource, {}
    if rule.passes_role_to:
        for role in _roles(properties):
            yield "iam:PassRole", role, {"iam:PassedToService": rule.passes_role_to}


def _roles(properties: Properties) -> set[str]:
    roles = {properties.get("Role"), properties.get("RoleArn")}
    roles.update(target.get("RoleArn") for target in properties.get("Targets") or [])
    return {role for role in roles if isinstance(role, str) and role}
