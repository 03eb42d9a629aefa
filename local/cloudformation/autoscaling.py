"""AWS::ApplicationAutoScaling::ScalableTarget and ScalingPolicy."""

from collections.abc import Mapping
from typing import Any

from local.cloudformation.calls import call, delete
from local.cloudformation.registry import Provisioned, ResourceType

_SERVICE = "application-autoscaling"
_TARGET_KEYS = ("ResourceId", "ScalableDimension", "ServiceNamespace")
_POLICY_KEYS = (*_TARGET_KEYS, "PolicyName")


def resource_types() -> list[ResourceType]:
    """Handlers of the types. Ref: ``resource|dimension|namespace`` for a target, the ARN for a policy."""
    return [
        ResourceType(
            name="AWS::ApplicationAutoScaling::ScalableTarget",
            create=lambda _logical_id, properties, _stack: _register(properties),
            update=lambda _id, _old, new, _stack, _logical_id: _register(new),
            delete=lambda _id, properties: delete(
                _SERVICE, "DeregisterScalableTarget", _only(properties, _TARGET_KEYS)
            ),
            replacing=_TARGET_KEYS,
        ),
        ResourceType(
            name="AWS::ApplicationAutoScaling::ScalingPolicy",
            create=lambda _logical_id, properties, _stack: _put(properties),
            update=lambda _id, _old, new, _stack, _logical_id: _put(new),
            delete=lambda _id, properties: delete(
                _SERVICE, "DeleteScalingPolicy", _only(_with_target(properties), _POLICY_KEYS)
            ),
            replacing=(*_POLICY_KEYS, "ScalingTargetId"),
        ),
    ]


def _register(properties: Mapping[str, Any]) -> Provisioned:
    # The type takes no tags; those of the stack arrive all the same, in the form that most types have.
    call(_SERVICE, "RegisterScalableTarget", {key: value for key, value in properties.items() if key != "Tags"})
    target_id = "|".join(str(properties[key]) for key in _TARGET_KEYS)
    return target_id, {"Id": target_id}


def _put(properties: Mapping[str, Any]) -> Provisioned:
    arn = call(_SERVICE, "PutScalingPolicy", _with_target(properties))["PolicyARN"]
    return arn, {"Arn": arn, "PolicyName": properties["PolicyName"]}


def _with_target(properties: Mapping[str, Any]) -> dict[str, Any]:
    complete = dict(properties)
    if target_id := complete.pop("ScalingTargetId", None):
        complete |= dict(zip(_TARGET_KEYS, str(target_id).split("|"), strict=True))
    return complete


def _only(properties: Mapping[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: properties[key] for key in keys if key in properties}
