"""Rights, each with the reason why it is given.

The reason travels into the template (`Metadata` of the role, by statement id), so that whoever audits the
account reads it there.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import cast

from aws_cdk import Aws
from aws_cdk import aws_iam as iam
from constructs import Construct

# IAM refuses more in all inline policies of a role together.
MAXIMUM_INLINE_CHARACTERS = 10_240

ANYTHING = "*"


@dataclass(frozen=True)
class Grant:
    """One statement of a role.

    `sid` names what the right is for, `reason` says why it must be, and why it is no narrower where it is wide.
    """

    sid: str
    reason: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Z][A-Za-z0-9]+", self.sid) or not self.reason.endswith("."):
            raise ValueError(f"{self.sid}: a grant needs an id in letters and digits, and a reason as a sentence")

    def statement(self) -> iam.PolicyStatement:
        """The grant as the CDK knows it."""
        return iam.PolicyStatement(
            sid=self.sid, actions=list(self.actions), resources=list(self.resources), conditions=dict(self.conditions)
        )


def role(scope: Construct, name: str, service: str, description: str, grants: Iterable[Grant]) -> iam.Role:
    """A role that one AWS service may take, with exactly these grants in it."""
    grants = tuple(grants)
    policy = iam.PolicyDocument(statements=[grant.statement() for grant in grants], minimize=False)
    made = iam.Role(
        scope,
        name,
        description=description,
        assumed_by=iam.ServicePrincipal(service, conditions=_TRUST_CONDITIONS.get(service, {})),
        inline_policies={"grants": policy},
    )
    cast("iam.CfnRole", made.node.default_child).add_metadata("Reasons", {grant.sid: grant.reason for grant in grants})
    return made


# Against a confused deputy: these services documentedly name the account they act for. For the others such a
# condition is [unverified] and a wrong one would lock the role.
_TRUST_CONDITIONS = {
    "states.amazonaws.com": {"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
    "events.amazonaws.com": {"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
}


def trace() -> Grant:
    """The right of a function to have its invocations traced by Lambda itself; no SDK of X-Ray is in the zip."""
    return Grant(
        "Trace",
        "Lambda sends a function's traces under its role; traces belong to no resource.",
        ("xray:PutTraceSegments", "xray:PutTelemetryRecords"),
        (ANYTHING,),
    )


def write_logs(log_group: str) -> Grant:
    """The right of a function to write its own log."""
    return Grant(
        "WriteLogs",
        "A function writes to the log group that was made for it, and to no other.",
        ("logs:CreateLogStream", "logs:PutLogEvents"),
        (f"{log_group}:*",),
    )


def pass_role(sid: str, role_arn: str, service: str, reason: str) -> Grant:
    """The right to hand one role to one service."""
    return Grant(sid, reason, ("iam:PassRole",), (role_arn,), {"StringEquals": {"iam:PassedToService": service}})


def log_and_trace() -> tuple[Grant, Grant]:
    """The rights of a state machine to write its log and its traces."""
    return (
        Grant(
            "DeliverLogs",
            "Log delivery belongs to no log group: these actions know no resource.",
            (
                "logs:CreateLogDelivery",
                "logs:GetLogDelivery",
                "logs:UpdateLogDelivery",
                "logs:DeleteLogDelivery",
                "logs:ListLogDeliveries",
                "logs:PutResourcePolicy",
                "logs:DescribeResourcePolicies",
                "logs:DescribeLogGroups",
            ),
            (ANYTHING,),
        ),
        Grant(
            "Trace",
            "Traces belong to no resource.",
            (
                "xray:PutTraceSegments",
                "xray:PutTelemetryRecords",
                "xray:GetSamplingRules",
                "xray:GetSamplingTargets",
            ),
            (ANYTHING,),
        ),
    )
