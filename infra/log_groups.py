"""Log groups that end: a group that a service makes by itself keeps its logs for ever."""

from typing import cast

from aws_cdk import RemovalPolicy
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.deployment import Deployment


def log_group(scope: Construct, name: str, group_name: str, deployment: Deployment) -> logs.LogGroup:
    """A log group that is deleted with its stack."""
    group = logs.LogGroup(scope, name, log_group_name=group_name, removal_policy=RemovalPolicy.DESTROY)
    # The L2 takes an enumeration only; settings are checked against the same periods.
    resource = cast("logs.CfnLogGroup", group.node.default_child)
    resource.retention_in_days = deployment.retention.logs_days
    resource.kms_key_id = deployment.kms_key_arn
    return group
