"""An endpoint `live` of stand-in containers in a whole cloud, and the policy that scales it."""

import shutil
from pathlib import Path

from tests.local.cloud_process import ACCOUNT, CloudProcess, allow, until
from tests.local.sagemaker.conftest import make_archive

STAND_IN = Path(__file__).parent / "sagemaker" / "stand_in_container.py"
IMAGE = f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/model@sha256:" + "0" * 64
VARIANT = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": "endpoint/live/variant/model-a",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}


def stand_in_project(folder: Path) -> Path:
    """A project below `folder` whose container is the stand-in."""
    container = folder / "project" / "container"
    container.mkdir(parents=True)
    (container / "__init__.py").touch()
    shutil.copy(STAND_IN, container / "__main__.py")
    return container.parent


def now(cloud: CloudProcess) -> float:
    """By the cloud's clock, in epoch seconds."""
    return float(cloud.get("/_cloud/clock")["now"])


def deploy_live(cloud: CloudProcess, instances: int = 1) -> float:
    """Make the endpoint; how many seconds of the cloud it then took until it was in service."""
    s3, sagemaker = cloud.client("s3"), cloud.client("sagemaker")
    s3.create_bucket(Bucket="models")
    s3.put_object(Bucket="models", Key="model.tar.gz", Body=make_archive({"answer.txt": "answer"}))
    role = cloud.role("model", "sagemaker.amazonaws.com", [allow(["s3:*", "logs:*", "cloudwatch:*"])])
    container = {"Image": IMAGE, "ModelDataUrl": "s3://models/model.tar.gz"}
    sagemaker.create_model(ModelName="m", PrimaryContainer=container, ExecutionRoleArn=role)
    variant = {
        "VariantName": "model-a",
        "ModelName": "m",
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": instances,
    }
    sagemaker.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[variant])
    began = now(cloud)
    sagemaker.create_endpoint(EndpointName="live", EndpointConfigName="c")
    until(
        "the endpoint",
        lambda: sagemaker.describe_endpoint(EndpointName="live")["EndpointStatus"] == "InService",
    )
    return now(cloud) - began


def track_live(
    cloud: CloudProcess, metric: str, target: float, *, capacity: tuple[int, int], out_cooldown: int, in_cooldown: int
) -> None:
    """Scale it between the least and the most of `capacity` on a predefined metric; cooldowns are in seconds."""
    scaling = cloud.client("application-autoscaling")
    scaling.register_scalable_target(**VARIANT, MinCapacity=capacity[0], MaxCapacity=capacity[1])
    scaling.put_scaling_policy(
        **VARIANT,
        PolicyName="tracking",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": target,
            "PredefinedMetricSpecification": {"PredefinedMetricType": metric},
            "ScaleOutCooldown": out_cooldown,
            "ScaleInCooldown": in_cooldown,
        },
    )
