"""A network and a key that the account brings: everything runs in the one and is encrypted with the other."""

import json
import re
from typing import Any

import pytest

from infra.encryption import has_local_disks
from infra.project import PROJECT, CannotSynthesise, Project
from tests.infra.template import Statement, Template, read_templates
from tests.infra.test_roles import known_resources
from tests.infra.variant import ACCOUNT, GROUPS, KEY, SUBNETS, compose_into, evaluated, model, read_endpoints

pytestmark = pytest.mark.xdist_group("cdk")

MODELS = {"iris": model("iris"), "fast": model("fast", production={"instance_type": "ml.g5.xlarge"})}


@pytest.fixture(scope="module")
def account(project: Project) -> dict[str, Template]:
    return read_templates(compose_into(project, "assembly", ACCOUNT, MODELS), ACCOUNT.name)


@pytest.fixture(scope="module")
def statements(account: dict[str, Template]) -> list[Statement]:
    return [statement for template in account.values() for statement in template.statements()]


def train_model(workflow: Template) -> dict[str, Any]:
    """The arguments of the training job, with values for the placeholders."""
    machine = workflow.properties("AWS::StepFunctions::StateMachine", "PromoteModel")
    text = machine["DefinitionString"]
    for name, value in machine["DefinitionSubstitutions"].items():
        text = text.replace(f"${{{name}}}", workflow.text(value) if isinstance(value, str) else name)
    return dict(json.loads(text)["States"]["Train Model"]["Arguments"])


def test_every_function_runs_in_the_network(account: dict[str, Template]) -> None:
    functions = account["workflow"].of_type("AWS::Lambda::Function").values()
    assert len(functions) > 5
    for function in functions:
        assert function["Properties"]["VpcConfig"] == {"SubnetIds": SUBNETS, "SecurityGroupIds": GROUPS}


def test_training_runs_in_the_network_and_is_encrypted(account: dict[str, Template]) -> None:
    arguments = train_model(account["workflow"])
    network = {name: evaluated(text) for name, text in arguments["VpcConfig"].items()}
    assert network == {"Subnets": SUBNETS, "SecurityGroupIds": GROUPS}
    assert (arguments["ResourceConfig"]["VolumeKmsKeyId"], arguments["OutputDataConfig"]["KmsKeyId"]) == (KEY, KEY)


def test_without_network_and_key_training_has_no_such_arguments(workflow: Template) -> None:
    arguments = train_model(workflow)
    assert "VpcConfig" not in arguments
    assert "VolumeKmsKeyId" not in arguments["ResourceConfig"]
    assert "KmsKeyId" not in arguments["OutputDataConfig"]


@pytest.mark.parametrize("stage", ["dev", "prd"])
def test_endpoints_run_in_the_network_and_are_encrypted(
    stage: str, project: Project, account: dict[str, Template]
) -> None:
    endpoint = read_endpoints(project, "iris")[stage]
    vpc = endpoint.properties("AWS::SageMaker::Model")["VpcConfig"]
    assert vpc == {"Subnets": SUBNETS, "SecurityGroupIds": GROUPS}
    configuration = endpoint.properties("AWS::SageMaker::EndpointConfig")
    assert (configuration["KmsKeyId"], configuration["DataCaptureConfig"]["KmsKeyId"]) == (KEY, KEY)


def test_no_key_is_named_for_disks_that_an_instance_encrypts_itself(
    project: Project, account: dict[str, Template]
) -> None:
    configuration = read_endpoints(project, "fast")["prd"].properties("AWS::SageMaker::EndpointConfig")
    assert "KmsKeyId" not in configuration
    assert configuration["DataCaptureConfig"]["KmsKeyId"] == KEY


@pytest.mark.parametrize(
    ("instance_type", "has_some"),
    [
        ("ml.m5.large", False),
        ("ml.m5d.large", True),
        ("ml.c6gd.xlarge", True),
        ("ml.c6i.xlarge", False),
        ("ml.g4dn.xlarge", True),
        ("ml.g5.xlarge", True),
        ("ml.g6e.xlarge", True),
        ("ml.p3.2xlarge", False),
        ("ml.p3dn.24xlarge", True),
        ("ml.p5en.48xlarge", True),
        ("ml.inf2.xlarge", False),
        ("ml.trn1.2xlarge", True),
        ("ml.t3.medium", False),
    ],
)
def test_instance_types_with_disks_of_their_own_are_known(instance_type: str, *, has_some: bool) -> None:
    assert has_local_disks(instance_type) is has_some


