"""Endpoints through the API, with containers that really serve."""

import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.sagemaker.conftest import BUCKET, REFUSED_ROLE, MiniatureCloud, eventually, variant


def processes(cloud: MiniatureCloud, endpoint: str, requests: int = 20) -> Counter[str]:
    """Requests answered by each process."""
    return Counter(cloud.invoke(endpoint).split()[1] for _ in range(requests))


def answer(cloud: MiniatureCloud, endpoint: str) -> str:
    return cloud.invoke(endpoint).split()[0]


def described_variant(cloud: MiniatureCloud, endpoint: str, position: int = 0) -> dict[str, Any]:
    return cloud.sagemaker.describe_endpoint(EndpointName=endpoint)["ProductionVariants"][position]


def is_running(pid: str) -> bool:
    return Path(f"/proc/{pid}").exists()


@contextmanager
def hammering(cloud: MiniatureCloud, endpoint: str, threads: int = 4) -> Iterator[list[str]]:
    """Invoke without pause meanwhile; yields the answers so far. Any failed request fails the test."""
    stop, answers, failures = threading.Event(), [], []

    def hammer() -> None:
        while not stop.is_set():
            try:
                answers.append(cloud.invoke(endpoint, "sleep 0.005"))
            except ClientError as failure:
                failures.append(failure)
                return

    hammers = [threading.Thread(target=hammer) for _ in range(threads)]
    for thread in hammers:
        thread.start()
    try:
        yield answers
    finally:
        stop.set()
        for thread in hammers:
            thread.join()
    assert failures == []


def test_an_endpoint_serves_its_model_from_all_instances(cloud: MiniatureCloud) -> None:
    cloud.create_model("iris", "setosa")
    cloud.create_config("iris", variant("iris", count=2))
    endpoint = cloud.create_endpoint("iris", "iris")
    assert endpoint["EndpointConfigName"] == "iris"
    (described,) = endpoint["ProductionVariants"]
    assert (described["CurrentInstanceCount"], described["DesiredInstanceCount"]) == (2, 2)
    assert (described["CurrentWeight"], described["DesiredWeight"]) == (1.0, 1.0)
    assert described["DeployedImages"][0]["ResolvedImage"].startswith("123456789012.dkr.ecr")
    response = cloud.runtime.invoke_endpoint(EndpointName="iris", Body="1,2", ContentType="text/csv")
    assert response["Body"].read().startswith(b"setosa ")
    assert response["InvokedProductionVariant"] == "model-a"
    assert response["ContentType"] == "text/csv; charset=utf-8"
    assert sorted(processes(cloud, "iris").values()) == [10, 10]


def test_a_busy_instance_is_spared(cloud: MiniatureCloud) -> None:
    cloud.create_model("iris")
    cloud.create_config("iris", variant("iris", count=2))
    cloud.create_endpoint("iris", "iris")
    busy: list[str] = []
    slow = threading.Thread(target=lambda: busy.append(cloud.invoke("iris", "sleep 1.5").split()[1]))
    slow.start()
    eventually(lambda: len(processes(cloud, "iris", 6)) == 1, "one process is busy")
    served = processes(cloud, "iris", 6)
    slow.join()
    assert busy[0] not in served


def test_a_container_that_exits_fails_the_endpoint_at_once(cloud: MiniatureCloud) -> None:
    cloud.create_model("broken", do="exit")
    cloud.create_config("broken", variant("broken", count=2))
    endpoint = cloud.create_endpoint("broken", "broken", "Failed")
    assert endpoint["FailureReason"] == (
        "The primary container for production variant model-a did not pass the ping health check. "
        "Please check CloudWatch logs for this endpoint."
    )
    streams = cloud.logs.describe_log_streams(logGroupName="/aws/sagemaker/Endpoints/broken")["logStreams"]
    assert streams[0]["logStreamName"].startswith("model-a/i-")
    with pytest.raises(ClientError, match="Endpoint broken of account 123456789012 not found"):
        cloud.invoke("broken")
    cloud.sagemaker.delete_endpoint(EndpointName="broken")
    eventually(lambda: cloud.sagemaker.list_endpoints()["Endpoints"] == [])


