"""An endpoint's stack whose update is watched by an alarm: the whole cloud, with models that only pretend."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.local.cloud_process import ACCOUNT, REGION, CloudProcess, allow, until
from tests.local.live_endpoint import stand_in_project
from tests.local.sagemaker.conftest import make_archive
from tests.local.test_cloudformation import deploy, reasons, resource, settle

ROLE_NAME = "serving"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose container is the stand-in."""
    return stand_in_project(tmp_path)


def prepare(cloud: CloudProcess) -> str:
    """Two artefacts and a role that reads them and alarms; the role's ARN."""
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="artefacts")
    for run in ("old", "new"):
        s3.put_object(Bucket="artefacts", Key=f"{run}/model.tar.gz", Body=make_archive({"answer.txt": run}))
    return cloud.role(ROLE_NAME, "sagemaker.amazonaws.com", [allow("s3:*"), allow("cloudwatch:DescribeAlarms")])


def template(role: str, artefact: str) -> dict[str, Any]:
    container = {
        "Image": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/image@sha256:{'a' * 64}",
        "ModelDataUrl": f"s3://artefacts/{artefact}/model.tar.gz",
        "Environment": {"A": "variable"},
    }
    variant = {
        "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]},
        "VariantName": "model",
        "InitialInstanceCount": "2",
        "InstanceType": "ml.t2.medium",
        "InitialVariantWeight": "1",
    }
    canary = {
        "Type": "CANARY",
        "CanarySize": {"Type": "INSTANCE_COUNT", "Value": "1"},
        "WaitIntervalInSeconds": "3600",
    }
    deployment = {
        "BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": canary, "TerminationWaitInSeconds": "0"},
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": {"Ref": "Alarm"}}]},
    }
    return {
        "Resources": {
            "Alarm": resource(
                "CloudWatch::Alarm",
                AlarmName="live-errors",
                Namespace="AWS/SageMaker",
                MetricName="Invocation5XXErrors",
                Dimensions=[{"Name": "EndpointName", "Value": "live"}, {"Name": "VariantName", "Value": "model"}],
                Statistic="Average",
                Period=60,
                EvaluationPeriods=1,
                Threshold=0.1,
                ComparisonOperator="GreaterThanThreshold",
                TreatMissingData="notBreaching",
            ),
            "Model": resource("SageMaker::Model", ExecutionRoleArn=role, PrimaryContainer=container),
            "Config": resource("SageMaker::EndpointConfig", ProductionVariants=[variant]),
            "Endpoint": resource(
                "SageMaker::Endpoint",
                EndpointName="live",
                EndpointConfigName={"Fn::GetAtt": ["Config", "EndpointConfigName"]},
                DeploymentConfig=deployment,
            ),
        }
    }


def begin_update(cloud: CloudProcess, role: str) -> None:
    cloudformation = cloud.client("cloudformation")
    assert deploy(cloudformation, "live", template(role, "old")) == "CREATE_COMPLETE", reasons(cloudformation, "live")
    made = cloudformation.create_change_set(
        StackName="live",
        ChangeSetName="new",
        ChangeSetType="UPDATE",
        TemplateBody=json.dumps(template(role, "new")),
    )
    cloudformation.execute_change_set(ChangeSetName=made["Id"])
    until("the canary", lambda: answers(cloud) == {"old", "new"})


def answers(cloud: CloudProcess) -> set[str]:
    runtime = cloud.client("sagemaker-runtime")
    bodies = (runtime.invoke_endpoint(EndpointName="live", Body=b"1,2")["Body"].read() for _ in range(20))
    return {body.decode().split()[0] for body in bodies}


def sound(cloud: CloudProcess) -> None:
    cloud.client("cloudwatch").set_alarm_state(AlarmName="live-errors", StateValue="ALARM", StateReason="test")


def check_rolled_back(cloud: CloudProcess) -> None:
    cloudformation = cloud.client("cloudformation")
    assert settle(cloudformation, "live") == "UPDATE_ROLLBACK_COMPLETE"
    assert any("in state ALARM: live-errors" in reason for reason in reasons(cloudformation, "live"))
    assert answers(cloud) == {"old"}
    endpoint = cloud.client("sagemaker").describe_endpoint(EndpointName="live")
    assert endpoint["EndpointStatus"] == "InService"
    configs = cloud.client("sagemaker").list_endpoint_configs()["EndpointConfigs"]
    assert [config["EndpointConfigName"] for config in configs] == [endpoint["EndpointConfigName"]]


def test_an_alarm_rolls_the_stack_back(make_cloud: Callable[..., CloudProcess], project: Path) -> None:
    cloud = make_cloud(PROJECT_ROOT=str(project))
    begin_update(cloud, prepare(cloud))
    sound(cloud)
    check_rolled_back(cloud)


def test_a_watched_update_survives_a_crash(make_cloud: Callable[..., CloudProcess], project: Path) -> None:
    cloud = make_cloud(PROJECT_ROOT=str(project))
    begin_update(cloud, prepare(cloud))
    assert cloud.state_dir is not None
    saved = cloud.state_dir / "services" / "cloudwatch.json"
    until("the alarm in its record", lambda: saved.exists() and "live-errors" in saved.read_text())
    cloud.crash()
    cloud.start()
    describe = cloud.client("sagemaker").describe_endpoint
    until(
        "the new fleet",
        lambda: describe(EndpointName="live")["PendingDeploymentSummary"]["ProductionVariants"][0].get(
            "CurrentInstanceCount"
        ),
    )
    until("the canary", lambda: answers(cloud) == {"old", "new"})
    sound(cloud)
    check_rolled_back(cloud)


def test_without_an_alarm_the_update_is_done(make_cloud: Callable[..., CloudProcess], project: Path) -> None:
    cloud = make_cloud(PROJECT_ROOT=str(project), keeps=False)
    begin_update(cloud, prepare(cloud))
    cloud.post("/_cloud/clock", {"advance_seconds": 3600})
    assert settle(cloud.client("cloudformation"), "live") == "UPDATE_COMPLETE"
    assert answers(cloud) == {"new"}


def test_a_stack_says_when_its_role_may_not_read_the_alarms(
    make_cloud: Callable[..., CloudProcess], project: Path
) -> None:
    cloud = make_cloud(PROJECT_ROOT=str(project), keeps=False)
    role, cloudformation = prepare(cloud), cloud.client("cloudformation")
    assert deploy(cloudformation, "live", template(role, "old")) == "CREATE_COMPLETE"
    iam = cloud.client("iam")
    (name,) = iam.list_role_policies(RoleName=role.rpartition("/")[2])["PolicyNames"]
    iam.put_role_policy(
        RoleName=role.rpartition("/")[2],
        PolicyName=name,
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allow("s3:*")]}),
    )
    assert deploy(cloudformation, "live", template(role, "new"), kind="UPDATE") == "UPDATE_ROLLBACK_COMPLETE"
    assert any("cannot describe alarms" in reason for reason in reasons(cloudformation, "live"))
