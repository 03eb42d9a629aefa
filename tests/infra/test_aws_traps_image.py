"""Traps of the image, and of settings and code while a run waits: each fact, and what holds to it."""

import json
import re

from infra.project import PROJECT
from tests.infra.template import Template

DOCKERFILE = (PROJECT.root / "container/Dockerfile").read_text()
BUILD = (PROJECT.root / "container/build-image.sh").read_text()
BUILDSPEC = (PROJECT.root / "container/buildspec.yml").read_text()


def test_the_image_has_docker_media_types_and_one_platform() -> None:
    """SageMaker refuses OCI manifests and indexes: no attestation with docker, `--format docker` with others."""
    assert "--platform linux/amd64" in BUILD
    assert "--provenance=false" in BUILD
    assert "--format docker" in BUILD
    assert "--sbom" not in BUILD


def test_the_base_comes_from_the_public_ecr() -> None:
    """CodeBuild's shared addresses meet Docker Hub's pull limits."""
    assert re.findall(r"^ARG BASE_IMAGE=(\S+?)/", DOCKERFILE, re.MULTILINE) == ["public.ecr.aws"]
    assert set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)) == {"${BASE_IMAGE}"}
    assert "docker.io" not in BUILD + BUILDSPEC


def test_the_image_runs_as_root() -> None:
    """SageMaker, and its SDK's local mode, write /opt/ml as root."""
    assert not re.search(r"^USER", DOCKERFILE, re.MULTILINE)


def test_tags_are_immutable_except_latest(image: Template) -> None:
    """A release is reproduced from its tag; `latest` alone moves."""
    repository = image.properties("AWS::ECR::Repository")
    assert repository["ImageTagMutability"] == "IMMUTABLE_WITH_EXCLUSION"
    (excluded,) = repository["ImageTagMutabilityExclusionFilters"]
    assert excluded["ImageTagMutabilityExclusionFilterValue"] == "latest"


def test_only_untagged_images_expire(image: Template) -> None:
    """A rule that counts tagged images deletes what a release still names."""
    policy = json.loads(image.properties("AWS::ECR::Repository")["LifecyclePolicy"]["LifecyclePolicyText"])
    assert {rule["selection"]["tagStatus"] for rule in policy["rules"]} == {"untagged"}


def test_the_build_may_run_an_engine(image: Template) -> None:
    """Docker inside CodeBuild needs privileged mode."""
    assert image.properties("AWS::CodeBuild::Project")["Environment"]["PrivilegedMode"] is True


def test_a_run_before_the_first_build_ends_with_a_name(definitions: dict) -> None:
    """The first deployment leaves ECR empty."""
    find = definitions["PromoteModel"]["States"]["Find Image"]
    (missing,) = [each for each in find["Catch"] if each["ErrorEquals"] == ["Ssm.ParameterNotFoundException"]]
    assert missing["Assign"]["outcome"]["name"] == "Image Missing"


def test_runs_take_the_image_by_digest() -> None:
    """A tag may move between the first and the last step of a run that waits a week."""
    assert "@sha256:" in BUILD
    assert re.search(r"put-parameter .*--overwrite", BUILD)


def test_the_pointer_fits_a_parameter(models: Template) -> None:
    """SSM's standard parameters hold 4 KB: settings and templates lie in S3."""
    for parameter in models.of_type("AWS::SSM::Parameter").values():
        text = models.text(parameter["Properties"]["Value"])
        assert len(text.encode()) < 4_096 * 0.9
        assert json.loads(text)["settings"].keys() == {"bucket", "key"}


def test_definitions_name_function_versions_that_are_kept(workflow: Template) -> None:
    """A run may wait a week while somebody deploys, and goes on with the code it began with."""
    versions = workflow.of_type("AWS::Lambda::Version")
    for machine in workflow.of_type("AWS::StepFunctions::StateMachine").values():
        substitutions = machine["Properties"]["DefinitionSubstitutions"]
        named = {key: value["Ref"] for key, value in substitutions.items() if key.endswith("FunctionArn")}
        assert named
        assert all(name in versions for name in named.values())
    assert {each["DeletionPolicy"] for each in versions.values()} == {"Retain"}


def test_every_log_group_ends_its_logs(templates: dict[str, Template]) -> None:
    """A log group without RetentionInDays keeps everything for ever."""
    groups = [group for template in templates.values() for group in template.of_type("AWS::Logs::LogGroup").values()]
    assert groups
    assert all(group["Properties"].get("RetentionInDays") for group in groups)


def test_every_function_logs_to_a_group_that_ends(workflow: Template) -> None:
    """Lambda makes a group without retention on the first line, unless the function names its own."""
    for function in workflow.of_type("AWS::Lambda::Function").values():
        group = function["Properties"]["LoggingConfig"]["LogGroup"]["Ref"]
        assert workflow.all["Resources"][group]["Type"] == "AWS::Logs::LogGroup"


def test_undelivered_events_have_a_queue_that_admits_them_and_an_alarm(templates: dict[str, Template]) -> None:
    """A dead-letter queue needs a policy for EventBridge, or events vanish, and an alarm on its depth, or nobody looks."""
    workflow = templates["workflow"]
    # What a schedule's call lacks, that of the next minute brings.
    rules = {
        name: rule
        for name, rule in workflow.of_type("AWS::Events::Rule").items()
        if "EventPattern" in rule["Properties"]
    }
    queues = {
        target["DeadLetterConfig"]["Arn"]["Fn::GetAtt"][0]
        for each in rules.values()
        for target in each["Properties"]["Targets"]
    }
    (queue,) = queues
    policies = [each["Properties"] for each in workflow.of_type("AWS::SQS::QueuePolicy").values()]
    allowed = [
        statement
        for policy in policies
        if {"Ref": queue} in policy["Queues"]
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow"
    ]
    assert {each["Principal"]["Service"] for each in allowed} == {"events.amazonaws.com"}
    assert {each["Condition"]["ArnEquals"]["aws:SourceArn"]["Fn::GetAtt"][0] for each in allowed} == rules.keys()
    depths = [
        alarm["Properties"]
        for template in templates.values()
        for alarm in template.of_type("AWS::CloudWatch::Alarm").values()
        if alarm["Properties"]["MetricName"] == "ApproximateNumberOfMessagesVisible"
    ]
    assert [alarm["Threshold"] for alarm in depths] == [1]


def test_the_topics_key_admits_who_writes_to_it(templates: dict[str, Template]) -> None:
    """The managed key of SNS admits neither CloudWatch nor EventBridge: a topic takes a key that names them."""
    topics = [
        (template, each) for template in templates.values() for each in template.of_type("AWS::SNS::Topic").values()
    ]
    assert topics
    for template, topic in topics:
        key = topic["Properties"]["KmsMasterKeyId"]["Fn::GetAtt"][0]
        statements = template.all["Resources"][key]["Properties"]["KeyPolicy"]["Statement"]
        admitted = json.dumps([each["Principal"] for each in statements])
        assert "cloudwatch.amazonaws.com" in admitted
        assert "events.amazonaws.com" in admitted


def test_the_queue_is_encrypted_without_a_key_that_would_have_to_admit_eventbridge(workflow: Template) -> None:
    """SQS's own encryption needs no key policy."""
    queue = workflow.properties("AWS::SQS::Queue")
    assert queue["SqsManagedSseEnabled"] is True
    assert "KmsMasterKeyId" not in queue