def test_a_container_that_stays_unhealthy_has_eight_minutes(cloud: MiniatureCloud) -> None:
    cloud.create_model("sick", do="be-unhealthy")
    cloud.create_config("sick", variant("sick"))
    cloud.sagemaker.create_endpoint(EndpointName="sick", EndpointConfigName="sick")
    cloud.clock.advance(470)
    assert cloud.sagemaker.describe_endpoint(EndpointName="sick")["EndpointStatus"] == "Creating"

    def failed() -> bool:
        cloud.clock.advance(470)  # the container may have been started after the jump before
        return cloud.sagemaker.describe_endpoint(EndpointName="sick")["EndpointStatus"] == "Failed"

    eventually(failed)


def test_an_update_replaces_the_fleet_without_a_failed_request(cloud: MiniatureCloud) -> None:
    for model in ("old", "new"):
        cloud.create_model(model, model)
        cloud.create_config(model, variant(model, count=2))
    cloud.create_endpoint("live", "old")
    old = set(processes(cloud, "live"))
    with hammering(cloud, "live") as answers:
        eventually(lambda: len(answers) > 20)
        cloud.sagemaker.update_endpoint(EndpointName="live", EndpointConfigName="new")
        endpoint = cloud.await_endpoint("live")
        done = len(answers)
        eventually(lambda: len(answers) > done + 20)
    assert endpoint["EndpointConfigName"] == "new"
    seen = [text.split()[0] for text in answers]
    assert set(seen) == {"old", "new"}
    assert set(seen[done + 10 :]) == {"new"}
    eventually(lambda: not any(is_running(pid) for pid in old), "the old processes have ended")


def test_while_updating_the_old_configuration_is_described(cloud: MiniatureCloud) -> None:
    cloud.create_model("old")
    cloud.create_model("sick", do="be-unhealthy")
    cloud.create_config("old", variant("old"))
    cloud.create_config("sick", variant("sick", count=3))
    cloud.create_endpoint("live", "old")
    cloud.sagemaker.update_endpoint(EndpointName="live", EndpointConfigName="sick")
    endpoint = cloud.sagemaker.describe_endpoint(EndpointName="live")
    assert (endpoint["EndpointStatus"], endpoint["EndpointConfigName"]) == ("Updating", "old")
    pending = endpoint["PendingDeploymentSummary"]
    assert pending["EndpointConfigName"] == "sick"
    assert pending["ProductionVariants"][0]["DesiredInstanceCount"] == 3
    for operation, arguments in (
        (cloud.sagemaker.update_endpoint, {"EndpointConfigName": "old"}),
        (cloud.sagemaker.delete_endpoint, {}),
    ):
        with pytest.raises(ClientError, match=r'Cannot update in-progress endpoint "arn:aws:sagemaker:.*/live"'):
            operation(EndpointName="live", **arguments)
    for config in ("old", "sick"):
        with pytest.raises(ClientError, match="it is in use by endpoint"):
            cloud.sagemaker.delete_endpoint_config(EndpointConfigName=config)


def test_a_failed_update_leaves_the_old_fleet_serving(cloud: MiniatureCloud) -> None:
    cloud.create_model("good", "good")
    cloud.create_model("bad", do="exit")
    cloud.create_config("good", variant("good"))
    cloud.create_config("bad", variant("bad"))
    cloud.create_endpoint("live", "good")
    before = processes(cloud, "live")
    with hammering(cloud, "live", threads=2):
        cloud.sagemaker.update_endpoint(EndpointName="live", EndpointConfigName="bad")
        endpoint = cloud.await_endpoint("live")
    assert endpoint["EndpointConfigName"] == "good"
    assert "did not pass the ping health check" in endpoint["FailureReason"]
    assert processes(cloud, "live").keys() == before.keys()
    cloud.create_model("better", "better")
    cloud.create_config("better", variant("better"))
    cloud.sagemaker.update_endpoint(EndpointName="live", EndpointConfigName="better")
    assert "FailureReason" not in cloud.await_endpoint("live")
    assert answer(cloud, "live") == "better"


