"""Rights that no flow can use in the embedded cloud, each with what it is for on AWS.

Reviewed by hand, judged by `test_rights_are_needed.py`: an entry for a right that a flow does use, or that nobody has,
has to go.
"""

import re
from dataclasses import dataclass

from tests.flow.audit import Right


@dataclass(frozen=True)
class Unused:
    """Actions of one statement, in every role whose construct fits; no actions stands for all of them."""

    roles: str
    sid: str
    actions: tuple[str, ...]
    why: str

    def fits(self, right: Right, action: str) -> bool:
        named = re.fullmatch(self.roles, right.role) and right.sid == self.sid
        return bool(named) and (not self.actions or action in self.actions)


# Every function's role: its construct is called after the verb.
FUNCTIONS = (
    "(AnnounceOutcome|DecideRelease|ExpireDevelopment|ExplainFailure|FreezeDataset|PassLease|RequestApproval|SmokeTest|TendApprovals|"
    "ValidateDataset|VerifyProduction)Role"
)

UNUSED = (
    Unused(
        "(PromoteModel|DeployStack|CloseRun)Role",
        "DeliverLogs",
        (),
        "Step Functions asks for them when it sets up a machine's log; the embedded cloud writes logs by itself.",
    ),
    Unused(
        "(PromoteModel|DeployStack|CloseRun)Role",
        "Trace",
        (),
        "Traces go to X-Ray, which the embedded cloud has not.",
    ),
    Unused(
        FUNCTIONS,
        "Trace",
        (),
        "Lambda itself sends a function's traces to X-Ray, which the embedded cloud has not.",
    ),
    Unused(
        "(AnnounceOutcome|RequestApproval|TendApprovals)Role",
        "SendByConfigurationSet",
        (),
        "An identity may have a configuration set by default; those of the embedded cloud have none.",
    ),
    Unused(
        "BuildRole",
        "WriteLogs",
        (),
        "CodeBuild writes a build's lines; the embedded cloud's build has none.",
    ),
    Unused(
        "BuildRole",
        "MoveArtefacts",
        ("s3:GetObjectVersion", "s3:PutObject"),
        "CodeBuild takes and leaves artefacts by version; the embedded cloud's build leaves none.",
    ),
    Unused(
        "BuildRole",
        "PushImage",
        (
            "ecr:BatchCheckLayerAvailability",
            "ecr:BatchGetImage",
            "ecr:CompleteLayerUpload",
            "ecr:InitiateLayerUpload",
            "ecr:UploadLayerPart",
        ),
        "A push moves layers; the embedded cloud's image has none.",
    ),
    Unused(
        "PipelineRole",
        "LookAtBucket",
        (),
        "CodePipeline looks at its source's bucket before it reads; the embedded cloud's pipeline reads.",
    ),
    Unused(
        "PipelineRole",
        "ReadSource",
        ("s3:GetObjectVersion", "s3:GetObjectTagging"),
        "CodePipeline reads a version and its tags; the embedded cloud's pipeline reads the object as it is.",
    ),
    Unused(
        "PipelineRole",
        "KeepArtefacts",
        ("s3:GetObject", "s3:GetObjectVersion"),
        "CodePipeline hands artefacts on; the embedded cloud's pipeline only leaves them.",
    ),
    Unused(
        "PipelineRole",
        "RunBuild",
        ("codebuild:BatchGetBuilds",),
        "CodePipeline asks how a build goes; the embedded cloud's is told.",
    ),
    Unused(
        "DeploymentRole",
        "WatchProduction",
        ("cloudwatch:TagResource", "cloudwatch:UntagResource", "cloudwatch:ListTagsForResource"),
        "CloudFormation on AWS tags alarms with the stack's tags; the embedded cloud's alarms have none.",
    ),
    Unused(
        FUNCTIONS,
        "WriteLogs",
        (),
        "Lambda writes a function's log on its behalf. Without the right a function runs on and is silent, so that no "
        "flow could fail.",
    ),
    Unused(
        "(Training|Endpoint)Role",
        "PullImage",
        (),
        "The embedded cloud pulls nothing: its image is the container's sources.",
    ),
    Unused(
        "(Training|Endpoint)Role",
        "LogInToRegistry",
        (),
        "The embedded cloud has no registry to log in to.",
    ),
    Unused(
        "(Training|Endpoint)Role",
        "WriteMetrics",
        (),
        "Instances write their load to CloudWatch; processes of the embedded cloud have none of their own.",
    ),
    Unused(
        "(Training|Endpoint)Role",
        "WriteLogs",
        ("logs:DescribeLogStreams",),
        "SageMaker's agent looks for its stream before it makes one; the embedded cloud knows that it has none.",
    ),
    Unused(
        "PromoteModelRole",
        "TagTrainingJob",
        ("sagemaker:ListTags",),
        "Part of what AWS documents for a `.sync` task; what for is not said.",
    ),
    Unused(
        "PromoteModelRole",
        "ShowImageToRegistry",
        (),
        "AWS's registry may look at the image with the caller's rights [unverified]; the embedded one does not.",
    ),
    Unused(
        "PromoteModelRole",
        "ShowArtefactToRegistry",
        (),
        "AWS's registry may look at the artefact with the caller's rights [unverified]; the embedded one does not.",
    ),
    Unused(
        "DeployStackRole",
        "TagStack",
        (),
        "Whether CreateChangeSet asks for it is [unverified].",
    ),
    Unused(
        "DeploymentRole",
        "BuildEndpoint",
        ("sagemaker:DescribeEndpointConfig",),
        "CloudFormation on AWS reads back what it made; the embedded cloud's needs no second look.",
    ),
    Unused(
        "DeploymentRole",
        "WatchScaling",
        (),
        "CloudFormation on AWS reads back what it registered; the embedded cloud's needs no second look.",
    ),
    Unused(
        "DeploymentRole",
        "TagEndpoint",
        ("sagemaker:ListTags",),
        "CloudFormation on AWS compares tags before it changes them; the embedded cloud's knows what it has set.",
    ),
    Unused(
        "DeploymentRole",
        "ScaleEndpoint",
        ("application-autoscaling:TagResource", "application-autoscaling:ListTagsForResource"),
        "CloudFormation on AWS hands the stack's tags to scalable targets; the embedded cloud's does not.",
    ),
    Unused(
        "DeploymentRole",
        "ScaleEndpoint",
        ("application-autoscaling:PutScheduledAction", "application-autoscaling:DeleteScheduledAction"),
        "No recorded flow has a schedule; tests/local puts schedules of templates on a real endpoint.",
    ),
    Unused(
        "EndpointRole",
        "WatchRelease",
        (),
        "Guarded releases are made under load, which takes the machine for itself: without the right each is refused.",
    ),
)
