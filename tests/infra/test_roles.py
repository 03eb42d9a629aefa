"""What holds for every role: no right without a reason, wider than needed, or in words that IAM does not know.

AWS's service authorization reference, as cfn-lint ships it, says which actions there are and which resources they know.
"""

import json
import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from infra.grants import MAXIMUM_INLINE_CHARACTERS
from tests.infra.template import Statement, Template

STACKS = ("workflow", "image")
_CFN_LINT = find_spec("cfnlint")
assert _CFN_LINT is not None
assert _CFN_LINT.origin is not None
REFERENCE = json.loads((Path(_CFN_LINT.origin).parent / "data/AdditionalSpecs/Policies.json").read_text())
# Actions that know a resource, and yet are granted on everything.
CONFINED_BY_CONDITION = {"cloudwatch:PutMetricData": "cloudwatch:namespace"}


@pytest.fixture(scope="session")
def statements(templates: dict[str, Template]) -> list[Statement]:
    return [statement for stack in STACKS for statement in templates[stack].statements()]


def known_resources(action: str) -> list[str]:
    """The ARN patterns of the resources that an action knows, as regular expressions."""
    service, _, name = action.partition(":")
    kinds = REFERENCE[service]["Actions"][name.lower()].get("Resources", [])
    formats = [each for kind in kinds for each in REFERENCE[service]["Resources"][kind.lower()]["ARNFormats"]]
    values = {"Partition": "aws", "Region": "us-east-1", "Account": "123456789012"}
    return [re.sub(r"\$\{(\w+)\}", lambda found: values.get(found[1], "[^:]*"), each) for each in formats]


def test_there_is_something_to_look_at(statements: list[Statement]) -> None:
    assert len(statements) > 40


def test_every_statement_has_an_id_of_its_own_and_a_reason(statements: list[Statement]) -> None:
    assert not [(each.role, each.sid) for each in statements if not each.reason.endswith(".")]
    ids = [(each.role, each.sid) for each in statements]
    assert len(ids) == len(set(ids))


def test_every_action_is_one_that_aws_knows(statements: list[Statement]) -> None:
    unknown = {
        action
        for each in statements
        for action in each.actions
        if "*" in action or action.partition(":")[2].lower() not in REFERENCE[action.partition(":")[0]]["Actions"]
    }
    assert not unknown


def test_everything_is_granted_only_where_an_action_knows_no_resource(statements: list[Statement]) -> None:
    for each in statements:
        for action in each.actions:
            if "*" in each.resources and known_resources(action):
                key = CONFINED_BY_CONDITION[action]
                assert any(key in condition for condition in each.conditions.values())


def test_no_right_is_void_because_its_action_does_not_know_its_resource(statements: list[Statement]) -> None:
    for each in statements:
        for action in each.actions:
            patterns = known_resources(action)
            fits = [
                any(re.fullmatch(pattern, resource) for pattern in patterns) if patterns else resource == "*"
                for resource in each.resources
            ]
            assert any(fits) or "*" in each.resources, (each.role, each.sid, action, each.resources)


def test_roles_are_handed_to_one_named_service(statements: list[Statement]) -> None:
    passing = {each.role: each for each in statements if "iam:PassRole" in each.actions}
    services = {role: each.conditions["StringEquals"]["iam:PassedToService"] for role, each in sorted(passing.items())}
    assert services == {
        "DeployStackRole": "cloudformation.amazonaws.com",
        "DeploymentRole": "sagemaker.amazonaws.com",
        "ExpireDevelopmentRole": "cloudformation.amazonaws.com",
        "PromoteModelRole": "sagemaker.amazonaws.com",
    }
    handed = {role: each.resources[0].rpartition("/")[2][:-8] for role, each in passing.items()}
    assert handed == {
        "DeployStackRole": "DeploymentRole",
        "DeploymentRole": "EndpointRole",
        "ExpireDevelopmentRole": "DeploymentRole",
        "PromoteModelRole": "TrainingRole",
    }
    assert all(len(each.resources) == 1 and each.actions == ("iam:PassRole",) for each in passing.values())