@pytest.mark.parametrize(
    ("arguments", "count", "weight", "captures"),
    [
        ({}, 1, 1.0, True),
        ({"RetainAllVariantProperties": True}, 2, 0.5, False),
        (
            {
                "RetainAllVariantProperties": True,
                "ExcludeRetainedVariantProperties": [
                    {"VariantPropertyType": "DesiredWeight"},
                    {"VariantPropertyType": "DataCaptureConfig"},
                ],
            },
            2,
            1.0,
            True,
        ),
    ],
)
def test_variant_properties_are_retained_when_asked(
    cloud: MiniatureCloud, arguments: dict[str, Any], count: int, weight: float, *, captures: bool
) -> None:
    cloud.create_model("m")
    capture = {
        "InitialSamplingPercentage": 50,
        "DestinationS3Uri": f"s3://{BUCKET}/capture",
        "CaptureOptions": [{"CaptureMode": "Input"}],
    }
    cloud.create_config("one", variant("m"))
    cloud.create_config("two", variant("m"), DataCaptureConfig=capture)
    cloud.create_endpoint("live", "one")
    cloud.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName="live",
        DesiredWeightsAndCapacities=[{"VariantName": "model-a", "DesiredInstanceCount": 2, "DesiredWeight": 0.5}],
    )
    cloud.await_endpoint("live")
    cloud.sagemaker.update_endpoint(EndpointName="live", EndpointConfigName="two", **arguments)
    endpoint = cloud.await_endpoint("live")
    described = endpoint["ProductionVariants"][0]
    assert (described["CurrentInstanceCount"], described["CurrentWeight"]) == (count, weight)
    assert ("DataCaptureConfig" in endpoint) == captures


def test_capacity_follows_in_processes(cloud: MiniatureCloud) -> None:
    cloud.create_model("m")
    cloud.create_config("c", variant("m"))
    cloud.create_endpoint("live", "c")
    with hammering(cloud, "live", threads=2):
        for count in (3, 1):
            cloud.sagemaker.update_endpoint_weights_and_capacities(
                EndpointName="live",
                DesiredWeightsAndCapacities=[{"VariantName": "model-a", "DesiredInstanceCount": count}],
            )
            endpoint = cloud.await_endpoint("live")
            assert endpoint["ProductionVariants"][0]["CurrentInstanceCount"] == count
            eventually(lambda count=count: len(processes(cloud, "live", 30)) == count)


def test_an_enlargement_that_fails_changes_nothing(cloud: MiniatureCloud, tmp_path: Path) -> None:
    cloud.create_model("m", do=f"exit-if {tmp_path / 'full'}")
    cloud.create_config("c", variant("m"))
    cloud.create_endpoint("live", "c")
    before = processes(cloud, "live")
    (tmp_path / "full").touch()
    cloud.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName="live", DesiredWeightsAndCapacities=[{"VariantName": "model-a", "DesiredInstanceCount": 2}]
    )
    endpoint = cloud.await_endpoint("live")
    assert "ping health check" in endpoint["FailureReason"]
    described = endpoint["ProductionVariants"][0]
    assert (described["CurrentInstanceCount"], described["DesiredInstanceCount"]) == (1, 1)
    assert processes(cloud, "live").keys() == before.keys()


def test_traffic_follows_the_weights(cloud: MiniatureCloud) -> None:
    cloud.create_model("champion", "champion")
    cloud.create_model("challenger", "challenger")
    cloud.create_config("ab", variant("champion", "model-a", weight=0.9), variant("challenger", "model-b", weight=0.1))
    cloud.create_endpoint("live", "ab")
    shares = Counter(answer(cloud, "live") for _ in range(200))
    assert 5 <= shares["challenger"] <= 40
    assert cloud.invoke("live", TargetVariant="model-b").startswith("challenger")
    weights = [{"VariantName": "model-a", "DesiredWeight": 0}, {"VariantName": "model-b", "DesiredWeight": 1}]
    cloud.sagemaker.update_endpoint_weights_and_capacities(EndpointName="live", DesiredWeightsAndCapacities=weights)
    cloud.await_endpoint("live")
    assert {answer(cloud, "live") for _ in range(20)} == {"challenger"}
    assert described_variant(cloud, "live")["CurrentWeight"] == 0
    with pytest.raises(ClientError, match="Variant model-c not found"):
        cloud.invoke("live", TargetVariant="model-c")


