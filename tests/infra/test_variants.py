"""Other settings than the project's own, synthesised in this process."""

import json
from pathlib import Path

import pytest

from contracts.settings import ModelSettings
from infra.deployment import Deployment
from infra.node import use_node
from infra.project import PROJECT, CannotSynthesise, Project
from infra.staging import stage_functions
from infra.synthesise import synthesise
from tests.infra.template import Template

# One worker starts the CDK's Node process once.
pytestmark = pytest.mark.xdist_group("cdk")

BOUNDARY = "arn:aws:iam::123456789012:policy/boundary"
ACME = Deployment.model_validate(
    {
        "name": "acme-ml",
        "sender": "release@ml.example.com",
        "operators": ["one@example.com", "two@example.com"],
        "permissions_boundary": BOUNDARY,
        "tags": {"cost-centre": "42"},
        "retention": {"logs_days": 7, "capture_days": 3, "superseded_days": 4, "keep_data": False},
    }
)
PEOPLE = {"owners": ["ml-team@example.com"], "approval": {"approvers": ["approver@example.com"]}}
MODELS = {
    "iris": ModelSettings.model_validate({"name": "iris", **PEOPLE}),
    "wine-quality": ModelSettings.model_validate(
        {
            "name": "wine-quality",
            **PEOPLE,
            "development": {"instance_type": "ml.t3.medium", "capture_percent": 0},
            "production": {
                "instance_type": "ml.m6i.xlarge",
                "instance_count": 3,
                "capture_percent": 25,
                "scaling": {"minimum": 3, "maximum": 5, "target": 12.5, "scale_in_cooldown_seconds": 300},
            },
        }
    ),
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    synthesise(PROJECT)
    made = Project(root=PROJECT.root, built=tmp_path_factory.mktemp("built"))
    made.staged_layer.symlink_to(PROJECT.staged_layer)
    stage_functions(made)
    return made


def compose_into(project: Project, name: str) -> Path:
    use_node()
    from infra.composition import compose

    outdir = project.built / name
    compose(project, ACME, MODELS, outdir).synth()
    return outdir


@pytest.fixture(scope="module")
def assembly(project: Project) -> Path:
    return compose_into(project, "assembly")


@pytest.fixture(scope="module")
def variant(assembly: Path) -> dict[str, Template]:
    names = ("storage", "workflow", "models", "image")
    return {name: Template(json.loads((assembly / f"acme-ml-{name}.template.json").read_text()), {}) for name in names}


@pytest.fixture(scope="module")
def wine(project: Project, variant: dict[str, Template]) -> dict[str, Template]:
    folder = project.staged_models / "wine-quality"
    return {stage: Template(json.loads((folder / f"{stage}.json").read_text()), {}) for stage in ("dev", "prd")}


def test_synthesising_twice_gives_the_same_files(project: Project, assembly: Path) -> None:
    again = compose_into(project, "again")
    names = sorted(file.name for file in assembly.iterdir())
    assert names == sorted(file.name for file in again.iterdir())
    for name in names:
        if (assembly / name).is_file():
            assert (assembly / name).read_bytes() == (again / name).read_bytes(), name


def test_every_role_gets_the_boundary(variant: dict[str, Template]) -> None:
    roles = [role for template in variant.values() for role in template.of_type("AWS::IAM::Role").values()]
    assert len(roles) > 15
    assert {role["Properties"].get("PermissionsBoundary") for role in roles} == {BOUNDARY}


def test_every_name_begins_with_the_deployments(variant: dict[str, Template]) -> None:
    assert (
        variant["storage"].text(variant["storage"].properties("AWS::S3::Bucket")["BucketName"]).startswith("acme-ml-")
    )
    parameters = variant["models"].of_type("AWS::SSM::Parameter").values()
    assert {each["Properties"]["Name"] for each in parameters} == {
        "/acme-ml/models/iris",
        "/acme-ml/models/wine-quality",
    }
    for statement in variant["workflow"].statements("DeployStackRole"):
        if "cloudformation:CreateChangeSet" in statement.actions:
            assert statement.resources[0].endswith(":stack/acme-ml-deploy-*")


def test_tags_reach_resources_and_published_endpoints(variant: dict[str, Template], wine: dict[str, Template]) -> None:
    tag = {"Key": "cost-centre", "Value": "42"}
    assert tag in variant["storage"].properties("AWS::S3::Bucket")["Tags"]
    assert tag in wine["prd"].properties("AWS::SageMaker::Endpoint")["Tags"]


def test_retention_is_as_set(variant: dict[str, Template]) -> None:
    groups = [group for template in variant.values() for group in template.of_type("AWS::Logs::LogGroup").values()]
    assert {group["Properties"]["RetentionInDays"] for group in groups} == {7}
    rules = variant["storage"].properties("AWS::S3::Bucket")["LifecycleConfiguration"]["Rules"]
    assert [rule["ExpirationInDays"] for rule in rules if "ExpirationInDays" in rule] == [3]


def test_data_goes_with_its_stack_when_it_shall_not_be_kept(variant: dict[str, Template]) -> None:
    kept = [
        name
        for stack in ("storage", "models", "image")
        for name, each in variant[stack].all["Resources"].items()
        if each.get("DeletionPolicy") == "Retain"
    ]
    assert kept == []


def test_mail_goes_out_under_the_sender(variant: dict[str, Template]) -> None:
    (statement,) = [each for each in variant["workflow"].statements("AnnounceOutcomeRole") if each.sid == "SendMail"]
    assert statement.conditions == {"StringEquals": {"ses:FromAddress": "release@ml.example.com"}}
    variables = variant["workflow"].properties("AWS::Lambda::Function", "AnnounceOutcome")["Environment"]["Variables"]
    assert (variables["MAIL_SENDER"], variables["OPERATORS"]) == (
        "release@ml.example.com",
        "one@example.com,two@example.com",
    )


def test_endpoint_settings_reach_the_templates(wine: dict[str, Template]) -> None:
    (variant,) = wine["prd"].properties("AWS::SageMaker::EndpointConfig")["ProductionVariants"]
    assert (variant["InstanceType"], variant["InitialInstanceCount"]) == ("ml.m6i.xlarge", 3)
    target = wine["prd"].properties("AWS::ApplicationAutoScaling::ScalableTarget")
    assert (target["MinCapacity"], target["MaxCapacity"]) == (3, 5)
    tracking = wine["prd"].properties("AWS::ApplicationAutoScaling::ScalingPolicy")
    configuration = tracking["TargetTrackingScalingPolicyConfiguration"]
    assert (configuration["TargetValue"], configuration["ScaleInCooldown"]) == (12.5, 300)
    capture = wine["prd"].properties("AWS::SageMaker::EndpointConfig")["DataCaptureConfig"]
    assert capture["InitialSamplingPercentage"] == 25
    assert wine["dev"].properties("AWS::SageMaker::EndpointConfig")["DataCaptureConfig"]["EnableCapture"] is False


def test_a_placeholder_without_a_value_is_told(tmp_path: Path) -> None:
    use_node()
    from aws_cdk import App, Stack

    from infra.grants import role
    from infra.machines import state_machine

    definition = tmp_path / "one-state.asl.yaml"
    definition.write_text("StartAt: Told\nStates:\n  Told: {Type: Pass, Output: '${Bucket} ${Nobody}', End: true}\n")
    stack = Stack(App(), "stack")
    made = role(stack, "Role", "states.amazonaws.com", "Test.", [])
    with pytest.raises(CannotSynthesise, match=r"one-state.asl.yaml: there is no value for the placeholder Nobody$"):
        state_machine(stack, definition, made, {"Bucket": "b"}, 7)


@pytest.mark.parametrize(("sid", "reason"), [("no spaces", "A reason."), ("Fine", "no sentence"), ("Fine", "")])
def test_a_grant_without_a_proper_reason_is_refused(sid: str, reason: str) -> None:
    use_node()
    from infra.grants import Grant

    with pytest.raises(ValueError, match="needs an id in letters and digits, and a reason"):
        Grant(sid, reason, ("s3:GetObject",), ("*",))
