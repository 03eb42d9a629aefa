"""What the image pipeline and its build may do."""

from aws_cdk import Aws
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.grants import ANYTHING, Grant, role
from infra.names import Names, arn


def build_role(scope: Construct, names: Names, log_group_arn: str) -> iam.Role:
    """The role of the build."""
    grants = [
        Grant(
            "WriteLogs",
            "The build writes to the log group that was made for it.",
            ("logs:CreateLogStream", "logs:PutLogEvents"),
            (log_group_arn,),
        ),
        Grant(
            "MoveArtefacts",
            "The pipeline hands over the source, and takes the image's address, through its own prefix.",
            ("s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"),
            (_artefacts(names),),
        ),
        Grant(
            "PushImage",
            "The build pushes the image; pushing looks first at what the repository has.",
            (
                "ecr:BatchCheckLayerAvailability",
                "ecr:BatchGetImage",
                "ecr:CompleteLayerUpload",
                "ecr:InitiateLayerUpload",
                "ecr:PutImage",
                "ecr:UploadLayerPart",
            ),
            (names.repository(),),
        ),
        Grant(
            "LogInToRegistry",
            "A registry's log-in belongs to no repository: the action knows no resource.",
            ("ecr:GetAuthorizationToken",),
            (ANYTHING,),
        ),
        Grant(
            "PublishDigest",
            "Runs find the image, pinned by its digest, in one parameter.",
            ("ssm:PutParameter",),
            (names.parameter(names.image_parameter),),
        ),
    ]
    return role(scope, "BuildRole", "codebuild.amazonaws.com", "Builds the container image.", grants)


def pipeline_role(scope: Construct, names: Names, source_key: str) -> iam.Role:
    """The role of the pipeline and its actions."""
    bucket = f"arn:{Aws.PARTITION}:s3:::{names.bucket}"
    grants = [
        Grant(
            "LookAtBucket",
            "An S3 source asks whether the bucket keeps versions, and which version of the source is the newest.",
            ("s3:GetBucketVersioning", "s3:GetBucketLocation", "s3:ListBucket"),
            (bucket,),
        ),
        Grant(
            "ReadSource",
            "The one object that is the pipeline's source.",
            ("s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectTagging"),
            (names.objects(source_key),),
        ),
        Grant(
            "KeepArtefacts",
            "The pipeline keeps what its actions hand over under its own prefix.",
            ("s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"),
            (_artefacts(names),),
        ),
        Grant(
            "RunBuild",
            "The pipeline starts the build and waits for it.",
            ("codebuild:StartBuild", "codebuild:BatchGetBuilds"),
            (arn("codebuild", f"project/{names.image_repository}"),),
        ),
    ]
    return role(scope, "PipelineRole", "codepipeline.amazonaws.com", "Runs the image pipeline.", grants)


def _artefacts(names: Names) -> str:
    # CodePipeline begins its keys with the first 20 characters of the pipeline's name.
    return names.objects(f"{names.image_repository[:20]}/*")
