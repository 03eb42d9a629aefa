"""AWS::SageMaker::Model, EndpointConfig, Endpoint and ModelPackageGroup."""

import time
from collections.abc import Mapping
from typing import Any

from local.clock import Clock
from local.cloudformation.calls import ResourceFailure, call, delete, reconcile_tags
from local.cloudformation.interrupted import is_resuming
from local.cloudformation.registry import Provisioned, ResourceType, physical_name

_NAME_LENGTH = 63
# Starting a process takes real time however fast the cloud's clock runs, so the safety net is real time as well.
_STABILISE_SECONDS = 3600
_POLL_CLOUD_SECONDS = 0.2
_POLL_REAL_SECONDS = 0.05
_UPDATE_ONLY = ("RetainAllVariantProperties", "ExcludeRetainedVariantProperties", "DeploymentConfig")


_MODEL_REPLACING = (
    "Containers",
    "EnableNetworkIsolation",
    "ExecutionRoleArn",
    "InferenceExecutionConfig",
    "ModelName",
    "PrimaryContainer",
    "VpcConfig",
)
_CONFIG_REPLACING = (
    "AsyncInferenceConfig",
    "DataCaptureConfig",
    "EnableNetworkIsolation",
    "EndpointConfigName",
    "ExecutionRoleArn",
    "ExplainerConfig",
    "KmsKeyId",
    "ProductionVariants",
    "ShadowProductionVariants",
    "VpcConfig",
)


def resource_types(clock: Clock) -> list[ResourceType]:
    """Handlers of the types. Ref is the ARN; Fn::GetAtt serves the name (and the group's ARN)."""
    return [
        _simple("Model", _MODEL_REPLACING),
        _simple("EndpointConfig", _CONFIG_REPLACING),
        _simple("ModelPackageGroup", ("ModelPackageGroupName", "ModelPackageGroupDescription")),
        _Endpoint(clock).resource_type(),
    ]


def _simple(kind: str, replacing: tuple[str, ...]) -> ResourceType:
    name_key, arn_key = f"{kind}Name", f"{kind}Arn"

    def create(logical_id: str, properties: Mapping[str, Any], stack: str) -> Provisioned:
        name = properties.get(name_key) or physical_name(stack, logical_id, _NAME_LENGTH)
        arn = _created(kind, {**properties, name_key: name}, stack, logical_id)
        return arn, {arn_key: arn, name_key: name}

    def update(arn: str, old: Mapping[str, Any], new: Mapping[str, Any], _stack: str, _logical: str) -> Provisioned:
        reconcile_tags("sagemaker", arn, old.get("Tags"), new.get("Tags"))
        described = call("sagemaker", f"Describe{kind}", {name_key: _name(arn)})
        return arn, {arn_key: arn, name_key: described[name_key]}

    return ResourceType(
        name=f"AWS::SageMaker::{kind}",
        create=create,
        update=update,
        delete=lambda physical_id, _: delete("sagemaker", f"Delete{kind}", {name_key: _name(physical_id)}),
        replacing=replacing,
        custom_name=name_key,
        tags="Tags",
    )


def _created(kind: str, properties: Mapping[str, Any], stack: str, logical_id: str) -> str:
    """Create a resource; after a crash or a lost reply, take over the one that the same operation has created."""
    try:
        return str(call("sagemaker", f"Create{kind}", properties)[f"{kind}Arn"])
    except ResourceFailure as failure:
        if failure.code != "AlreadyExists" or not (failure.may_have_arrived or is_resuming()):
            raise
        described = call("sagemaker", f"Describe{kind}", {f"{kind}Name": properties[f"{kind}Name"]})
        arn = str(described[f"{kind}Arn"])
        tags = {tag["Key"]: tag["Value"] for tag in call("sagemaker", "ListTags", {"ResourceArn": arn})["Tags"]}
        owner = (tags.get("aws:cloudformation:stack-name"), tags.get("aws:cloudformation:logical-id"))
        if owner != (stack, logical_id):
            raise
        return arn


