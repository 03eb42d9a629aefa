"""The image pipeline's source: one of three, each with what it needs and no more, none of them polled."""

from typing import Any

import pytest

from infra.deployment import Deployment
from infra.project import Project
from tests.infra.template import Template, read_templates
from tests.infra.variant import CONNECTION, LEAST, SOURCES, compose_into, model

pytestmark = pytest.mark.xdist_group("cdk")


@pytest.fixture(scope="module")
def images(project: Project, image: Template) -> dict[str, Template]:
    """The image stack's template by its source; `s3` is the project's own."""
    found = {"s3": image}
    for name, settings in SOURCES.items():
        deployment = Deployment.model_validate({**LEAST, "image": settings})
        found[name] = read_templates(compose_into(project, name, deployment, {"iris": model("iris")}), "mlops")["image"]
    return found


def source_action(template: Template) -> dict[str, Any]:
    (action,) = template.properties("AWS::CodePipeline::Pipeline")["Stages"][0]["Actions"]
    return dict(action)


def source_rights(template: Template) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    """Actions and resources of the pipeline's rights by their ids, less those that every source needs."""
    return {
        each.sid: (each.actions, each.resources)
        for each in template.statements("PipelineRole")
        if each.sid not in {"KeepArtefacts", "RunBuild"}
    }


def test_an_uploaded_zip_starts_the_pipeline(images: dict[str, Template]) -> None:
    template = images["s3"]
    assert source_action(template)["ActionTypeId"]["Provider"] == "S3"
    rule = template.properties("AWS::Events::Rule")
    assert rule["EventPattern"]["detail"]["object"]["key"] == ["image/source.zip"]
    assert source_rights(template).keys() == {"LookAtBucket", "ReadSource"}


def test_a_push_to_the_branch_in_codecommit_starts_the_pipeline(images: dict[str, Template]) -> None:
    """S12."""
    template = images["codecommit"]
    repository = "arn:aws:codecommit:us-east-1:123456789012:mlops-iris-model"
    assert source_action(template)["ActionTypeId"]["Provider"] == "CodeCommit"
    pattern = template.properties("AWS::Events::Rule")["EventPattern"]
    assert (pattern["source"], pattern["detail-type"]) == (
        ["aws.codecommit"],
        ["CodeCommit Repository State Change"],
    )
    assert [template.text(each) for each in pattern["resources"]] == [repository]
    assert pattern["detail"] == {
        "event": ["referenceCreated", "referenceUpdated"],
        "referenceType": ["branch"],
        "referenceName": ["release/2"],
    }
    rights = {
        "codecommit:GetBranch",
        "codecommit:GetCommit",
        "codecommit:UploadArchive",
        "codecommit:GetUploadArchiveStatus",
        "codecommit:CancelUploadArchive",
    }
    ((actions, resources),) = source_rights(template).values()
    assert (set(actions), resources) == (rights, (repository,))


@pytest.mark.parametrize(("name", "service"), [("github", "codestar-connections"), ("renamed", "codeconnections")])
def test_github_tells_the_pipeline_through_its_connection(name: str, service: str, images: dict[str, Template]) -> None:
    template, connection = images[name], CONNECTION.format(service)
    action = source_action(template)
    assert action["ActionTypeId"]["Provider"] == "CodeStarSourceConnection"
    assert action["Configuration"] == {
        "ConnectionArn": connection,
        "FullRepositoryId": "acme/models",
        "BranchName": "main",
        "DetectChanges": "true",
    }
    assert source_rights(template) == {"ReadSource": ((f"{service}:UseConnection",), (connection,))}
    (statement,) = [each for each in template.statements("PipelineRole") if each.sid == "ReadSource"]
    assert statement.conditions == {"StringEquals": {f"{service}:FullRepositoryId": "acme/models"}}
    assert not template.of_type("AWS::Events::Rule")


@pytest.mark.parametrize("name", ["s3", "codecommit"])
def test_what_eventbridge_tells_is_not_polled_for_and_may_start_this_pipeline_only(
    name: str, images: dict[str, Template]
) -> None:
    template = images[name]
    assert source_action(template)["Configuration"]["PollForSourceChanges"] == "false"
    (target,) = template.properties("AWS::Events::Rule")["Targets"]
    pipeline = "arn:aws:codepipeline:us-east-1:123456789012:mlops-image"
    assert template.text(target["Arn"]) == pipeline
    (statement,) = [each for each in template.statements() if "codepipeline:StartPipelineExecution" in each.actions]
    assert (statement.resources, target["RoleArn"]["Fn::GetAtt"][0][:-8]) == ((pipeline,), statement.role)


@pytest.mark.parametrize("name", ["s3", *SOURCES])
def test_whatever_the_source_the_same_build_makes_the_same_artefact(name: str, images: dict[str, Template]) -> None:
    (source,) = source_action(images[name])["OutputArtifacts"]
    (build,) = images[name].properties("AWS::CodePipeline::Pipeline")["Stages"][1]["Actions"]
    assert (build["InputArtifacts"], build["OutputArtifacts"]) == ([source], [{"Name": "image"}])
    project, own = (images[each].properties("AWS::CodeBuild::Project") for each in (name, "s3"))
    assert {**project, "Tags": []} == {**own, "Tags": []}


def test_commands_learn_where_the_source_goes(images: dict[str, Template]) -> None:
    told = {
        name: tuple(template.text(template.all["Outputs"][key]["Value"]) for key in ("SourceKind", "SourceAddress"))
        for name, template in images.items()
    }
    assert told == {
        "s3": ("s3", "s3://mlops-us-east-1-123456789012/image/source.zip"),
        "codecommit": (
            "codecommit",
            "https://git-codecommit.us-east-1.amazonaws.com/v1/repos/mlops-iris-model",
        ),
        "github": ("github", "https://github.com/acme/models"),
        "renamed": ("github", "https://github.com/acme/models"),
    }
    for template in images.values():
        assert template.all["Outputs"]["PipelineName"]["Value"] == {"Ref": "Pipeline"}
