"""Where the image pipeline gets its source: an uploaded zip, CodeCommit, or GitHub. None of them is polled.

https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference.html has the actions' settings and rights.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aws_cdk import Aws

from infra.deployment import CodeCommitSource, GitHubSource, ImageSource, UploadedSource
from infra.deployment_names import SOURCE_KEY
from infra.grants import Grant
from infra.names import Names, arn


@dataclass(frozen=True)
class PipelineSource:
    """The pipeline's first action, what the pipeline's role needs for it, and what starts the pipeline.

    `starts_on` is an EventBridge pattern; it is empty where CodePipeline hears of changes by itself. `event` names in
    one word what then happens. `address` is for people and for the commands.
    """

    name: str
    provider: str
    configuration: Mapping[str, str]
    grants: tuple[Grant, ...]
    address: str
    event: str = ""
    starts_on: Mapping[str, Any] = field(default_factory=dict)


def pipeline_source(names: Names, settings: ImageSource) -> PipelineSource:
    """The source that the settings choose."""
    match settings:
        case UploadedSource():
            return _uploaded(names)
        case CodeCommitSource():
            return _codecommit(settings)
        case GitHubSource():
            return _github(settings)


def _uploaded(names: Names) -> PipelineSource:
    return PipelineSource(
        "Upload",
        "S3",
        {"S3Bucket": names.bucket, "S3ObjectKey": SOURCE_KEY, "PollForSourceChanges": "false"},
        (
            Grant(
                "LookAtBucket",
                "An S3 source asks whether the bucket keeps versions, and which version of the source is the newest.",
                ("s3:GetBucketVersioning", "s3:GetBucketLocation", "s3:ListBucket"),
                (f"arn:{Aws.PARTITION}:s3:::{names.bucket}",),
            ),
            Grant(
                "ReadSource",
                "The one object that is the pipeline's source.",
                ("s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectTagging"),
                (names.objects(SOURCE_KEY),),
            ),
        ),
        address=f"s3://{names.bucket}/{SOURCE_KEY}",
        event="Upload",
        starts_on={
            "source": ["aws.s3"],
            "detail-type": ["Object Created"],
            "detail": {"bucket": {"name": [names.bucket]}, "object": {"key": [SOURCE_KEY]}},
        },
    )


def _codecommit(settings: CodeCommitSource) -> PipelineSource:
    repository = arn("codecommit", settings.repository)
    return PipelineSource(
        "Push",
        "CodeCommit",
        {"RepositoryName": settings.repository, "BranchName": settings.branch, "PollForSourceChanges": "false"},
        (
            Grant(
                "ReadSource",
                "CodeCommit packs the branch's newest commit for the pipeline.",
                (
                    "codecommit:GetBranch",
                    "codecommit:GetCommit",
                    "codecommit:UploadArchive",
                    "codecommit:GetUploadArchiveStatus",
                    "codecommit:CancelUploadArchive",
                ),
                (repository,),
            ),
        ),
        address=f"https://git-codecommit.{Aws.REGION}.{Aws.URL_SUFFIX}/v1/repos/{settings.repository}",
        event="Push",
        starts_on={
            "source": ["aws.codecommit"],
            "detail-type": ["CodeCommit Repository State Change"],
            "resources": [repository],
            "detail": {
                "event": ["referenceCreated", "referenceUpdated"],
                "referenceType": ["branch"],
                "referenceName": [settings.branch],
            },
        },
    )


def _github(settings: GitHubSource) -> PipelineSource:
    # Connections have two names for the same service; a right must have that of the ARN.
    service = settings.connection_arn.split(":")[2]
    return PipelineSource(
        "Push",
        "CodeStarSourceConnection",
        {
            "ConnectionArn": settings.connection_arn,
            "FullRepositoryId": settings.repository,
            "BranchName": settings.branch,
            # GitHub tells the connection of a push.
            "DetectChanges": "true",
        },
        (
            Grant(
                "ReadSource",
                "The connection reads one repository for the pipeline.",
                (f"{service}:UseConnection",),
                (settings.connection_arn,),
                {"StringEquals": {f"{service}:FullRepositoryId": settings.repository}},
            ),
        ),
        address=f"https://github.com/{settings.repository}",
    )
