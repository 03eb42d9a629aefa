"""Guarded updates through the API, with containers that really serve and alarms of CloudWatch."""

import uuid
from collections import Counter
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.faults.plan import ServingFault
from local.sagemaker.json_rpc import Json
from tests.local.sagemaker.conftest import MiniatureCloud, eventually, variant
from tests.local.sagemaker.endpoints.guardrails.test_plan_of_update import canary, count, percent, rolling
from tests.local.sagemaker.endpoints.test_endpoints import answer, hammering, is_running, processes


@pytest.fixture
def alarm_name(cloud_or_lasting: MiniatureCloud) -> str:
    """An alarm that is in state OK."""
    name = f"errors-{uuid.uuid4()}"
    cloudwatch = cloud_or_lasting.front_door.emulated("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        MetricName="Invocation5XXErrors",
        Namespace=f"nobody-publishes-{name}",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="ignore",
    )
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="test")
    return name


@pytest.fixture
def cloud_or_lasting(request: pytest.FixtureRequest) -> MiniatureCloud:
    name = "lasting_cloud" if "lasting_cloud" in request.fixturenames else "cloud"
    found: MiniatureCloud = request.getfixturevalue(name)
    return found


def sound(cloud: MiniatureCloud, alarm: str, state: str = "ALARM") -> None:
    cloud.front_door.emulated("cloudwatch").set_alarm_state(AlarmName=alarm, StateValue=state, StateReason="test")