def test_training_on_such_an_instance_is_refused_before_anything_is_deployed(project: Project) -> None:
    training = {"instance_type": "ml.m5.large", "fallback_instance_types": ["ml.m5d.large"]}
    with pytest.raises(CannotSynthesise, match=r"models/iris.toml: training: ml.m5d.large has disks of its own"):
        compose_into(project, "refused", ACCOUNT, {"iris": model("iris", training=training)})


def test_the_image_is_built_in_the_network(account: dict[str, Template]) -> None:
    build = account["image"].properties("AWS::CodeBuild::Project")
    assert build["VpcConfig"] == {"VpcId": "vpc-0a1b2c3d", "Subnets": SUBNETS, "SecurityGroupIds": GROUPS}
    assert build["EncryptionKey"] == KEY


def test_everything_stored_is_encrypted_with_the_key(account: dict[str, Template]) -> None:
    bucket = account["storage"].properties("AWS::S3::Bucket")
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule == {
        "BucketKeyEnabled": True,
        "ServerSideEncryptionByDefault": {"KMSMasterKeyID": KEY, "SSEAlgorithm": "aws:kms"},
    }
    for table in account["storage"].of_type("AWS::DynamoDB::Table").values():
        assert table["Properties"]["SSESpecification"] == {"KMSMasterKeyId": KEY, "SSEEnabled": True, "SSEType": "KMS"}
    assert account["operations"].properties("AWS::SNS::Topic")["KmsMasterKeyId"] == KEY
    assert not account["operations"].of_type("AWS::KMS::Key")
    queue = account["workflow"].properties("AWS::SQS::Queue")
    assert (queue["KmsMasterKeyId"], "SqsManagedSseEnabled" in queue) == (KEY, False)
    encryption = account["image"].properties("AWS::ECR::Repository")["EncryptionConfiguration"]
    assert encryption == {"EncryptionType": "KMS", "KmsKey": KEY}
    store = account["image"].properties("AWS::CodePipeline::Pipeline")["ArtifactStore"]
    assert store["EncryptionKey"] == {"Id": KEY, "Type": "KMS"}
    groups = [group for each in account.values() for group in each.of_type("AWS::Logs::LogGroup").values()]
    assert len(groups) > 10
    assert {group["Properties"]["KmsKeyId"] for group in groups} == {KEY}


def actions_of(statements: list[Statement], role: str, service: str) -> set[str]:
    return {
        action
        for each in statements
        if each.role == role
        for action in each.actions
        if action.startswith(f"{service}:")
    }


def test_who_reads_or_writes_what_is_encrypted_may_use_the_key_for_that(statements: list[Statement]) -> None:
    bucket = ":acme-ml-us-east-1-"
    touching = {
        (each.role, action)
        for each in statements
        for action in each.actions
        if action.startswith("dynamodb:")
        or (action in {"s3:GetObject", "s3:PutObject"} and any(bucket in resource for resource in each.resources))
    }
    assert len({role for role, _ in touching}) > 10
    needs = {"s3:GetObject": "kms:Decrypt", "s3:PutObject": "kms:GenerateDataKey"}
    for role, action in touching:
        on_key = [each for each in statements if each.role == role and each.resources == (KEY,)]
        assert needs.get(action, "kms:Decrypt") in {each for statement in on_key for each in statement.actions}, role


def test_the_key_opens_only_for_those_who_touch_what_it_encrypts(statements: list[Statement]) -> None:
    with_key = {each.role for each in statements if KEY in each.resources}
    others = {each.role for each in statements} - with_key
    assert others == {"ExplainFailureRole", "DatasetDroppedRole", "RunEndedRole", "UploadRole"}
    for each in statements:
        if KEY in each.resources:
            assert each.resources == (KEY,)
            assert each.conditions or each.actions == ("kms:Encrypt",)


