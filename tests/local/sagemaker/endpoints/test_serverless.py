"""Endpoints without instances: one process answers, and what AWS refuses of them is refused."""

import threading
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.sagemaker.conftest import MiniatureCloud, variant

SIZE = {"MemorySizeInMB": 2048, "MaxConcurrency": 5}


def serverless(model: str, **more: Any) -> dict[str, Any]:
    return {"VariantName": "model-a", "ModelName": model, "ServerlessConfig": SIZE, **more}


def sized(**size: int) -> dict[str, Any]:
    return serverless("m", ServerlessConfig={**SIZE, **size})


def answer(cloud: MiniatureCloud, endpoint: str) -> str:
    return cloud.invoke(endpoint).split()[0]


def described(cloud: MiniatureCloud, endpoint: str) -> dict[str, Any]:
    (only,) = cloud.sagemaker.describe_endpoint(EndpointName=endpoint)["ProductionVariants"]
    return only


def test_a_serverless_endpoint_answers_and_shows_no_instance(cloud: MiniatureCloud) -> None:
    cloud.create_model("m", "setosa")
    cloud.create_config("c", serverless("m"))
    cloud.create_endpoint("e", "c")
    assert answer(cloud, "e") == "setosa"
    shown = described(cloud, "e")
    assert shown["CurrentServerlessConfig"] == SIZE
    assert shown["CurrentInstanceCount"] == 0
    assert "DesiredInstanceCount" not in shown
    (asked,) = cloud.sagemaker.describe_endpoint_config(EndpointConfigName="c")["ProductionVariants"]
    assert asked["ServerlessConfig"] == SIZE
    assert "InstanceType" not in asked


def test_a_serverless_endpoint_is_updated_to_another_model_and_to_instances(cloud: MiniatureCloud) -> None:
    for model in ("old", "new"):
        cloud.create_model(model, model)
        cloud.create_config(model, serverless(model))
    cloud.create_config("instances", variant("new", count=2))
    cloud.create_endpoint("e", "old")
    cloud.sagemaker.update_endpoint(EndpointName="e", EndpointConfigName="new")
    cloud.await_endpoint("e")
    assert answer(cloud, "e") == "new"
    cloud.sagemaker.update_endpoint(EndpointName="e", EndpointConfigName="instances", RetainAllVariantProperties=True)
    cloud.await_endpoint("e")
    shown = described(cloud, "e")
    assert (shown["CurrentInstanceCount"], shown["DesiredInstanceCount"]) == (2, 2)
    with pytest.raises(ClientError, match="cannot be updated to a serverless endpoint"):
        cloud.sagemaker.update_endpoint(EndpointName="e", EndpointConfigName="new")


def test_a_serverless_endpoint_serves_again_after_a_restart(lasting_cloud: MiniatureCloud) -> None:
    lasting_cloud.create_model("m", "setosa")
    lasting_cloud.create_config("c", serverless("m"))
    lasting_cloud.create_endpoint("e", "c")
    lasting_cloud.restart()
    lasting_cloud.await_endpoint("e")
    assert answer(lasting_cloud, "e") == "setosa"
    assert described(lasting_cloud, "e")["CurrentServerlessConfig"] == SIZE


def test_more_requests_at_once_than_it_is_to_take_are_throttled(cloud: MiniatureCloud) -> None:
    cloud.create_model("m")
    cloud.create_config("c", sized(MaxConcurrency=1))
    cloud.create_endpoint("e", "c")
    together, outcomes = threading.Barrier(3), []

    def ask() -> None:
        together.wait()
        try:
            cloud.invoke("e", "sleep 1.5")
        except ClientError as fault:
            outcomes.append(fault.response["Error"]["Code"])
        else:
            outcomes.append("answered")

    askers = [threading.Thread(target=ask) for _ in range(3)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert sorted(outcomes) == ["ThrottlingException", "ThrottlingException", "answered"]
    assert cloud.invoke("e")


def test_nothing_counts_the_instances_of_a_serverless_endpoint(cloud: MiniatureCloud) -> None:
    cloud.create_model("m")
    cloud.create_config("c", serverless("m"))
    cloud.create_endpoint("e", "c")
    desired = [{"VariantName": "model-a", "DesiredInstanceCount": 2}]
    with pytest.raises(ClientError, match="DesiredInstanceCount cannot be specified"):
        cloud.sagemaker.update_endpoint_weights_and_capacities(EndpointName="e", DesiredWeightsAndCapacities=desired)


@pytest.mark.parametrize(
    ("variants", "message"),
    [
        ([sized(MemorySizeInMB=1500)], "1 GB steps"),
        ([sized(MemorySizeInMB=512)], "greater than or equal to 1024"),
        ([sized(MemorySizeInMB=7168)], "less than or equal to 6144"),
        ([sized(MaxConcurrency=0)], "greater than or equal to 1"),
        ([sized(MaxConcurrency=201)], "less than or equal to 200"),
        ([sized(ProvisionedConcurrency=1)], "The embedded cloud has no ProvisionedConcurrency"),
        ([serverless("m", ServerlessConfig={"MaxConcurrency": 1})], "must not be null"),
        ([serverless("m", InstanceType="ml.m5.large")], "InstanceType and ServerlessConfig cannot both"),
        ([serverless("m", InitialInstanceCount=1)], "InitialInstanceCount and ServerlessConfig cannot both"),
        ([serverless("m"), serverless("m", VariantName="other")], "multiple production variants"),
        ([serverless("isolated")], "network isolation"),
    ],
)
def test_what_a_serverless_variant_cannot_have_is_refused(
    cloud: MiniatureCloud, variants: list[dict[str, Any]], message: str
) -> None:
    cloud.create_model("m")
    cloud.create_model("isolated", EnableNetworkIsolation=True)
    with pytest.raises(ClientError, match=message):
        cloud.create_config("c", *variants)


def test_a_serverless_endpoint_captures_nothing(cloud: MiniatureCloud) -> None:
    cloud.create_model("m")
    capture = {
        "EnableCapture": True,
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": "s3://bucket/captured",
        "CaptureOptions": [{"CaptureMode": "Input"}],
    }
    with pytest.raises(ClientError, match="does not support data capture"):
        cloud.sagemaker.create_endpoint_config(
            EndpointConfigName="c", ProductionVariants=[serverless("m")], DataCaptureConfig=capture
        )