def with_alarm(config: Json, alarm: str) -> Json:
    return config | {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": alarm}]}}


def two_models(cloud: MiniatureCloud, count_: int = 2) -> None:
    for model in ("old", "new"):
        cloud.create_model(model, model)
        cloud.create_config(model, variant(model, count=count_))
    cloud.create_endpoint("live", "old")


def update(cloud: MiniatureCloud, deployment: Json | None = None, config: str = "new", **more: Any) -> None:
    given = more | ({"DeploymentConfig": deployment} if deployment is not None else {})
    cloud.sagemaker.update_endpoint(EndpointName="live", EndpointConfigName=config, **given)


def described(cloud: MiniatureCloud) -> dict[str, Any]:
    found: dict[str, Any] = cloud.sagemaker.describe_endpoint(EndpointName="live")
    return found


def pending(cloud: MiniatureCloud) -> dict[str, Any]:
    summary = described(cloud).get("PendingDeploymentSummary")
    return summary["ProductionVariants"][0] if summary else {}


def baking(cloud: MiniatureCloud, active: int) -> dict[str, Any]:
    def reached() -> dict[str, Any] | None:
        found = pending(cloud)
        status = found.get("VariantStatus", [{}])[0].get("Status")
        return found if status == "Baking" and found["CurrentInstanceCount"] == active else None

    found: dict[str, Any] = eventually(reached, f"{active} instances bake")
    return found


def test_a_canary_takes_its_share_and_then_everything(cloud: MiniatureCloud, alarm_name: str) -> None:
    two_models(cloud, 4)
    old = set(processes(cloud, "live"))
    with hammering(cloud, "live") as answers:
        update(cloud, with_alarm(canary(percent(25), wait=3600, termination=600), alarm_name))
        found = baking(cloud, 1)
        assert (found["DesiredInstanceCount"], found["CurrentWeight"]) == (4, 1.0)
        assert found["VariantStatus"][0]["StatusMessage"] == (
            "Baking for 3600 seconds (WaitIntervalInSeconds) with traffic enabled on canary capacity of 1 instance(s)."
        )
        endpoint = described(cloud)
        assert (endpoint["EndpointStatus"], endpoint["EndpointConfigName"]) == ("Updating", "old")
        assert endpoint["ProductionVariants"][0]["CurrentInstanceCount"] == 4
        assert endpoint["LastDeploymentConfig"]["AutoRollbackConfiguration"]["Alarms"] == [{"AlarmName": alarm_name}]
        seen = len(answers)
        eventually(lambda: len(answers) > seen + 300)
        shares = Counter(text.split()[0] for text in answers[seen + 10 :])
        assert 0.1 < shares["new"] / shares.total() < 0.4
        cloud.clock.advance(3600)
        baking(cloud, 4)
        assert {answer(cloud, "live") for _ in range(20)} == {"new"}
        assert all(is_running(pid) for pid in old)
        cloud.clock.advance(600)
        endpoint = cloud.await_endpoint("live")
    assert endpoint["EndpointConfigName"] == "new"
    assert "FailureReason" not in endpoint
    assert "PendingDeploymentSummary" not in endpoint
    eventually(lambda: not any(is_running(pid) for pid in old), "the old processes have ended")


def test_an_alarm_brings_all_traffic_back_without_a_lost_request(cloud: MiniatureCloud, alarm_name: str) -> None:
    two_models(cloud)
    before = set(processes(cloud, "live"))
    with hammering(cloud, "live"):
        update(cloud, with_alarm(canary(percent(50), wait=3600), alarm_name))
        baking(cloud, 1)
        eventually(lambda: answer(cloud, "live") == "new")
        sound(cloud, alarm_name)
        endpoint = cloud.await_endpoint("live")
        assert {answer(cloud, "live") for _ in range(20)} == {"old"}
    assert endpoint["EndpointConfigName"] == "old"
    assert f"in state ALARM: {alarm_name}" in endpoint["FailureReason"]
    assert set(processes(cloud, "live")) == before
    # The roll back of a stack updates once more to the configuration that serves, while the alarm still sounds.
    update(cloud, with_alarm(canary(percent(50)), alarm_name), config="old")
    assert cloud.await_endpoint("live")["EndpointConfigName"] == "old"


def test_a_rolling_update_replaces_batch_by_batch(cloud: MiniatureCloud, alarm_name: str) -> None:
    two_models(cloud)
    with hammering(cloud, "live"):
        update(cloud, with_alarm(rolling(count(1)), alarm_name))
        baking(cloud, 1)
        assert described(cloud)["ProductionVariants"][0]["CurrentInstanceCount"] == 2
        cloud.clock.advance(60)
        baking(cloud, 2)
        assert described(cloud)["ProductionVariants"][0]["CurrentInstanceCount"] == 1
        assert {answer(cloud, "live") for _ in range(20)} == {"new"}
        sound(cloud, alarm_name)
        endpoint = cloud.await_endpoint("live")
    assert endpoint["EndpointConfigName"] == "old"
    assert endpoint["ProductionVariants"][0]["CurrentInstanceCount"] == 2
    assert {answer(cloud, "live") for _ in range(20)} == {"old"}


def test_a_roll_back_that_fails_leaves_the_endpoint_serving(cloud: MiniatureCloud, alarm_name: str) -> None:
    two_models(cloud)
    update(cloud, with_alarm(rolling(count(1)), alarm_name))
    baking(cloud, 1)
    cloud.clock.advance(60)
    baking(cloud, 2)
    cloud.faults.add(ServingFault("old/model.tar.gz", crash=True), hits=None)
    sound(cloud, alarm_name)
    endpoint = cloud.await_endpoint("live", "UpdateRollbackFailed")
    assert "The roll back failed: The primary container" in endpoint["FailureReason"]
    assert answer(cloud, "live") == "old"
    cloud.faults.clear()
    update(cloud)
    assert cloud.await_endpoint("live")["EndpointConfigName"] == "new"


def test_the_last_deployment_config_can_be_retained(cloud: MiniatureCloud) -> None:
    for model in ("old", "new"):
        cloud.create_model(model, model)
        cloud.create_config(model, variant(model, count=2))
    deployment = canary(count(1), wait=3600, termination=0)
    del deployment["AutoRollbackConfiguration"]
    cloud.sagemaker.create_endpoint(EndpointName="live", EndpointConfigName="old", DeploymentConfig=deployment)
    assert cloud.await_endpoint("live")["LastDeploymentConfig"] == deployment
    update(cloud, RetainDeploymentConfig=True)
    baking(cloud, 1)
    cloud.clock.advance(3600)
    assert cloud.await_endpoint("live")["EndpointConfigName"] == "new"
    update(cloud, config="old")
    assert cloud.await_endpoint("live")["EndpointConfigName"] == "old", "without one, all at once"


def test_what_cannot_be_guarded_is_refused(cloud: MiniatureCloud, alarm_name: str) -> None:
    two_models(cloud, 1)
    cloud.create_config("two", variant("new", count=2))
    for config, deployment, message in (
        ("two", canary(count(1)), "Could not find CloudWatch alarm.*errors, latency"),
        (
            "new",
            with_alarm(canary(percent(10)), alarm_name),
            "CanarySize of 10 .CAPACITY_PERCENT. must be from 0% to 50",
        ),
        ("two", canary(count(1)) | rolling(count(1)), "Could not find CloudWatch alarm|Only one of"),
    ):
        with pytest.raises(ClientError, match=message):
            update(cloud, deployment, config)
    assert described(cloud)["EndpointStatus"] == "InService"
    with pytest.raises(ClientError, match="Only one of"):
        cloud.sagemaker.create_endpoint(
            EndpointName="other", EndpointConfigName="old", DeploymentConfig=canary(count(1)) | rolling(count(1))
        )


def test_an_update_cut_short_begins_again_and_loses_nothing(lasting_cloud: MiniatureCloud, alarm_name: str) -> None:
    cloud = lasting_cloud
    two_models(cloud)
    update(cloud, with_alarm(canary(count(1), wait=3600, termination=0), alarm_name))
    baking(cloud, 1)
    cloud.restart()
    assert described(cloud)["EndpointStatus"] == "Updating"
    baking(cloud, 1)
    cloud.clock.advance(3600)
    assert cloud.await_endpoint("live")["EndpointConfigName"] == "new"


def test_a_roll_back_cut_short_is_finished(lasting_cloud: MiniatureCloud, alarm_name: str) -> None:
    cloud = lasting_cloud
    two_models(cloud)
    update(cloud, with_alarm(rolling(count(1)), alarm_name))
    baking(cloud, 1)
    cloud.clock.advance(60)
    baking(cloud, 2)
    cloud.service._endpoints._books.begin_roll_back("live", "the alarm sounded")
    cloud.restart()
    endpoint = cloud.await_endpoint("live")
    assert (endpoint["EndpointConfigName"], endpoint["FailureReason"]) == ("old", "the alarm sounded")
    assert endpoint["ProductionVariants"][0]["CurrentInstanceCount"] == 2
    assert answer(cloud, "live") == "old"
