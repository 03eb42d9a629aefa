"""What training jobs, endpoints, and CloudFormation when it builds endpoints, may do."""

from aws_cdk import Aws
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.deployment import DEPLOYMENT_TAG, Deployment
from infra.encryption import container_key_grants, key_grants
from infra.grants import ANYTHING, Grant, pass_role, role
from infra.names import Names, arn
from infra.network import container_grants

_SCALING_SERVICE = "sagemaker.application-autoscaling.amazonaws.com"
_SCALING_ROLE = "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"


def training_role(scope: Construct, deployment: Deployment) -> iam.Role:
    """The role that training jobs run with."""
    names = Names(deployment.name)
    grants = [
        Grant(
            "ReadTrainingData",
            "The run's frozen dataset, and the champion's artefact to compare with.",
            ("s3:GetObject",),
            (names.objects("runs/*"),),
        ),
        Grant(
            "ListTrainingData",
            "SageMaker lists a channel's prefix before it copies it.",
            ("s3:ListBucket",),
            (names.whole_bucket(),),
            {"StringLike": {"s3:prefix": "runs/*"}},
        ),
        Grant(
            "WriteArtefacts",
            "A job writes its model and its report, and can touch no dataset.",
            ("s3:PutObject",),
            (names.objects("runs/*/output/*"),),
        ),
        *_image(names),
        *_observe(
            arn("logs", "log-group:/aws/sagemaker/TrainingJobs"), arn("logs", "log-group:/aws/sagemaker/TrainingJobs:*")
        ),
    ]
    grants += _account_grants(grants, deployment)
    return role(scope, "TrainingRole", "sagemaker.amazonaws.com", "Training jobs run with this role.", grants)


def endpoint_role(scope: Construct, deployment: Deployment) -> iam.Role:
    """The role that endpoints run with."""
    names = Names(deployment.name)
    grants = [
        Grant(
            "ReadArtefact",
            "SageMaker fetches the model that an endpoint serves.",
            ("s3:GetObject",),
            (names.objects("runs/*/output/*"),),
        ),
        Grant(
            "CaptureData",
            "Requests and answers are kept for monitoring.",
            ("s3:PutObject",),
            (names.objects("monitoring/*"),),
        ),
        Grant(
            "WatchRelease",
            "Whether an alarm takes a release back while it is deployed, SageMaker finds out with this role "
            "(dg/deployment-guardrails-configuration.html).",
            ("cloudwatch:DescribeAlarms",),
            (arn("cloudwatch", f"alarm:{deployment.name}-*-production-*"),),
        ),
        *_image(names),
        # The wildcard takes in the streams of the groups too.
        *_observe(arn("logs", "log-group:/aws/sagemaker/Endpoints/*")),
    ]
    grants += _account_grants(grants, deployment)
    return role(scope, "EndpointRole", "sagemaker.amazonaws.com", "Endpoints run with this role.", grants)


def deployment_role(scope: Construct, deployment: Deployment, serving_role: iam.IRole) -> iam.Role:
    """The role with which CloudFormation builds the endpoint stacks."""
    endpoints = (arn("sagemaker", "endpoint/*-development"), arn("sagemaker", "endpoint/*-production"))
    grants = [
        Grant(
            "BuildEndpoint",
            "CloudFormation makes up the names of models and configurations, so only their kind can be named.",
            (
                "sagemaker:CreateModel",
                "sagemaker:DescribeModel",
                "sagemaker:DeleteModel",
                "sagemaker:CreateEndpointConfig",
                "sagemaker:DescribeEndpointConfig",
                "sagemaker:DeleteEndpointConfig",
            ),
            (arn("sagemaker", "model/*"), arn("sagemaker", "endpoint-config/*")),
        ),
        Grant(
            "ServeEndpoint",
            "Endpoints have the two names that the settings give them; one that is there already is not made again.",
            ("sagemaker:CreateEndpoint",),
            endpoints,
        ),
        Grant(
            "ServeConfiguration",
            "Who makes or changes an endpoint needs the right on its configuration too.",
            ("sagemaker:CreateEndpoint", "sagemaker:UpdateEndpoint"),
            (arn("sagemaker", "endpoint-config/*"),),
        ),
        Grant(
            "ChangeEndpoint",
            "An endpoint is moved to the next release, or goes with its stack; other teams' may be called alike, and "
            "only this deployment's carry its tag.",
            ("sagemaker:UpdateEndpoint", "sagemaker:DeleteEndpoint"),
            endpoints,
            {"StringEquals": {f"aws:ResourceTag/{DEPLOYMENT_TAG}": deployment.name}},
        ),
        Grant(
            "WatchEndpoint",
            "CloudFormation waits until an endpoint serves, or is gone; auto scaling sets its instance count.",
            ("sagemaker:DescribeEndpoint", "sagemaker:UpdateEndpointWeightsAndCapacities"),
            endpoints,
        ),
        Grant(
            "TagEndpoint",
            "A stack's tags go to everything in it, and change with each release.",
            ("sagemaker:AddTags", "sagemaker:DeleteTags", "sagemaker:ListTags"),
            (arn("sagemaker", "model/*"), arn("sagemaker", "endpoint-config/*"), *endpoints),
        ),
        pass_role(
            "PassEndpointRole",
            serving_role.role_arn,
            "sagemaker.amazonaws.com",
            "A model names the role that its containers run with.",
        ),
        *_scaling(),
        Grant(
            "WatchProduction",
            "Production's alarms come and go with its stack, those that take a release back and those that scale in "
            "steps among them; their names begin with the deployment's.",
            (
                "cloudwatch:PutMetricAlarm",
                "cloudwatch:DeleteAlarms",
                "cloudwatch:TagResource",
                "cloudwatch:UntagResource",
                "cloudwatch:ListTagsForResource",
            ),
            (arn("cloudwatch", f"alarm:{deployment.name}-*-production-*"),),
        ),
    ]
    grants += key_grants(grants, deployment.kms_key_arn)
    return role(
        scope, "DeploymentRole", "cloudformation.amazonaws.com", "CloudFormation builds endpoints with it.", grants
    )


