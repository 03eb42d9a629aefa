"""What becomes of data when the stack that made its place goes."""

from aws_cdk import RemovalPolicy

from infra.deployment import Deployment


def kept(deployment: Deployment) -> RemovalPolicy:
    """Data outlives its stack where the settings say so, but not a creation that failed.

    An empty bucket or table that a rolled back creation left behind would be in the way of the next one, because its
    name is taken.
    """
    return RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE if deployment.retention.keep_data else RemovalPolicy.DESTROY