def test_a_crashed_process_is_replaced(cloud: MiniatureCloud) -> None:
    cloud.create_model("m")
    cloud.create_config("c", variant("m", count=2))
    cloud.create_endpoint("live", "c")
    victim, survivor = processes(cloud, "live")
    os.kill(int(victim), signal.SIGKILL)

    def replaced() -> bool:
        try:
            serving = processes(cloud, "live", 4)
        except cloud.runtime.exceptions.ModelError:
            return False  # what the dying process had accepted already is lost; nothing else is
        return len(serving) == 2 and victim not in serving and survivor in serving

    eventually(replaced)


def test_without_a_healthy_instance_the_service_is_unavailable(cloud: MiniatureCloud, tmp_path: Path) -> None:
    cloud.create_model("m", do=f"exit-if {tmp_path / 'down'}")
    cloud.create_config("c", variant("m"))
    cloud.create_endpoint("live", "c")
    (tmp_path / "down").touch()
    (victim,) = processes(cloud, "live", 1)
    os.kill(int(victim), signal.SIGKILL)

    def unavailable() -> bool:
        try:
            cloud.invoke("live")
        except ClientError as fault:
            return fault.response["ResponseMetadata"]["HTTPStatusCode"] == 503
        return False

    eventually(unavailable)
    (tmp_path / "down").unlink()

    def back() -> bool:
        try:
            return bool(cloud.invoke("live"))
        except ClientError:
            cloud.clock.advance(1)  # past the pause between two attempts
            return False

    eventually(back)


def test_a_deleted_endpoint_is_gone_with_its_processes(cloud: MiniatureCloud) -> None:
    cloud.create_model("m")
    cloud.create_config("c", variant("m"))
    cloud.create_endpoint("live", "c")
    (process,) = processes(cloud, "live")
    cloud.sagemaker.delete_endpoint(EndpointName="live")
    eventually(lambda: cloud.sagemaker.list_endpoints()["Endpoints"] == [])
    assert not is_running(process)
    with pytest.raises(
        ClientError, match=r'Could not find endpoint "arn:aws:sagemaker:us-east-1:123456789012:endpoint/live"'
    ):
        cloud.sagemaker.describe_endpoint(EndpointName="live")
    cloud.sagemaker.delete_endpoint_config(EndpointConfigName="c")
    cloud.create_config("c", variant("m"))
    cloud.create_endpoint("live", "c")


def test_names_are_unique(cloud: MiniatureCloud) -> None:
    cloud.create_model("m")
    cloud.create_config("c", variant("m"))
    cloud.create_endpoint("live", "c")
    with pytest.raises(ClientError, match=r'Cannot create already existing endpoint "arn:.*endpoint/live"'):
        cloud.sagemaker.create_endpoint(EndpointName="LIVE", EndpointConfigName="c")
    with pytest.raises(ClientError, match=r'Could not find endpoint configuration "arn:.*endpoint-config/d"'):
        cloud.sagemaker.create_endpoint(EndpointName="other", EndpointConfigName="d")


def test_an_artefact_that_is_no_archive_fails_the_endpoint(cloud: MiniatureCloud) -> None:
    container = {"Image": "image", "ModelDataUrl": cloud.put("junk/no-archive", b"junk")}
    cloud.create_model("junk", PrimaryContainer=container)
    cloud.create_config("junk", variant("junk"))
    endpoint = cloud.create_endpoint("junk", "junk", "Failed")
    assert endpoint["FailureReason"].startswith("Failed to extract model data archive")