def _account_grants(grants: list[Grant], deployment: Deployment) -> list[Grant]:
    """What containers need of a network and a key that the account brings."""
    return [
        *key_grants(grants, deployment.kms_key_arn),
        *container_key_grants(deployment.kms_key_arn),
        *container_grants(deployment.network, "sagemaker.amazonaws.com"),
    ]


def _scaling() -> list[Grant]:
    return [
        Grant(
            "ScaleEndpoint",
            "Production is scaled, by the clock too; a target that is not deregistered blocks the next update.",
            (
                "application-autoscaling:RegisterScalableTarget",
                "application-autoscaling:DeregisterScalableTarget",
                "application-autoscaling:PutScalingPolicy",
                "application-autoscaling:DeleteScalingPolicy",
                "application-autoscaling:PutScheduledAction",
                "application-autoscaling:DeleteScheduledAction",
                "application-autoscaling:TagResource",
                "application-autoscaling:ListTagsForResource",
            ),
            (arn("application-autoscaling", "scalable-target/*"),),
        ),
        Grant(
            "WatchScaling",
            "CloudFormation reads back what it registered; these actions know no resource.",
            (
                "application-autoscaling:DescribeScalableTargets",
                "application-autoscaling:DescribeScalingPolicies",
                "application-autoscaling:DescribeScheduledActions",
            ),
            (ANYTHING,),
        ),
        Grant(
            "WriteScalingAlarms",
            "A target tracking policy keeps its own alarms, all of which begin with TargetTracking.",
            ("cloudwatch:PutMetricAlarm", "cloudwatch:DeleteAlarms"),
            (arn("cloudwatch", "alarm:TargetTracking-*"),),
        ),
        Grant(
            "ReadAlarms",
            "An update that is guarded by alarms reads them, and so does auto scaling; stacks name them.",
            ("cloudwatch:DescribeAlarms",),
            (arn("cloudwatch", "alarm:*"),),
        ),
        Grant(
            "FirstScaling",
            "The first target of an account makes the role with which auto scaling acts.",
            ("iam:CreateServiceLinkedRole",),
            (f"arn:{Aws.PARTITION}:iam::{Aws.ACCOUNT_ID}:role/aws-service-role/{_SCALING_SERVICE}/{_SCALING_ROLE}",),
            {"StringEquals": {"iam:AWSServiceName": _SCALING_SERVICE}},
        ),
    ]


def _image(names: Names) -> list[Grant]:
    return [
        Grant(
            "PullImage",
            "The container image that trains and serves.",
            ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"),
            (names.repository(),),
        ),
        Grant(
            "LogInToRegistry",
            "A registry's log-in belongs to no repository: the action knows no resource.",
            ("ecr:GetAuthorizationToken",),
            (ANYTHING,),
        ),
    ]


def _observe(*logs: str) -> list[Grant]:
    return [
        Grant(
            "WriteLogs",
            "SageMaker makes the log group on first use.",
            ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"),
            logs,
        ),
        Grant(
            "WriteMetrics",
            "Metrics belong to no resource; the namespace keeps them to SageMaker's own.",
            ("cloudwatch:PutMetricData",),
            (ANYTHING,),
            {"StringLike": {"cloudwatch:namespace": "/aws/sagemaker/*"}},
        ),
    ]
