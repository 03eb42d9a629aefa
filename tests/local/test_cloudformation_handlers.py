"""What the handlers of our resource types ask of the services, and what they make of the answers."""

from collections.abc import Callable
from typing import Any

import botocore.session
import pytest

from local.clock import Clock
from local.cloudformation import autoscaling, calls, sagemaker
from local.cloudformation.calls import ResourceFailure, coerce
from local.cloudformation.registry import ResourceType

ARN = "arn:aws:sagemaker:us-east-1:123456789012:endpoint/iris"
Answers = dict[str, Any]


class Service:
    """Stands for the front door: records calls, answers in turn."""

    def __init__(self, answers: dict[str, list[Any]]) -> None:
        self.answers = answers
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, _service: str, operation: str, properties: dict[str, Any]) -> Any:
        self.calls.append((operation, dict(properties)))
        remaining = self.answers[operation]
        answer = remaining.pop(0) if len(remaining) > 1 else remaining[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Service]:
    def make(**answers: list[Any]) -> Service:
        service = Service(answers)
        for module in (sagemaker, autoscaling, calls):
            monkeypatch.setattr(module, "call", service)
        return service

    return make


@pytest.fixture
def endpoint() -> ResourceType:
    types = sagemaker.resource_types(Clock(time_factor=10_000))
    return next(kind for kind in types if kind.name == "AWS::SageMaker::Endpoint")


def described(status: str, config: str = "c1", **more: str) -> Answers:
    return {"EndpointStatus": status, "EndpointConfigName": config, "EndpointName": "iris", **more}


def test_an_endpoint_is_complete_when_it_is_in_service(serve: Callable[..., Service], endpoint: ResourceType) -> None:
    service = serve(
        CreateEndpoint=[{"EndpointArn": ARN}],
        DescribeEndpoint=[described("Creating"), described("Creating"), described("InService")],
    )
    properties = {"EndpointName": "iris", "EndpointConfigName": "c1", "RetainAllVariantProperties": "true"}
    assert endpoint.create("E", properties, "stack") == (ARN, {"EndpointArn": ARN, "EndpointName": "iris"})
    assert service.calls[0] == ("CreateEndpoint", {"EndpointName": "iris", "EndpointConfigName": "c1"})
    assert len(service.calls) == 4


def test_an_endpoint_that_fails_says_why(serve: Callable[..., Service], endpoint: ResourceType) -> None:
    reason = "The primary container did not pass the ping health check."
    serve(CreateEndpoint=[{"EndpointArn": ARN}], DescribeEndpoint=[described("Failed", FailureReason=reason)])
    with pytest.raises(ResourceFailure, match=f"did not stabilize: {reason}.*NotStabilized"):
        endpoint.create("E", {"EndpointName": "iris", "EndpointConfigName": "c1"}, "stack")


def test_an_update_hands_on_guardrails_and_retained_properties(
    serve: Callable[..., Service], endpoint: ResourceType
) -> None:
    service = serve(UpdateEndpoint=[{}], DescribeEndpoint=[described("Updating", "c1"), described("InService", "c2")])
    new = {
        "EndpointConfigName": "c2",
        "RetainAllVariantProperties": "true",
        "ExcludeRetainedVariantProperties": [{"VariantPropertyType": "DesiredWeight"}],
        "DeploymentConfig": {"BlueGreenUpdatePolicy": {"TerminationWaitInSeconds": "0"}},
    }
    endpoint.update(ARN, {"EndpointConfigName": "c1"}, new, "stack", "E")
    assert service.calls[0] == ("UpdateEndpoint", {**new, "EndpointName": "iris"})


def test_an_update_that_was_rolled_back_fails(serve: Callable[..., Service], endpoint: ResourceType) -> None:
    back = described("InService", "c1", FailureReason="the alarm went off")
    serve(UpdateEndpoint=[{}], DescribeEndpoint=[described("Updating", "c1"), back])
    with pytest.raises(ResourceFailure, match="the alarm went off"):
        endpoint.update(ARN, {"EndpointConfigName": "c1"}, {"EndpointConfigName": "c2"}, "stack", "E")


def test_an_interrupted_update_that_goes_on_is_not_begun_again(
    serve: Callable[..., Service], endpoint: ResourceType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sagemaker, "is_resuming", lambda: True)
    goes_on = described("Updating", "c1") | {"PendingDeploymentSummary": {"EndpointConfigName": "c2"}}
    back = described("InService", "c1", FailureReason="the alarm went off")
    service = serve(UpdateEndpoint=[{}], DescribeEndpoint=[goes_on, goes_on, back])
    with pytest.raises(ResourceFailure, match="the alarm went off"):
        endpoint.update(ARN, {"EndpointConfigName": "c1"}, {"EndpointConfigName": "c2"}, "stack", "E")
    assert "UpdateEndpoint" not in [operation for operation, _ in service.calls]


def test_an_interrupted_update_that_was_not_begun_is_begun(
    serve: Callable[..., Service], endpoint: ResourceType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sagemaker, "is_resuming", lambda: True)
    states = [
        described("SystemUpdating"),
        described("SystemUpdating"),
        described("InService"),
        described("InService", "c2"),
    ]
    service = serve(UpdateEndpoint=[{}], DescribeEndpoint=states)
    endpoint.update(ARN, {"EndpointConfigName": "c1"}, {"EndpointConfigName": "c2"}, "stack", "E")
    assert [operation for operation, _ in service.calls].count("UpdateEndpoint") == 1


