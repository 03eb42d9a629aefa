"""CodePipeline of the embedded cloud: an S3 source, a build, and CloudFormation's way to both."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from commands.image_source import source_zip
from infra.project import PROJECT
from tests.local.cloud_process import ACCOUNT, REGION, CloudProcess, allow, until

SOURCE = ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "codebuild:StartBuild"]
BUILD = ["s3:GetObject", "ecr:*", "ssm:PutParameter"]


class Pipeline:
    """A bucket, a build project and a pipeline of one name."""

    def __init__(self, cloud: CloudProcess, name: str, pipeline_may: list[str] = SOURCE, build_may: list[str] = BUILD):
        self.cloud, self.name, self.bucket = cloud, name, f"{name}-bucket"
        self.codepipeline, self.s3 = cloud.client("codepipeline"), cloud.client("s3")
        self.repository = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{name}"
        self.s3.create_bucket(Bucket=self.bucket)
        self.s3.put_bucket_versioning(Bucket=self.bucket, VersioningConfiguration={"Status": "Enabled"})
        cloud.client("ecr").create_repository(repositoryName=name)
        variables = {"IMAGE_REPOSITORY": self.repository, "IMAGE_PARAMETER": f"/{name}/image"}
        cloud.client("codebuild").create_project(
            name=name,
            source={"type": "CODEPIPELINE", "buildspec": "container/buildspec.yml"},
            artifacts={"type": "CODEPIPELINE"},
            environment={
                "type": "LINUX_CONTAINER",
                "image": "x",
                "computeType": "BUILD_GENERAL1_SMALL",
                "environmentVariables": [{"name": key, "value": value} for key, value in variables.items()],
            },
            serviceRole=cloud.role(f"{name}-build", "codebuild.amazonaws.com", [allow(build_may)]),
        )
        role = cloud.role(f"{name}-pipeline", "codepipeline.amazonaws.com", [allow(pipeline_may)])
        self.declared = declaration(name, role, self.bucket)

    def create(self) -> str:
        """Create it; the id of the execution that this starts."""
        self.codepipeline.create_pipeline(pipeline=self.declared, tags=[{"key": "a", "value": "b"}])
        return str(self.executions()[0]["pipelineExecutionId"])

    def upload(self, body: bytes) -> str:
        return str(self.s3.put_object(Bucket=self.bucket, Key="source.zip", Body=body)["VersionId"])

    def start(self) -> str:
        return str(self.codepipeline.start_pipeline_execution(name=self.name)["pipelineExecutionId"])

    def executions(self) -> list[dict[str, Any]]:
        listed = self.codepipeline.list_pipeline_executions(pipelineName=self.name)
        return list(listed["pipelineExecutionSummaries"])

    def ends(self, execution: str) -> str:
        def status() -> str | None:
            found = self.codepipeline.get_pipeline_execution(pipelineName=self.name, pipelineExecutionId=execution)
            told = found["pipelineExecution"]["status"]
            return None if told == "InProgress" else told

        return str(until("the end of the execution", status))

    def reason(self, execution: str) -> str:
        """Why the newest action of an execution failed."""
        actions = self.codepipeline.list_action_executions(
            pipelineName=self.name, filter={"pipelineExecutionId": execution}
        )["actionExecutionDetails"]
        assert actions[0]["status"] == "Failed"
        return str(actions[0]["output"]["executionResult"]["errorDetails"]["message"])


def declaration(name: str, role: str, bucket: str) -> dict[str, Any]:
    def action(label: str, kind: tuple[str, str], configuration: dict[str, str], **more: Any) -> dict[str, Any]:
        type_id = {"category": kind[0], "owner": "AWS", "provider": kind[1], "version": "1"}
        return {"name": label, "actionTypeId": type_id, "configuration": configuration, **more}

    location = {"S3Bucket": bucket, "S3ObjectKey": "source.zip"}
    source = action("Upload", ("Source", "S3"), location, outputArtifacts=[{"name": "source"}])
    image = action("Image", ("Build", "CodeBuild"), {"ProjectName": name}, inputArtifacts=[{"name": "source"}])
    return {
        "name": name,
        "roleArn": role,
        "artifactStore": {"type": "S3", "location": bucket},
        "stages": [{"name": "Source", "actions": [source]}, {"name": "Build", "actions": [image]}],
    }


def test_a_new_pipeline_runs_at_once_and_says_that_it_has_no_source(shared_cloud: CloudProcess) -> None:
    pipeline = Pipeline(shared_cloud, "new-pipeline")
    execution = pipeline.create()
    assert pipeline.ends(execution) == "Failed"
    assert pipeline.reason(execution) == "The object with key 'source.zip' does not exist."
    assert pipeline.executions()[0]["trigger"] == {"triggerType": "CreatePipeline"}


def test_a_build_publishes_the_digest_of_an_image_that_the_repository_has(shared_cloud: CloudProcess) -> None:
    pipeline = Pipeline(shared_cloud, "builds")
    version = pipeline.upload(source_zip(PROJECT.root))
    assert pipeline.ends(pipeline.create()) == "Succeeded"
    assert [each["revisionId"] for each in pipeline.executions()[0]["sourceRevisions"]] == [version]
    image = shared_cloud.client("ssm").get_parameter(Name="/builds/image")["Parameter"]["Value"]
    repository, _, digest = image.partition("@")
    assert repository == pipeline.repository
    found = shared_cloud.client("ecr").describe_images(repositoryName="builds", imageIds=[{"imageDigest": digest}])
    assert found["imageDetails"][0]["imageManifestMediaType"].endswith("docker.distribution.manifest.v2+json")
    assert found["imageDetails"][0]["imageTags"] == ["latest"]
    # The same source again gives the same image.
    assert pipeline.ends(pipeline.start()) == "Succeeded"
    assert shared_cloud.client("ssm").get_parameter(Name="/builds/image")["Parameter"]["Value"] == image


@pytest.mark.parametrize(
    ("name", "pipeline_may", "build_may", "missing"),
    [
        ("no-source", ["s3:PutObject"], BUILD, "s3:GetObject"),
        ("no-start", SOURCE[:3], BUILD, "codebuild:StartBuild"),
        ("no-push", SOURCE, ["s3:GetObject", "ecr:GetAuthorizationToken"], "ecr:PutImage"),
        ("no-publish", SOURCE, ["s3:GetObject", "ecr:*"], "ssm:PutParameter"),
    ],
)
def test_every_step_is_taken_with_the_rights_of_its_role(
    shared_cloud: CloudProcess, name: str, pipeline_may: list[str], build_may: list[str], missing: str
) -> None:
    pipeline = Pipeline(shared_cloud, name, pipeline_may, build_may)
    pipeline.upload(source_zip(PROJECT.root))
    execution = pipeline.create()
    assert pipeline.ends(execution) == "Failed"
    assert missing in pipeline.reason(execution)


@pytest.mark.parametrize(("body", "says"), [(b"no zip", "no zip file"), (None, "container/buildspec.yml: no such")])
def test_a_source_that_cannot_be_built_fails_the_build(
    shared_cloud: CloudProcess, tmp_path: Any, body: bytes | None, says: str
) -> None:
    pipeline = Pipeline(shared_cloud, f"unsound-{len(body or b'')}")
    pipeline.upload(source_zip(tmp_path) if body is None else body)
    execution = pipeline.create()
    assert pipeline.ends(execution) == "Failed"
    assert says in pipeline.reason(execution)


def test_an_unknown_action_is_refused_loudly(shared_cloud: CloudProcess) -> None:
    pipeline = Pipeline(shared_cloud, "unknown-action")
    pipeline.declared["stages"][0]["actions"][0]["actionTypeId"]["provider"] = "CodeCommit"
    execution = pipeline.create()
    assert pipeline.ends(execution) == "Failed"
    assert pipeline.reason(execution) == "The embedded cloud has no pipeline action CodeCommit."


def test_a_pipeline_is_declared_changed_and_deleted(shared_cloud: CloudProcess) -> None:
    pipeline = Pipeline(shared_cloud, "declared")
    pipeline.create()
    client = pipeline.codepipeline
    with pytest.raises(client.exceptions.PipelineNameInUseException):
        client.create_pipeline(pipeline=pipeline.declared)
    assert client.update_pipeline(pipeline=pipeline.declared)["pipeline"]["version"] == 2
    described = client.get_pipeline(name="declared")
    arn = described["metadata"]["pipelineArn"]
    assert arn == f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:declared"
    assert client.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "a", "value": "b"}]
    client.delete_pipeline(name="declared")
    client.delete_pipeline(name="declared")
    with pytest.raises(client.exceptions.PipelineNotFoundException):
        client.start_pipeline_execution(name="declared")


def test_a_right_on_one_pipeline_is_none_on_another(shared_cloud: CloudProcess) -> None:
    one, two = Pipeline(shared_cloud, "one-of-two"), Pipeline(shared_cloud, "two-of-two")
    one.create(), two.create()
    arn = f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:one-of-two"
    role = shared_cloud.role("starter", "account", [allow("codepipeline:StartPipelineExecution", arn)])
    client = shared_cloud.client("codepipeline", shared_cloud.assume(role))
    assert client.start_pipeline_execution(name="one-of-two")["pipelineExecutionId"]
    with pytest.raises(client.exceptions.ClientError, match="codepipeline:StartPipelineExecution"):
        client.start_pipeline_execution(name="two-of-two")


def test_an_upload_starts_the_pipeline_through_its_rule(shared_cloud: CloudProcess) -> None:
    pipeline = Pipeline(shared_cloud, "by-event")
    pipeline.ends(pipeline.create())
    arn = f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:by-event"
    role = shared_cloud.role(
        "by-event-rule", "events.amazonaws.com", [allow("codepipeline:StartPipelineExecution", arn)]
    )
    pipeline.s3.put_bucket_notification_configuration(
        Bucket=pipeline.bucket, NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    events = shared_cloud.client("events")
    pattern = {
        "source": ["aws.s3"],
        "detail": {"bucket": {"name": [pipeline.bucket]}},
        "detail-type": ["Object Created"],
    }
    pattern["detail"]["object"] = {"key": ["source.zip"]}
    events.put_rule(Name="by-event", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="by-event", Targets=[{"Id": "pipeline", "Arn": arn, "RoleArn": role}])
    version = pipeline.upload(source_zip(PROJECT.root))

    def built() -> dict[str, Any] | None:
        newest = pipeline.executions()[0]
        return newest if newest["status"] == "Succeeded" else None

    assert until("the build", built)["sourceRevisions"][0]["revisionId"] == version


def test_an_execution_that_a_crash_interrupted_is_taken_up(make_cloud: Callable[..., CloudProcess]) -> None:
    cloud = make_cloud()
    pipeline = Pipeline(cloud, "survives")
    pipeline.ends(pipeline.create())
    pipeline.upload(source_zip(PROJECT.root))
    execution = pipeline.start()
    cloud.crash()
    cloud.start()
    assert pipeline.ends(execution) == "Succeeded"
    assert (
        cloud.client("ssm").get_parameter(Name="/survives/image")["Parameter"]["Value"].startswith(pipeline.repository)
    )


def test_cloudformation_makes_changes_and_deletes_pipelines(shared_cloud: CloudProcess) -> None:
    pipeline = Pipeline(shared_cloud, "stacked")
    cloudformation = shared_cloud.client("cloudformation")

    def template(execution_mode: str, **tags: str) -> str:
        def capital(value: Any) -> Any:
            if isinstance(value, dict):
                return {key[0].upper() + key[1:]: capital(item) for key, item in value.items()}
            return [capital(item) for item in value] if isinstance(value, list) else value

        properties = capital({**pipeline.declared, "executionMode": execution_mode})
        listed = [{"Key": key, "Value": value} for key, value in tags.items()]
        resource = {"Type": "AWS::CodePipeline::Pipeline", "Properties": {**properties, "Tags": listed}}
        outputs = {"Version": {"Value": {"Fn::GetAtt": ["P", "Version"]}}, "Name": {"Value": {"Ref": "P"}}}
        return json.dumps({"Resources": {"P": resource}, "Outputs": outputs})

    def comes_to(status: str) -> dict[str, Any]:
        def probe() -> dict[str, Any] | None:
            stack = cloudformation.describe_stacks(StackName="pipelines")["Stacks"][0]
            assert "ROLLBACK" not in stack["StackStatus"]
            return stack if stack["StackStatus"] == status else None

        return dict(until(status, probe))

    cloudformation.create_stack(StackName="pipelines", TemplateBody=template("SUPERSEDED", kept="1", gone="2"))
    outputs = {each["OutputKey"]: each["OutputValue"] for each in comes_to("CREATE_COMPLETE")["Outputs"]}
    assert outputs == {"Version": "1", "Name": "stacked"}
    declared = pipeline.codepipeline.get_pipeline(name="stacked")["pipeline"]
    # A map's keys are the user's: they stay as they are.
    assert declared["stages"][0]["actions"][0]["configuration"]["S3ObjectKey"] == "source.zip"

    cloudformation.update_stack(StackName="pipelines", TemplateBody=template("QUEUED", kept="1", new="3"))
    comes_to("UPDATE_COMPLETE")
    described = pipeline.codepipeline.get_pipeline(name="stacked")
    assert (described["pipeline"]["executionMode"], described["pipeline"]["version"]) == ("QUEUED", 2)
    tags = pipeline.codepipeline.list_tags_for_resource(resourceArn=described["metadata"]["pipelineArn"])["tags"]
    assert {tag["key"]: tag["value"] for tag in tags if ":" not in tag["key"]} == {"kept": "1", "new": "3"}

    cloudformation.delete_stack(StackName="pipelines")
    until(
        "the deletion",
        lambda: "stacked" not in [p["name"] for p in pipeline.codepipeline.list_pipelines()["pipelines"]],
    )
