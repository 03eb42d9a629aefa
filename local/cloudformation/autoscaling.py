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
            create=lambda _logical_id, properties, _stack: _register({}, properties),
            update=lambda _id, old, new, _stack, _logical_id: _register(old, new),
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


def _register(old: Mapping[str, Any], properties: Mapping[str, Any]) -> Provisioned:
    # The type takes no tags; those of the stack arrive all the same, in the form that most types have.
    call(_SERVICE, "RegisterScalableTarget", {key: value for key, value in properties.items() if key != "Tags"})
    target, before, after = _only(properties, _TARGET_KEYS), _scheduled(old), _scheduled(properties)
    for name in before.keys() - after.keys():
        delete(_SERVICE, "DeleteScheduledAction", target | {"ScheduledActionName": name})
    for name, action in after.items():
        if before.get(name) != action:
            call(_SERVICE, "PutScheduledAction", target | action)
    target_id = "|".join(str(properties[key]) for key in _TARGET_KEYS)
    return target_id, {"Id": target_id}


def _scheduled(properties: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The scheduled actions that a template gives a target, by name."""
    return {action["ScheduledActionName"]: dict(action) for action in properties.get("ScheduledActions") or ()}


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
