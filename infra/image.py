"""The image pipeline: source → CodeBuild → ECR. The only use of CodePipeline.

Its source is a zip in the deployment's bucket; a new object starts it.
"""

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_events as events
from constructs import Construct

from infra.deployment import Deployment
from infra.grants import Grant, role
from infra.image_roles import build_role, pipeline_role
from infra.log_groups import log_group
from infra.names import Names, arn

SOURCE_KEY = "image/source.zip"
BUILDSPEC = "container/buildspec.yml"


class ImageStack(Stack):
    """Repository, build project and pipeline of the container image that trains and serves."""

    def __init__(self, scope: Construct, deployment: Deployment) -> None:
        self._names = Names(deployment.name)
        super().__init__(scope, self._names.stack("image"), description="Builds the container image and publishes it.")
        self._name = self._names.image_repository
        self._repository(keep=deployment.retention.keep_data)
        self._pipeline(self._build(deployment.retention.logs_days))

    def _repository(self, *, keep: bool) -> None:
        repository = ecr.CfnRepository(
            self,
            "Repository",
            repository_name=self._name,
            # A release is reproduced from its tag, so a tag names one image for ever; `latest` alone moves.
            image_tag_mutability="IMMUTABLE_WITH_EXCLUSION",
            image_tag_mutability_exclusion_filters=[
                ecr.CfnRepository.ImageTagMutabilityExclusionFilterProperty(
                    image_tag_mutability_exclusion_filter_type="WILDCARD",
                    image_tag_mutability_exclusion_filter_value="latest",
                )
            ],
            image_scanning_configuration=ecr.CfnRepository.ImageScanningConfigurationProperty(scan_on_push=True),
            encryption_configuration=ecr.CfnRepository.EncryptionConfigurationProperty(encryption_type="AES256"),
            lifecycle_policy=ecr.CfnRepository.LifecyclePolicyProperty(lifecycle_policy_text=_EXPIRE_UNTAGGED),
        )
        repository.apply_removal_policy(RemovalPolicy.RETAIN if keep else RemovalPolicy.DESTROY)

    def _build(self, logs_days: int) -> str:
        """The build project's name."""
        group = log_group(self, "BuildLogs", f"/aws/codebuild/{self._name}", logs_days)
        project = codebuild.CfnProject
        made = project(
            self,
            "Build",
            name=self._name,
            description="Builds the container image and publishes it by its digest.",
            service_role=build_role(self, self._names, group.log_group_arn).role_arn,
            source=project.SourceProperty(type="CODEPIPELINE", build_spec=BUILDSPEC),
            artifacts=project.ArtifactsProperty(type="CODEPIPELINE"),
            timeout_in_minutes=60,
            environment=project.EnvironmentProperty(
                type="LINUX_CONTAINER",
                compute_type="BUILD_GENERAL1_SMALL",
                image="aws/codebuild/amazonlinux-x86_64-standard:5.0",
                # Docker runs inside the build.
                privileged_mode=True,
                environment_variables=[
                    project.EnvironmentVariableProperty(name=name, value=value)
                    for name, value in {
                        "IMAGE_REPOSITORY": f"{self.account}.dkr.ecr.{self.region}.{self.url_suffix}/{self._name}",
                        "IMAGE_PARAMETER": self._names.image_parameter,
                    }.items()
                ],
            ),
            logs_config=project.LogsConfigProperty(
                cloud_watch_logs=project.CloudWatchLogsConfigProperty(status="ENABLED", group_name=group.log_group_name)
            ),
        )
        return made.ref

    def _pipeline(self, build: str) -> None:
        pipeline = codepipeline.CfnPipeline
        kept = pipeline.ArtifactStoreProperty(type="S3", location=self._names.bucket)
        source = _action(
            "Upload",
            ("Source", "S3"),
            {"S3Bucket": self._names.bucket, "S3ObjectKey": SOURCE_KEY, "PollForSourceChanges": "false"},
            outputs=["source"],
        )
        image = _action("Image", ("Build", "CodeBuild"), {"ProjectName": build}, inputs=["source"], outputs=["image"])
        made = pipeline(
            self,
            "Pipeline",
            name=self._name,
            pipeline_type="V2",
            # A newer source overtakes an older one that still waits.
            execution_mode="SUPERSEDED",
            role_arn=pipeline_role(self, self._names, SOURCE_KEY).role_arn,
            artifact_store=kept,
            stages=[
                pipeline.StageDeclarationProperty(name="Source", actions=[source]),
                pipeline.StageDeclarationProperty(name="Build", actions=[image]),
            ],
        )
        self._start_on_upload(made)

    def _start_on_upload(self, pipeline: codepipeline.CfnPipeline) -> None:
        target = arn("codepipeline", self._name)
        starts = Grant(
            "StartPipeline",
            "An uploaded source starts the pipeline.",
            ("codepipeline:StartPipelineExecution",),
            (target,),
        )
        starter = role(self, "UploadRole", "events.amazonaws.com", "Starts the image pipeline.", [starts])
        rule = events.CfnRule(
            self,
            "Uploaded",
            description="Starts the image pipeline when a source is uploaded.",
            event_pattern={
                "source": ["aws.s3"],
                "detail-type": ["Object Created"],
                "detail": {"bucket": {"name": [self._names.bucket]}, "object": {"key": [SOURCE_KEY]}},
            },
            targets=[
                events.CfnRule.TargetProperty(
                    id="pipeline",
                    arn=target,
                    role_arn=starter.role_arn,
                    retry_policy=events.CfnRule.RetryPolicyProperty(
                        maximum_event_age_in_seconds=int(Duration.hours(1).to_seconds()), maximum_retry_attempts=10
                    ),
                )
            ],
        )
        rule.add_resource_dependency(pipeline)


def _action(
    name: str,
    kind: tuple[str, str],
    configuration: dict[str, str],
    inputs: list[str] | None = None,
    outputs: list[str] | None = None,
) -> codepipeline.CfnPipeline.ActionDeclarationProperty:
    pipeline = codepipeline.CfnPipeline
    category, provider = kind
    return pipeline.ActionDeclarationProperty(
        name=name,
        action_type_id=pipeline.ActionTypeIdProperty(category=category, owner="AWS", provider=provider, version="1"),
        configuration=configuration,
        input_artifacts=[pipeline.InputArtifactProperty(name=each) for each in inputs or []],
        output_artifacts=[pipeline.OutputArtifactProperty(name=each) for each in outputs or []],
    )


# A build moves `latest` away from the image before, which may well be serving: so the newest untagged ones stay.
_EXPIRE_UNTAGGED = (
    '{"rules":[{"rulePriority":1,"description":"Of untagged images the newest 100 stay.",'
    '"selection":{"tagStatus":"untagged","countType":"imageCountMoreThan","countNumber":100},'
    '"action":{"type":"expire"}}]}'
)
