"""The product in an account that brings a network, a key, a permissions boundary and a budget, up to the question."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from commands.deployment import find_deployment
from contracts.settings import ModelSettings, load_all_settings
from infra.deployment import Deployment, load_deployment
from infra.node import use_node
from infra.project import PROJECT, Project
from infra.staging import stage_functions
from infra.synthesise import synthesise
from local.configuration import Configuration
from local.launch import deploy_product, free_port, running_cloud
from tests.flow.product import PATTERN_MODEL, Product

pytestmark = pytest.mark.xdist_group("cdk")

NETWORK = {
    "vpc_id": "vpc-0a1b2c3d",
    "subnet_ids": ["subnet-0a1b2c3d", "subnet-1a1b2c3d"],
    "security_group_ids": ["sg-0a1b2c3d"],
}
EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def deployment_of(session: Any) -> Deployment:
    """The project's own, in what the account brings."""
    boundary = session.client("iam").create_policy(PolicyName="boundary", PolicyDocument=json.dumps(EVERYTHING))
    brought = {
        "permissions_boundary": boundary["Policy"]["Arn"],
        "kms_key_arn": session.client("kms").create_key()["KeyMetadata"]["Arn"],
        "network": NETWORK,
        "budget": {"monthly_usd": 300, "tag": "mlops:deployment"},
    }
    own = load_deployment(PROJECT.deployment_file)
    return Deployment.model_validate({**own.model_dump(exclude_none=True), **brought})


def assembly_of(deployment: Deployment, built: Path, models: Mapping[str, ModelSettings] | None = None) -> Path:
    synthesise(PROJECT)
    project = Project(root=PROJECT.root, built=built)
    built.mkdir()
    project.staged_layers.symlink_to(PROJECT.staged_layers)
    stage_functions(project)
    use_node()
    from infra.composition import compose

    compose(project, deployment, models or load_all_settings(PROJECT.models), project.assembly).synth()
    return project.assembly


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Product, Deployment]]:
    folder = tmp_path_factory.mktemp("account")
    with (
        running_cloud(Configuration(port=free_port(), time_factor=10.0), folder / "cloud.log") as cloud,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in cloud.environment().items():
            patch.setenv(name, value)
        session = cloud.session()
        deployment = deployment_of(session)
        deploy_product(cloud, assembly=assembly_of(deployment, folder / "built"))
        yield Product(cloud, find_deployment(session)), deployment


def test_a_run_trains_and_serves_in_the_network_with_the_key(account: tuple[Product, Deployment], iris: str) -> None:
    product, deployment = account
    vpc = {"Subnets": NETWORK["subnet_ids"], "SecurityGroupIds": NETWORK["security_group_ids"]}
    run = product.drop(PATTERN_MODEL, iris).reaches("Request Approval")

    (job,) = product.sagemaker.list_training_jobs()["TrainingJobSummaries"]
    trained = product.sagemaker.describe_training_job(TrainingJobName=job["TrainingJobName"])
    assert trained["VpcConfig"] == vpc
    assert trained["ResourceConfig"]["VolumeKmsKeyId"] == deployment.kms_key_arn
    assert trained["OutputDataConfig"]["KmsKeyId"] == deployment.kms_key_arn
    tags = product.sagemaker.list_tags(ResourceArn=trained["TrainingJobArn"])["Tags"]
    assert {"Key": "mlops:deployment", "Value": "mlops"} in tags
    assert {"Key": "mlops:run", "Value": run.id} in tags

    endpoint = product.sagemaker.describe_endpoint(EndpointName=f"{PATTERN_MODEL}-development")
    configuration = product.sagemaker.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
    assert configuration["KmsKeyId"] == deployment.kms_key_arn
    (variant,) = configuration["ProductionVariants"]
    assert product.sagemaker.describe_model(ModelName=variant["ModelName"])["VpcConfig"] == vpc