class _Endpoint:
    """An endpoint is complete when it is InService: create and update wait for it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def resource_type(self) -> ResourceType:
        return ResourceType(
            name="AWS::SageMaker::Endpoint",
            create=self._create,
            update=self._update,
            delete=self._delete,
            replacing=("EndpointName",),
            custom_name="EndpointName",
            tags="Tags",
        )

    def _create(self, logical_id: str, properties: Mapping[str, Any], stack: str) -> Provisioned:
        name = properties.get("EndpointName") or physical_name(stack, logical_id, _NAME_LENGTH)
        given = {key: value for key, value in properties.items() if key not in _UPDATE_ONLY[:2]}
        arn = _created("Endpoint", {**given, "EndpointName": name}, stack, logical_id)
        self._wait_in_service(name)
        return arn, {"EndpointArn": arn, "EndpointName": name}

    def _update(
        self, arn: str, old: Mapping[str, Any], new: Mapping[str, Any], _stack: str, _logical: str
    ) -> Provisioned:
        name = _name(arn)
        if old.get("EndpointConfigName") != new.get("EndpointConfigName"):
            config = new.get("EndpointConfigName", "")
            if not (is_resuming() and self._goes_on(name, config)):
                _begin_update({**_without_empty(new), "EndpointName": name})
            self._wait_in_service(name, config)
        reconcile_tags("sagemaker", arn, old.get("Tags"), new.get("Tags"))
        return arn, {"EndpointArn": arn, "EndpointName": name}

    def _goes_on(self, name: str, config: str) -> bool:
        """Whether the update that a crash has interrupted had been begun: begun again, a bad model would be again."""
        described = call("sagemaker", "DescribeEndpoint", {"EndpointName": name})
        if described.get("PendingDeploymentSummary", {}).get("EndpointConfigName") == _name(config):
            return True
        self._wait_in_service(name)  # something else may be going on
        return False

    def _delete(self, arn: str, _properties: Mapping[str, Any]) -> None:
        name = _name(arn)
        delete("sagemaker", "DeleteEndpoint", {"EndpointName": name})
        deadline = time.monotonic() + _STABILISE_SECONDS
        while time.monotonic() < deadline:
            try:
                call("sagemaker", "DescribeEndpoint", {"EndpointName": name})
            except ResourceFailure as failure:
                if failure.code == "NotFound":
                    return
                raise
            self._pause()

    def _wait_in_service(self, name: str, config: str = "") -> None:
        deadline = time.monotonic() + _STABILISE_SECONDS
        while time.monotonic() < deadline:
            endpoint = call("sagemaker", "DescribeEndpoint", {"EndpointName": name})
            status = endpoint["EndpointStatus"]
            if status == "InService":
                # A failed update leaves the old configuration in service, with the reason beside it.
                if config and endpoint["EndpointConfigName"] != _name(config):
                    raise _not_stabilised(name, endpoint.get("FailureReason", "the update was rolled back"))
                return
            if status in ("Failed", "UpdateRollbackFailed", "OutOfService"):
                raise _not_stabilised(name, endpoint.get("FailureReason", status))
            self._pause()
        raise _not_stabilised(name, "it is not in service after an hour")

    def _pause(self) -> None:
        self._clock.wait(None, max(_POLL_CLOUD_SECONDS, _POLL_REAL_SECONDS * self._clock.factor))


def _begin_update(properties: Mapping[str, Any]) -> None:
    try:
        call("sagemaker", "UpdateEndpoint", properties)
    except ResourceFailure as failure:
        # Refused because the call whose reply was lost has begun it; which configuration comes out is looked at next.
        if not failure.may_have_arrived:
            raise


def _not_stabilised(name: str, reason: str) -> ResourceFailure:
    message = f"Resource of type 'AWS::SageMaker::Endpoint' with identifier '{name}' did not stabilize: {reason}"
    return ResourceFailure(message, "NotStabilized")


def _without_empty(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in properties.items() if value not in (None, [], "")}


def _name(arn_or_name: str) -> str:
    return arn_or_name.rpartition("/")[2]