def test_only_another_configuration_updates_the_endpoint(serve: Callable[..., Service], endpoint: ResourceType) -> None:
    service = serve(AddTags=[{}])
    old = {"EndpointConfigName": "c1"}
    endpoint.update(ARN, old, {**old, "Tags": [{"Key": "a", "Value": "b"}]}, "stack", "E")
    assert [operation for operation, _ in service.calls] == ["AddTags"]


def test_a_deletion_waits_until_the_endpoint_is_gone(serve: Callable[..., Service], endpoint: ResourceType) -> None:
    gone = ResourceFailure("Could not find endpoint", "NotFound")
    service = serve(DeleteEndpoint=[{}], DescribeEndpoint=[described("Deleting"), gone])
    endpoint.delete(ARN, {})
    assert [operation for operation, _ in service.calls] == ["DeleteEndpoint", "DescribeEndpoint", "DescribeEndpoint"]


def test_what_is_gone_already_is_deleted(serve: Callable[..., Service], endpoint: ResourceType) -> None:
    gone = ResourceFailure("Could not find endpoint", "NotFound")
    serve(DeleteEndpoint=[gone], DescribeEndpoint=[gone])
    endpoint.delete(ARN, {})


def test_a_scaling_policy_names_its_target(serve: Callable[..., Service]) -> None:
    names = {
        "ResourceId": "endpoint/iris/variant/model-a",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
        "ServiceNamespace": "sagemaker",
    }
    target, policy = autoscaling.resource_types()
    service = serve(
        RegisterScalableTarget=[{}], PutScalingPolicy=[{"PolicyARN": "arn:policy"}], DeleteScalingPolicy=[{}]
    )
    target_id, attributes = target.create("T", {**names, "MinCapacity": "1", "MaxCapacity": "4"}, "stack")
    assert target_id == attributes["Id"] == "|".join(names.values())
    properties = {"PolicyName": "invocations", "PolicyType": "TargetTrackingScaling", "ScalingTargetId": target_id}
    assert policy.create("P", properties, "stack") == ("arn:policy", {"Arn": "arn:policy", "PolicyName": "invocations"})
    assert service.calls[-1][1] == {"PolicyName": "invocations", "PolicyType": "TargetTrackingScaling", **names}
    policy.delete("arn:policy", properties)
    assert service.calls[-1] == ("DeleteScalingPolicy", {**names, "PolicyName": "invocations"})


def test_the_scheduled_actions_of_a_template_are_put_changed_and_taken_away(serve: Callable[..., Service]) -> None:
    names = {
        "ResourceId": "endpoint/e/variant/v",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
        "ServiceNamespace": "sagemaker",
    }
    target, _ = autoscaling.resource_types()
    service = serve(RegisterScalableTarget=[{}] * 2, PutScheduledAction=[{}] * 3, DeleteScheduledAction=[{}])
    day, night = (
        {"ScheduledActionName": name, "Schedule": "rate(1 day)", "ScalableTargetAction": {"MinCapacity": "2"}}
        for name in ("day", "night")
    )
    before = {**names, "MinCapacity": "1", "MaxCapacity": "4", "ScheduledActions": [day, night]}
    target.create("T", before, "stack")
    after = before | {"ScheduledActions": [night | {"Schedule": "rate(2 days)"}]}
    target.update("id", before, after, "stack", "T")
    assert [(operation, request.get("ScheduledActionName")) for operation, request in service.calls] == [
        ("RegisterScalableTarget", None),
        ("PutScheduledAction", "day"),
        ("PutScheduledAction", "night"),
        ("RegisterScalableTarget", None),
        ("DeleteScheduledAction", "day"),
        ("PutScheduledAction", "night"),
    ]
    assert service.calls[1][1] == {**names, **day}


def test_a_templates_strings_become_what_the_api_takes() -> None:
    model = botocore.session.Session().get_service_model("sagemaker")
    shape = model.operation_model("CreateEndpointConfig").input_shape
    given = {
        "EndpointConfigName": "c",
        "ProductionVariants": [
            {"VariantName": "v", "ModelName": "m", "InitialInstanceCount": "2", "InitialVariantWeight": "0.5"}
        ],
        "DataCaptureConfig": {"EnableCapture": "true", "InitialSamplingPercentage": "100", "CaptureOptions": []},
        "NotOfTheApi": "x",
        "KmsKeyId": None,
    }
    assert coerce(shape, given) == {
        "EndpointConfigName": "c",
        "ProductionVariants": [
            {"VariantName": "v", "ModelName": "m", "InitialInstanceCount": 2, "InitialVariantWeight": 0.5}
        ],
        "DataCaptureConfig": {"EnableCapture": True, "InitialSamplingPercentage": 100, "CaptureOptions": []},
    }
    with pytest.raises(ValueError, match="two"):
        coerce(shape, {"ProductionVariants": [{"InitialInstanceCount": "two"}]})
