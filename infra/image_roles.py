"""What the image pipeline and its build may do."""

from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.deployment import Deployment
from infra.encryption import key_grants
from infra.grants import ANYTHING, Grant, role
from infra.image_sources import PipelineSource
from infra.names import Names, arn
from infra.network import container_grants


def build_role(scope: Construct, deployment: Deployment, log_group_arn: str) -> iam.Role:
    """The role of the build."""
    names = Names(deployment.name)
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
    grants += [
        *key_grants(grants, deployment.kms_key_arn),
        *container_grants(deployment.network, "codebuild.amazonaws.com"),
    ]
    return role(scope, "BuildRole", "codebuild.amazonaws.com", "Builds the container image.", grants)


def pipeline_role(scope: Construct, deployment: Deployment, source: PipelineSource) -> iam.Role:
    """The role of the pipeline and its actions."""
    names = Names(deployment.name)
    grants = [
        *source.grants,
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
            (arn("codebuild", f"project/{names.image}"),),
        ),
    ]
    grants += key_grants(grants, deployment.kms_key_arn)
    return role(scope, "PipelineRole", "codepipeline.amazonaws.com", "Runs the image pipeline.", grants)


def _artefacts(names: Names) -> str:
    # CodePipeline begins its keys with the first 20 characters of the pipeline's name.
    return names.objects(f"{names.image[:20]}/*")
