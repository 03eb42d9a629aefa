from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.sagemaker.conftest import MiniatureCloud, eventually, variant

VARIANT = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": "endpoint/live/variant/model-a",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}
TRACKING = {
    "TargetValue": 200.0,
    "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
    "ScaleInCooldown": 30,
    "ScaleOutCooldown": 60,
}


@pytest.fixture
def scaled(cloud: MiniatureCloud) -> MiniatureCloud:
    cloud.create_model("m")
    cloud.create_config("c", variant("m"))
    cloud.create_endpoint("live", "c")
    return cloud


def count(cloud: MiniatureCloud) -> int:
    (described,) = cloud.sagemaker.describe_endpoint(EndpointName="live")["ProductionVariants"]
    return described["CurrentInstanceCount"]


def activities(cloud: MiniatureCloud, **more: Any) -> list[dict[str, Any]]:
    return cloud.autoscaling.describe_scaling_activities(ServiceNamespace="sagemaker", **more)["ScalingActivities"]


def put_policy(cloud: MiniatureCloud, **more: Any) -> dict[str, Any]:
    request = VARIANT | {
        "PolicyName": "invocations",
        "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": TRACKING,
    }
    return cloud.autoscaling.put_scaling_policy(**request | more)


def test_registering_brings_the_capacity_within_the_limits(scaled: MiniatureCloud) -> None:
    scaled.autoscaling.register_scalable_target(**VARIANT, MinCapacity=2, MaxCapacity=4)
    eventually(lambda: count(scaled) == 2)
    scaled.await_endpoint("live")
    scaled.autoscaling.register_scalable_target(**VARIANT, MinCapacity=1, MaxCapacity=1)
    eventually(lambda: count(scaled) == 1)
    eventually(lambda: {activity["StatusCode"] for activity in activities(scaled)} == {"Successful"})
    assert [(activity["Description"], activity["Cause"]) for activity in activities(scaled)] == [
        ("Setting desired instance count to 1.", "maximum capacity was set to 1"),
        ("Setting desired instance count to 2.", "minimum capacity was set to 2"),
    ]


def test_a_target_is_registered_described_changed_and_deregistered(scaled: MiniatureCloud) -> None:
    scaling = scaled.autoscaling
    arn = scaling.register_scalable_target(**VARIANT, MinCapacity=1, MaxCapacity=4)["ScalableTargetARN"]
    again = scaling.register_scalable_target(
        **VARIANT, MaxCapacity=6, SuspendedState={"DynamicScalingInSuspended": True}
    )
    assert again["ScalableTargetARN"] == arn
    (target,) = scaling.describe_scalable_targets(ServiceNamespace="sagemaker", ResourceIds=[VARIANT["ResourceId"]])[
        "ScalableTargets"
    ]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (1, 6)
    assert target["SuspendedState"]["DynamicScalingInSuspended"] is True
    assert target["SuspendedState"]["DynamicScalingOutSuspended"] is False
    assert "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint" in target["RoleARN"]
    scaling.tag_resource(ResourceARN=arn, Tags={"a": "b"})
    assert scaling.list_tags_for_resource(ResourceARN=arn)["Tags"] == {"a": "b"}
    put_policy(scaled)
    scaling.deregister_scalable_target(**VARIANT)
    assert scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"] == []
    assert scaling.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"] == []
    with pytest.raises(scaling.exceptions.ObjectNotFoundException, match="No scalable target found"):
        scaling.deregister_scalable_target(**VARIANT)


