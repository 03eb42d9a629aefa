"""AWS::CodePipeline::Pipeline."""

from collections.abc import Mapping
from typing import Any

from botocore.model import ListShape, Shape, StructureShape

from local import credentials
from local.cloudformation.calls import call, delete
from local.cloudformation.registry import Provisioned, ResourceType, physical_name

_SERVICE = "codepipeline"
_NAME_LENGTH = 100


def resource_type() -> ResourceType:
    """Handlers of the type; Ref is the pipeline's name, Fn::GetAtt serves Version."""
    return ResourceType(
        name="AWS::CodePipeline::Pipeline",
        create=_create,
        update=_update,
        delete=lambda name, _: delete(_SERVICE, "DeletePipeline", {"name": name}),
        replacing=("Name",),
        custom_name="Name",
        tags="Tags",
    )


def _create(logical_id: str, properties: Mapping[str, Any], stack: str) -> Provisioned:
    name = properties.get("Name") or physical_name(stack, logical_id, _NAME_LENGTH)
    made = call(_SERVICE, "CreatePipeline", {"pipeline": _declared(properties, name), "tags": _tags(properties)})
    return name, {"Version": made["pipeline"]["version"]}


def _update(name: str, old: Mapping[str, Any], new: Mapping[str, Any], _stack: str, _logical_id: str) -> Provisioned:
    made = call(_SERVICE, "UpdatePipeline", {"pipeline": _declared(new, name)})
    _reconcile_tags(name, _tags(old), _tags(new))
    return name, {"Version": made["pipeline"]["version"]}


def _declared(properties: Mapping[str, Any], name: str) -> dict[str, Any]:
    shape = _client().meta.service_model.shape_for("PipelineDeclaration")
    return {**_in_api_case(shape, {**properties, "Name": name}), "name": name}


def _in_api_case(shape: Shape, value: Any) -> Any:
    """Properties with the API's names; the keys of maps are the user's own and stay."""
    if isinstance(shape, StructureShape):
        named = {key[0].lower() + key[1:]: item for key, item in value.items()}
        return {key: _in_api_case(shape.members[key], item) for key, item in named.items() if key in shape.members}
    if isinstance(shape, ListShape):
        return [_in_api_case(shape.member, item) for item in value]
    return value


def _reconcile_tags(name: str, old: list[dict[str, str]], new: list[dict[str, str]]) -> None:
    arn = call(_SERVICE, "GetPipeline", {"name": name})["metadata"]["pipelineArn"]
    if gone := sorted({tag["key"] for tag in old} - {tag["key"] for tag in new}):
        call(_SERVICE, "UntagResource", {"resourceArn": arn, "tagKeys": gone})
    if new != old and new:
        call(_SERVICE, "TagResource", {"resourceArn": arn, "tags": new})


def _tags(properties: Mapping[str, Any]) -> list[dict[str, str]]:
    return [{"key": str(tag["Key"]), "value": str(tag.get("Value", ""))} for tag in properties.get("Tags") or []]


def _client() -> Any:
    from ministack.core.responses import get_region

    return credentials.client(_SERVICE, get_region())