def test_volumes_are_encrypted_for_the_job_and_for_who_asks_for_it(statements: list[Statement]) -> None:
    granting = {each.role: each.conditions for each in statements if "kms:CreateGrant" in each.actions}
    assert granting.keys() == {"TrainingRole", "EndpointRole", "PromoteModelRole", "DeploymentRole"}
    for conditions in granting.values():
        assert conditions == {"Bool": {"kms:GrantIsForAWSResource": "true"}}


def test_who_runs_in_the_network_may_join_these_subnets_and_no_others(statements: list[Statement]) -> None:
    joining = {each.role: each for each in statements if "ec2:CreateNetworkInterface" in each.actions}
    functions = {each.role for each in statements if "xray:PutTraceSegments" in each.actions} - {
        "PromoteModelRole",
        "DeployStackRole",
        "CloseRunRole",
    }
    assert joining.keys() == functions | {"TrainingRole", "EndpointRole", "BuildRole"}
    for statement in joining.values():
        kinds = [resource.rpartition(":")[2] for resource in statement.resources]
        assert kinds == ["network-interface/*", *(f"subnet/{each}" for each in SUBNETS), f"security-group/{GROUPS[0]}"]


def test_a_functions_own_code_cannot_make_interfaces(statements: list[Statement]) -> None:
    for each in statements:
        if any(action.startswith("ec2:") for action in each.actions) and each.role not in {
            "TrainingRole",
            "EndpointRole",
            "BuildRole",
        }:
            assert each.conditions == {"Null": {"lambda:SourceFunctionArn": "true"}}


def test_an_interface_is_lent_to_the_service_that_runs_the_containers(statements: list[Statement]) -> None:
    lent = {
        each.role: each.conditions["StringEquals"]["ec2:AuthorizedService"]
        for each in statements
        if "ec2:CreateNetworkInterfacePermission" in each.actions
    }
    assert lent == {
        "TrainingRole": "sagemaker.amazonaws.com",
        "EndpointRole": "sagemaker.amazonaws.com",
        "BuildRole": "codebuild.amazonaws.com",
    }


def test_every_right_names_a_resource_that_its_action_knows(statements: list[Statement]) -> None:
    for each in statements:
        for action in (action for action in each.actions if action.startswith(("ec2:", "kms:"))):
            patterns = known_resources(action)
            fits = [any(re.fullmatch(pattern, resource) for pattern in patterns) for resource in each.resources]
            assert all(fits) if patterns else each.resources == ("*",), (each.role, each.sid, action)


GUIDE = (PROJECT.root / "docs" / "account.md").read_text()
# What needs no way out of the network: Lambda's own doings, and a role that the service called is handed.
OUTSIDE = {"ec2", "iam", "logs", "xray"}


def test_the_guide_names_the_services_that_each_function_must_reach(workflow: Template) -> None:
    rows = re.findall(r"^\| ([A-Z][A-Za-z ]+) \| ([a-z0-9, ]+) \|$", GUIDE, flags=re.MULTILINE)
    told = {f"{name.replace(' ', '')}Role": set(services.split(", ")) for name, services in rows}
    functions = {f"{name[:-8]}Role" for name in workflow.of_type("AWS::Lambda::Function")}
    reached = {
        role: {action.partition(":")[0] for each in workflow.statements(role) for action in each.actions} - OUTSIDE
        for role in functions
    }
    assert told == reached


def test_the_guide_has_a_key_policy_that_admits_those_who_publish_and_log(operations: Template) -> None:
    (text,) = re.findall(r"```json\n(.*?)```", GUIDE, flags=re.DOTALL)
    statements = {each["Sid"]: each for each in json.loads(text)["Statement"]}
    own = operations.properties("AWS::KMS::Key")["KeyPolicy"]["Statement"][1]
    assert statements["AlarmsAndEvents"]["Principal"] == own["Principal"]
    assert statements["AlarmsAndEvents"]["Action"] == own["Action"]
    assert statements["Logs"]["Principal"] == {"Service": "logs.us-east-1.amazonaws.com"}
