"""Deletes single resources by their own service: what a broken stack cannot delete, and what one has left behind."""

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from commands.account import Account

_GONE = ("NotFound", "NoSuch", "DoesNotExist", "Could not find", "not found", "does not exist")


def delete_stray(account: Account, kind: str, physical: str) -> bool:
    """Delete a resource of a CloudFormation type; False when it cannot be deleted here.

    A resource that was never made, or is gone, counts as deleted.
    """
    if not physical:
        return True
    delete = _DELETIONS.get(kind)
    if delete is None:
        return False
    try:
        delete(account, physical.rpartition("/")[2])
    except ClientError as fault:
        return _is_gone(fault)
    return True


def description(describe: Callable[..., Any], **which: str) -> dict[str, Any] | None:
    """What a service's describing call says of something; None when there is no such thing."""
    try:
        return dict(describe(**which))
    except ClientError as fault:
        if _is_gone(fault):
            return None
        raise


def _is_gone(fault: ClientError) -> bool:
    """Whether AWS's answer says that there is no such thing; every service has its own words for it."""
    return any(word in str(fault) for word in _GONE)


def deregister_targets(account: Account, endpoints: set[str]) -> int:
    """Take the scaling off every variant of these endpoints; SageMaker refuses much while it is on. How many."""
    scaling = account.client("application-autoscaling")
    pages = scaling.get_paginator("describe_scalable_targets").paginate(ServiceNamespace="sagemaker")
    targets = [target for page in pages for target in page["ScalableTargets"]]
    ours = [target for target in targets if target["ResourceId"].split("/")[1] in endpoints]
    for target in ours:
        scaling.deregister_scalable_target(
            ServiceNamespace="sagemaker",
            ResourceId=target["ResourceId"],
            ScalableDimension=target["ScalableDimension"],
        )
    return len(ours)


def _sagemaker(operation: str, parameter: str) -> Callable[[Account, str], Any]:
    def delete(account: Account, name: str) -> None:
        getattr(account.client("sagemaker"), operation)(**{parameter: name})

    return delete


_DELETIONS: dict[str, Callable[[Account, str], Any]] = {
    "AWS::SageMaker::Endpoint": _sagemaker("delete_endpoint", "EndpointName"),
    "AWS::SageMaker::EndpointConfig": _sagemaker("delete_endpoint_config", "EndpointConfigName"),
    "AWS::SageMaker::Model": _sagemaker("delete_model", "ModelName"),
    "AWS::CloudWatch::Alarm": lambda account, name: account.client("cloudwatch").delete_alarms(AlarmNames=[name]),
    # Both went with their target.
    "AWS::ApplicationAutoScaling::ScalableTarget": lambda _account, _name: None,
    "AWS::ApplicationAutoScaling::ScalingPolicy": lambda _account, _name: None,
}