def test_an_endpoint_comes_back_after_a_restart_without_its_artefact(lasting_cloud: MiniatureCloud) -> None:
    cloud = lasting_cloud
    cloud.create_model("m", "kept")
    cloud.create_config("c", variant("m"))
    cloud.create_endpoint("live", "c")
    cloud.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName="live", DesiredWeightsAndCapacities=[{"VariantName": "model-a", "DesiredInstanceCount": 2}]
    )
    cloud.await_endpoint("live")
    before = set(processes(cloud, "live"))
    cloud.s3.delete_object(Bucket=BUCKET, Key="m/model.tar.gz")
    cloud.sagemaker.delete_model(ModelName="m")
    cloud.restart()
    assert not any(is_running(pid) for pid in before)
    cloud.await_endpoint("live")
    assert answer(cloud, "live") == "kept"
    assert len(processes(cloud, "live")) == 2


def test_an_endpoint_can_be_changed_right_after_a_restart(lasting_cloud: MiniatureCloud) -> None:
    cloud = lasting_cloud
    cloud.create_model("old", "old")
    cloud.create_model("new", "new")
    cloud.create_config("old", variant("old"))
    cloud.create_config("new", variant("new"))
    cloud.create_endpoint("live", "old")
    cloud.restart()
    assert cloud.sagemaker.describe_endpoint(EndpointName="live")["EndpointStatus"] == "SystemUpdating"
    cloud.sagemaker.update_endpoint(EndpointName="live", EndpointConfigName="new")
    cloud.await_endpoint("live")
    assert answer(cloud, "live") == "new"
    cloud.restart()
    cloud.sagemaker.delete_endpoint(EndpointName="live")
    eventually(lambda: not cloud.sagemaker.list_endpoints()["Endpoints"])


def test_an_update_cut_short_by_the_server_is_finished_after_a_restart(
    lasting_cloud: MiniatureCloud, tmp_path: Path
) -> None:
    cloud = lasting_cloud
    cloud.create_model("old", "old")
    cloud.create_model("sick", do="be-unhealthy")
    cloud.create_config("old", variant("old"))
    cloud.create_config("sick", variant("sick"))
    cloud.create_endpoint("live", "old")
    cloud.sagemaker.update_endpoint(EndpointName="live", EndpointConfigName="sick")
    cloud.restart()
    assert cloud.sagemaker.describe_endpoint(EndpointName="live")["EndpointStatus"] == "Updating"
    eventually(lambda: cloud.service._endpoints.states("live"))
    assert answer(cloud, "live") == "old"

    def rolled_back() -> bool:
        cloud.clock.advance(480)
        return cloud.sagemaker.describe_endpoint(EndpointName="live")["EndpointStatus"] == "InService"

    eventually(rolled_back)
    endpoint = cloud.sagemaker.describe_endpoint(EndpointName="live")
    assert endpoint["EndpointConfigName"] == "old"
    assert "ping health check" in endpoint["FailureReason"]


def test_a_model_needs_an_artefact_and_a_role(cloud: MiniatureCloud) -> None:
    nowhere = {"Image": "image", "ModelDataUrl": f"s3://{BUCKET}/nowhere/model.tar.gz"}
    with pytest.raises(ClientError, match=rf"Could not find model data at s3://{BUCKET}/nowhere/model.tar.gz"):
        cloud.create_model("m", PrimaryContainer=nowhere)
    with pytest.raises(ClientError, match="Could not assume role"):
        cloud.create_model("m", ExecutionRoleArn=REFUSED_ROLE)
    with pytest.raises(ClientError, match=r'Could not find model "arn:aws:sagemaker:us-east-1:123456789012:model/m"'):
        cloud.create_config("c", variant("m"))


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"ProductionVariants": [variant("m"), variant("m")]}, "names must be unique"),
        ({"ProductionVariants": [variant("m", count=0)]}, "greater than or equal to 1"),
        ({"ProductionVariants": [{"VariantName": "v", "ModelName": "m"}]}, "InitialInstanceCount is required"),
        ({"ProductionVariants": [variant("m")], "ShadowProductionVariants": [variant("m")]}, "no ShadowProduction"),
    ],
)
def test_configurations_that_cannot_be_served_are_refused(
    cloud: MiniatureCloud, config: dict[str, Any], message: str
) -> None:
    cloud.create_model("m")
    with pytest.raises(ClientError, match=message):
        cloud.sagemaker.create_endpoint_config(EndpointConfigName="c", **config)
