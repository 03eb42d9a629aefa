"""AWS::StepFunctions::StateMachine."""

import json
from collections.abc import Mapping
from typing import Any

from local import credentials
from local.cloudformation.acting import acting_credentials
from local.cloudformation.calls import ResourceFailure, call, delete
from local.cloudformation.registry import ResourceType, physical_name

_NAME_LENGTH = 80
Provisioned = tuple[str, dict[str, Any]]


def resource_type() -> ResourceType:
    """Handlers of the type; Ref is the ARN, Fn::GetAtt serves Arn, Name and StateMachineRevisionId."""
    return ResourceType(
        name="AWS::StepFunctions::StateMachine",
        create=_create,
        update=_update,
        delete=lambda physical_id, _: delete("stepfunctions", "DeleteStateMachine", {"stateMachineArn": physical_id}),
        replacing=("StateMachineName", "StateMachineType"),
        custom_name="StateMachineName",
        tags="Tags",
    )


def _create(logical_id: str, properties: Mapping[str, Any], stack: str) -> Provisioned:
    name = properties.get("StateMachineName") or physical_name(stack, logical_id, _NAME_LENGTH)
    arguments = _arguments(properties) | {
        "name": name,
        "type": properties.get("StateMachineType", "STANDARD"),
        "tags": _tags(properties.get("Tags")),
    }
    arn = call("stepfunctions", "CreateStateMachine", arguments)["stateMachineArn"]
    return arn, _attributes(arn)


def _update(arn: str, old: Mapping[str, Any], new: Mapping[str, Any], _stack: str, _logical_id: str) -> Provisioned:
    call("stepfunctions", "UpdateStateMachine", {"stateMachineArn": arn, **_arguments(new)})
    before = {tag["key"]: tag["value"] for tag in _tags(old.get("Tags"))}
    after = {tag["key"]: tag["value"] for tag in _tags(new.get("Tags"))}
    if gone := sorted(before.keys() - after.keys()):
        call("stepfunctions", "UntagResource", {"resourceArn": arn, "tagKeys": gone})
    if before != after and after:
        call("stepfunctions", "TagResource", {"resourceArn": arn, "tags": _tags(new.get("Tags"))})
    return arn, _attributes(arn)


def _attributes(arn: str) -> dict[str, Any]:
    return {"Arn": arn, "Name": arn.rpartition(":")[2]}


def _arguments(properties: Mapping[str, Any]) -> dict[str, Any]:
    if not properties.get("RoleArn"):
        raise ResourceFailure("Model validation failed (#: required key [RoleArn] not found)", "InvalidRequest")
    arguments = {"definition": _definition(properties), "roleArn": properties["RoleArn"]}
    for name in ("LoggingConfiguration", "TracingConfiguration", "EncryptionConfiguration"):
        if properties.get(name):
            arguments[name[0].lower() + name[1:]] = _lower_camel(properties[name])
    return arguments


def _definition(properties: Mapping[str, Any]) -> str:
    if location := properties.get("DefinitionS3Location"):
        text = _stored_definition(location)
    elif properties.get("Definition") is not None:
        text = json.dumps(properties["Definition"])
    else:
        text = str(properties.get("DefinitionString", "{}"))
    for name, value in (properties.get("DefinitionSubstitutions") or {}).items():
        text = text.replace("${" + str(name) + "}", str(value))
    return text


def _stored_definition(location: Mapping[str, Any]) -> str:
    from ministack.core.responses import get_region

    client = credentials.client("s3", get_region(), acting_credentials())
    wanted = {"Bucket": location["Bucket"], "Key": location["Key"]}
    if location.get("Version"):
        wanted["VersionId"] = location["Version"]
    try:
        return str(client.get_object(**wanted)["Body"].read().decode("utf-8"))
    except Exception as error:
        place = f"s3://{location['Bucket']}/{location['Key']}"
        raise ResourceFailure(f"The definition at {place} cannot be read: {error}", "InvalidRequest") from error


def _lower_camel(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name[0].lower() + name[1:]: _lower_camel(item) for name, item in value.items()}
    return [_lower_camel(item) for item in value] if isinstance(value, list) else value


def _tags(tags: list[dict[str, Any]] | None) -> list[dict[str, str]]:
    return [{"key": str(tag["Key"]), "value": str(tag.get("Value", ""))} for tag in tags or []]
