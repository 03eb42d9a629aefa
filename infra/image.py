"""The image pipeline: source → CodeBuild → ECR. The only use of CodePipeline."""

from collections.abc import Mapping

from aws_cdk import CfnOutput, Duration, Stack
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_events as events
from constructs import Construct

from infra.deployment import Deployment
from infra.grants import Grant, role
from infra.image_roles import build_role, pipeline_role
from infra.image_sources import PipelineSource, pipeline_source
from infra.log_groups import log_group
from infra.names import Names, arn
from infra.retention import kept

BUILDSPEC = "container/buildspec.yml"


class ImageStack(Stack):
    """Repository, build project and pipeline of the container image that trains and serves."""

    def __init__(self, scope: Construct, deployment: Deployment) -> None:
        self._names = Names(deployment.name)
        super().__init__(scope, self._names.stack("image"), description="Builds the container image and publishes it.")
        self._name = self._names.image
        self._deployment = deployment
        self._repository()
        source = pipeline_source(self._names, deployment.image)
        pipeline = self._pipeline(self._build(), source)
        if source.starts_on:
            self._start_on_event(pipeline, source)
        CfnOutput(self, "PipelineName", value=pipeline.ref)
        CfnOutput(self, "SourceKind", value=deployment.image.source)
        CfnOutput(self, "SourceAddress", value=source.address)

    def _repository(self) -> None:
        key_arn = self._deployment.kms_key_arn
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
            encryption_configuration=ecr.CfnRepository.EncryptionConfigurationProperty(
                encryption_type="KMS" if key_arn else "AES256", kms_key=key_arn
            ),
            lifecycle_policy=ecr.CfnRepository.LifecyclePolicyProperty(lifecycle_policy_text=_EXPIRE_UNTAGGED),
        )
        repository.apply_removal_policy(kept(self._deployment))

    def _build(self) -> str:
        """The build project's name."""
        group = log_group(self, "BuildLogs", f"/aws/codebuild/{self._name}", self._deployment)
        network = self._deployment.network
        project = codebuild.CfnProject
        made = project(
            self,
            "Build",
            name=self._name,
            description="Builds the container image and publishes it by its digest.",
            service_role=build_role(self, self._deployment, group.log_group_arn).role_arn,
            encryption_key=self._deployment.kms_key_arn,
            vpc_config=project.VpcConfigProperty(
                vpc_id=network.vpc_id,
                subnets=list(network.subnet_ids),
                security_group_ids=list(network.security_group_ids),
            )
            if network
            else None,
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

    def _pipeline(self, build: str, source: PipelineSource) -> codepipeline.CfnPipeline:
        pipeline, key_arn = codepipeline.CfnPipeline, self._deployment.kms_key_arn
        kept = pipeline.ArtifactStoreProperty(
            type="S3",
            location=self._names.bucket,
            encryption_key=pipeline.EncryptionKeyProperty(id=key_arn, type="KMS") if key_arn else None,
        )
        fetched = _action(source.name, ("Source", source.provider), source.configuration, outputs=["source"])
        image = _action("Image", ("Build", "CodeBuild"), {"ProjectName": build}, inputs=["source"], outputs=["image"])
        return pipeline(
            self,
            "Pipeline",
            name=self._name,
            pipeline_type="V2",
            # A newer source overtakes an older one that still waits.
            execution_mode="SUPERSEDED",
            role_arn=pipeline_role(self, self._deployment, source).role_arn,
            artifact_store=kept,
            stages=[
                pipeline.StageDeclarationProperty(name="Source", actions=[fetched]),
                pipeline.StageDeclarationProperty(name="Build", actions=[image]),
            ],
        )

    def _start_on_event(self, pipeline: codepipeline.CfnPipeline, source: PipelineSource) -> None:
        target = arn("codepipeline", self._name)
        starts = Grant(
            "StartPipeline",
            "A new source starts the pipeline.",
            ("codepipeline:StartPipelineExecution",),
            (target,),
        )
        starter = role(self, f"{source.event}Role", "events.amazonaws.com", "Starts the image pipeline.", [starts])
        rule = events.CfnRule(
            self,
            f"{source.event}ed",
            description="Starts the image pipeline when there is a new source.",
            event_pattern=dict(source.starts_on),
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
    configuration: Mapping[str, str],
    inputs: list[str] | None = None,
    outputs: list[str] | None = None,
) -> codepipeline.CfnPipeline.ActionDeclarationProperty:
    pipeline = codepipeline.CfnPipeline
    category, provider = kind
    return pipeline.ActionDeclarationProperty(
        name=name,
        action_type_id=pipeline.ActionTypeIdProperty(category=category, owner="AWS", provider=provider, version="1"),
        configuration=dict(configuration),
        input_artifacts=[pipeline.InputArtifactProperty(name=each) for each in inputs or []],
        output_artifacts=[pipeline.OutputArtifactProperty(name=each) for each in outputs or []],
    )


# A build moves `latest` away from the image before, which may well be serving: so the newest untagged ones stay.
_EXPIRE_UNTAGGED = (
    '{"rules":[{"rulePriority":1,"description":"Of untagged images the newest 100 stay.",'
    '"selection":{"tagStatus":"untagged","countType":"imageCountMoreThan","countNumber":100},'
    '"action":{"type":"expire"}}]}'
)
