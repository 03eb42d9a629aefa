"""Other settings than the project's own, synthesised in this process."""

import json
from pathlib import Path

import pytest

from infra.deployment import Deployment
from infra.node import use_node
from infra.project import CannotSynthesise, Project
from tests.infra.template import Template, read_templates
from tests.infra.variant import compose_into, evaluated, model, read_endpoints

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
MODELS = {
    "iris": model("iris"),
    "wine-quality": model(
        "wine-quality",
        development={"instance_type": "ml.t3.medium", "capture_percent": 0},
        production={
            "instance_type": "ml.m6i.xlarge",
            "instance_count": 3,
            "capture_percent": 25,
            "scaling": {"minimum": 3, "maximum": 5, "target": 12.5, "scale_in_cooldown_seconds": 300},
        },
    ),
}


@pytest.fixture(scope="module")
def assembly(project: Project) -> Path:
    return compose_into(project, "assembly", ACME, MODELS)


@pytest.fixture(scope="module")
def variant(assembly: Path) -> dict[str, Template]:
    return read_templates(assembly, ACME.name)


@pytest.fixture(scope="module")
def wine(project: Project, variant: dict[str, Template]) -> dict[str, Template]:
    return read_endpoints(project, "wine-quality")


def test_synthesising_twice_gives_the_same_files(project: Project, assembly: Path) -> None:
    again = compose_into(project, "again", ACME, MODELS)
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


# CloudFormation knows no tags for these.
UNTAGGED = {
    "AWS::ApplicationAutoScaling::ScalingPolicy", "AWS::Lambda::LayerVersion", "AWS::Lambda::Permission",
    "AWS::Lambda::Url", "AWS::Lambda::Version", "AWS::S3::BucketPolicy", "AWS::SNS::Subscription",
    "AWS::SNS::TopicPolicy", "AWS::SQS::QueuePolicy",
}  # fmt: skip


def test_tags_reach_every_resource_that_can_have_some(variant: dict[str, Template], wine: dict[str, Template]) -> None:
    for template in (*variant.values(), *wine.values()):
        for name, resource in template.all["Resources"].items():
            tags = resource.get("Properties", {}).get("Tags", [])
            # SSM's parameters have a map.
            given = tags if isinstance(tags, dict) else {tag["Key"]: tag["Value"] for tag in tags}
            for key, value in {"cost-centre": "42", "mlops:deployment": "acme-ml"}.items():
                assert (given.get(key) == value) is (resource["Type"] not in UNTAGGED), (name, given)


def test_a_run_carries_the_tags_for_its_training_jobs(project: Project, variant: dict[str, Template]) -> None:
    published = json.loads((project.staged_models / "iris" / "settings.json").read_text())
    assert published["tags"] == [{"Key": "cost-centre", "Value": "42"}]
    machine = variant["workflow"].properties("AWS::StepFunctions::StateMachine", "PromoteModel")
    tags = json.loads(machine["DefinitionString"])["States"]["Train Model"]["Arguments"]["Tags"]
    assert evaluated(tags, model="iris", run={"id": "r1"}, settings=published) == [
        {"Key": "mlops:deployment", "Value": "${Deployment}"},
        {"Key": "mlops:model", "Value": "iris"},
        {"Key": "mlops:run", "Value": "r1"},
        {"Key": "cost-centre", "Value": "42"},
    ]


def test_endpoint_stacks_carry_the_tag_by_which_destroying_knows_them(variant: dict[str, Template]) -> None:
    tag = {"Key": "mlops:deployment", "Value": "${Deployment}"}
    states = {
        machine: json.loads(
            variant["workflow"].properties("AWS::StepFunctions::StateMachine", machine)["DefinitionString"]
        )["States"]
        for machine in ("PromoteModel", "CloseRun")
    }
    given = [
        states["PromoteModel"]["Register Candidate"]["Assign"]["tags"],
        states["CloseRun"]["Restore Champion"]["Arguments"]["Input"]["tags"],
    ]
    assert all(tag in evaluated(tags, model="iris") for tags in given)
    for resource in variant["workflow"].of_type("AWS::StepFunctions::StateMachine").values():
        substituted = resource["Properties"]["DefinitionSubstitutions"]
        assert substituted.get("Deployment", "acme-ml") == "acme-ml"


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
        if each.get("DeletionPolicy", "").startswith("Retain")
    ]
    assert kept == []


def test_mail_goes_out_under_the_sender_alone(variant: dict[str, Template]) -> None:
    for role in ("AnnounceOutcomeRole", "RequestApprovalRole"):
        sending = [each for each in variant["workflow"].statements(role) if "ses:SendEmail" in each.actions]
        assert {str(each.conditions) for each in sending} == {
            str({"StringEquals": {"ses:FromAddress": "release@ml.example.com"}})
        }
        # SES asks on the configuration set too that the sender's identity has by default.
        resources = [resource.rpartition(":")[2] for each in sending for resource in each.resources]
        assert resources == ["identity/*", "configuration-set/*"]
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
        state_machine(stack, definition, made, {"Bucket": "b"}, ACME)


@pytest.mark.parametrize(("sid", "reason"), [("no spaces", "A reason."), ("Fine", "no sentence"), ("Fine", "")])
def test_a_grant_without_a_proper_reason_is_refused(sid: str, reason: str) -> None:
    use_node()
    from infra.grants import Grant

    with pytest.raises(ValueError, match="needs an id in letters and digits, and a reason"):
        Grant(sid, reason, ("s3:GetObject",), ("*",))
