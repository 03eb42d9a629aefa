"""The stacks carry the names that the commands know."""

import json
from typing import Any

from infra.deployment_names import DeploymentNames
from infra.project import PROJECT
from infra.synthesise import synthesise

NAMES = DeploymentNames("mlops", "123456789012", "eu-west-1")


def filled(value: Any) -> str:
    """A property of a template as CloudFormation fills it in."""
    if isinstance(value, str):
        return value
    if "Ref" in value:
        return {"AWS::Region": NAMES.region, "AWS::AccountId": NAMES.account}[value["Ref"]]
    separator, parts = value["Fn::Join"]
    return separator.join(filled(part) for part in parts)


def named(concern: str, kind: str, name: str) -> set[str]:
    template = json.loads((PROJECT.assembly / f"{NAMES.stack(concern)}.template.json").read_text())
    found = [each["Properties"][name] for each in template["Resources"].values() if each["Type"] == kind]
    return {filled(each) for each in found}


def test_the_names_are_those_of_the_templates():
    synthesise(PROJECT)
    assert named("storage", "AWS::S3::Bucket", "BucketName") == {NAMES.bucket}
    assert named("storage", "AWS::DynamoDB::Table", "TableName") == {
        *(NAMES.ledger_table, NAMES.approvals_table, NAMES.audit_table)
    }
    for kind, name in (
        ("AWS::ECR::Repository", "RepositoryName"),
        ("AWS::CodeBuild::Project", "Name"),
        ("AWS::CodePipeline::Pipeline", "Name"),
    ):
        assert named("image", kind, name) == {NAMES.image}
    assert named("models", "AWS::SSM::Parameter", "Name") == {f"{NAMES.models_prefix}iris-model"}
    assert named("workflow", "AWS::SQS::Queue", "QueueName") == {NAMES.undelivered_queue}
    assert named("operations", "AWS::SNS::Topic", "TopicName") == {NAMES.operators_topic}


def test_every_stack_of_the_assembly_is_known():
    artifacts = json.loads((PROJECT.assembly / "manifest.json").read_text())["artifacts"]
    stacks = {name for name, each in artifacts.items() if each["type"] == "aws:cloudformation:stack"}
    assert stacks == set(NAMES.stacks)


def test_a_run_finds_the_image_and_endpoint_stacks_where_the_commands_look():
    workflow = (PROJECT.assembly / f"{NAMES.stack('workflow')}.template.json").read_text()
    assert json.dumps(NAMES.image_parameter) in workflow
    models = (PROJECT.assembly / f"{NAMES.stack('models')}.template.json").read_text()
    assert f"{NAMES.endpoint_stack_prefix}iris-model-" in models