def test_policies_are_put_described_and_deleted(scaled: MiniatureCloud) -> None:
    scaling = scaled.autoscaling
    with pytest.raises(scaling.exceptions.ObjectNotFoundException, match="No scalable target found"):
        put_policy(scaled)
    scaling.register_scalable_target(**VARIANT, MinCapacity=1, MaxCapacity=4)
    arn = put_policy(scaled)["PolicyARN"]
    assert (
        put_policy(scaled, TargetTrackingScalingPolicyConfiguration=TRACKING | {"TargetValue": 50.0})["PolicyARN"]
        == arn
    )
    (policy,) = scaling.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]
    assert policy["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] == 50.0
    scaling.delete_scaling_policy(**VARIANT, PolicyName="invocations")
    with pytest.raises(scaling.exceptions.ObjectNotFoundException, match="No scaling policy found"):
        scaling.delete_scaling_policy(**VARIANT, PolicyName="invocations")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ResourceId": "endpoint/live/variant/other"}, "doesn't exist: endpoint/live/variant/other"),
        ({"ResourceId": "endpoint/dead/variant/model-a"}, "doesn't exist"),
        ({"ResourceId": "live"}, "Unsupported service namespace, resource type or scalable dimension"),
        ({"MinCapacity": 5}, "Maximum capacity cannot be less than minimum capacity"),
        ({"MinCapacity": 0}, "at least 1"),
        ({"ScalableDimension": "ecs:service:DesiredCount"}, "The embedded cloud has no scaling of other"),
        ({"ServiceNamespace": "nonsense"}, "Member must satisfy enum value set"),
    ],
)
def test_what_cannot_be_scaled_is_refused(scaled: MiniatureCloud, change: dict[str, Any], message: str) -> None:
    with pytest.raises(ClientError, match=message) as refusal:
        scaled.autoscaling.register_scalable_target(**VARIANT | {"MinCapacity": 1, "MaxCapacity": 2} | change)
    assert refusal.value.response["Error"]["Code"] == "ValidationException"


def test_a_scaled_variant_keeps_its_instance_type(scaled: MiniatureCloud) -> None:
    scaled.autoscaling.register_scalable_target(**VARIANT, MinCapacity=1, MaxCapacity=2)
    scaled.create_model("new", "new")
    scaled.create_config("bigger", variant("new", InstanceType="ml.m5.xlarge"))
    scaled.create_config("renamed", variant("new", "model-b"))
    scaled.create_config("same", variant("new"))
    for config in ("bigger", "renamed"):
        with pytest.raises(ClientError, match="must be deregistered as scalable targets with AWS Auto Scaling"):
            scaled.sagemaker.update_endpoint(EndpointName="live", EndpointConfigName=config)
    scaled.sagemaker.update_endpoint(EndpointName="live", EndpointConfigName="same")
    scaled.await_endpoint("live")
    assert scaled.invoke("live").startswith("new ")
    scaled.autoscaling.deregister_scalable_target(**VARIANT)
    scaled.sagemaker.update_endpoint(EndpointName="live", EndpointConfigName="bigger")
    scaled.await_endpoint("live")


def test_deleting_the_endpoint_deregisters_its_variants(scaled: MiniatureCloud) -> None:
    scaled.autoscaling.register_scalable_target(**VARIANT, MinCapacity=1, MaxCapacity=2)
    put_policy(scaled)
    scaled.sagemaker.delete_endpoint(EndpointName="live")
    assert scaled.autoscaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"] == []
    assert scaled.autoscaling.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"] == []


def test_scaling_to_the_minimum_waits_for_a_deployment_in_progress(lasting_cloud: MiniatureCloud) -> None:
    cloud = lasting_cloud
    cloud.create_model("m")
    cloud.create_config("c", variant("m"))
    cloud.sagemaker.create_endpoint(EndpointName="live", EndpointConfigName="c")
    cloud.autoscaling.register_scalable_target(**VARIANT, MinCapacity=2, MaxCapacity=4)
    cloud.restart()
    eventually(lambda: cloud.clock.advance(1) or count_or_zero(cloud) == 2)


def count_or_zero(cloud: MiniatureCloud) -> int:
    variants = cloud.sagemaker.describe_endpoint(EndpointName="live").get("ProductionVariants", [])
    return variants[0]["CurrentInstanceCount"] if variants else 0