def test_the_one_role_that_may_be_made_is_that_of_endpoint_scaling(statements: list[Statement]) -> None:
    (made,) = [each for each in statements if "iam:CreateServiceLinkedRole" in each.actions]
    service = "sagemaker.application-autoscaling.amazonaws.com"
    assert made.conditions == {"StringEquals": {"iam:AWSServiceName": service}}
    assert made.resources[0].startswith(f"arn:aws:iam::123456789012:role/aws-service-role/{service}/")


def test_every_role_is_trusted_by_the_one_service_that_needs_it(templates: dict[str, Template]) -> None:
    trusted = {}
    for stack in STACKS:
        for name, role in templates[stack].of_type("AWS::IAM::Role").items():
            (statement,) = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
            trusted[name[:-8]] = statement["Principal"]["Service"].removesuffix(".amazonaws.com")
            if trusted[name[:-8]] in {"states", "events"}:
                assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    functions = {role: service for role, service in trusted.items() if service == "lambda"}
    assert len(functions) == len(templates["workflow"].of_type("AWS::Lambda::Function"))
    assert {role: service for role, service in trusted.items() if role not in functions} == {
        "PromoteModelRole": "states",
        "DeployStackRole": "states",
        "CloseRunRole": "states",
        "RunEndedRole": "events",
        "DeploymentRole": "cloudformation",
        "TrainingRole": "sagemaker",
        "EndpointRole": "sagemaker",
        "DatasetDroppedRole": "events",
        "BuildRole": "codebuild",
        "PipelineRole": "codepipeline",
        "UploadRole": "events",
    }


def test_all_rights_stand_in_the_roles_themselves(templates: dict[str, Template]) -> None:
    for template in templates.values():
        assert not template.of_type("AWS::IAM::Policy")
        assert not template.of_type("AWS::IAM::ManagedPolicy")
        for role in template.of_type("AWS::IAM::Role").values():
            assert "ManagedPolicyArns" not in role["Properties"]


def test_no_role_holds_more_text_than_iam_takes(templates: dict[str, Template]) -> None:
    for stack in STACKS:
        for role in templates[stack].of_type("AWS::IAM::Role").values():
            # IAM counts without white space; names in long regions are a few characters longer than here.
            text = sum(
                len(each.sid) + len(json.dumps(each.conditions)) + sum(map(len, each.actions + each.resources)) + 80
                for each in templates[stack]._statements("", role)
            )
            assert text < MAXIMUM_INLINE_CHARACTERS * 0.9


def test_training_and_serving_cannot_change_what_was_dropped_or_recorded(workflow: Template) -> None:
    bucket = "arn:aws:s3:::mlops-us-east-1-123456789012"
    written = {
        role: {
            resource
            for each in workflow.statements(role)
            if "s3:PutObject" in each.actions
            for resource in each.resources
        }
        for role in ("TrainingRole", "EndpointRole")
    }
    assert written == {
        "TrainingRole": {f"{bucket}/runs/*/output/*"},
        "EndpointRole": {f"{bucket}/monitoring/*"},
    }
    for role in written:
        used = {action.partition(":")[0] for each in workflow.statements(role) for action in each.actions}
        assert used == {"s3", "ecr", "logs", "cloudwatch"}


def test_deployment_role_can_build_guard_and_scale_endpoints(workflow: Template) -> None:
    granted = {action for each in workflow.statements("DeploymentRole") for action in each.actions}
    assert granted >= {
        "cloudwatch:DescribeAlarms",
        "cloudwatch:PutMetricAlarm",
        "application-autoscaling:DeregisterScalableTarget",
        "sagemaker:UpdateEndpoint",
        "sagemaker:DeleteEndpointConfig",
        "sagemaker:AddTags",
    }
    endpoints = {
        resource
        for each in workflow.statements("DeploymentRole")
        for resource in each.resources
        if ":endpoint/" in resource
    }
    assert {each.rpartition(":")[2] for each in endpoints} == {"endpoint/*-development", "endpoint/*-production"}
