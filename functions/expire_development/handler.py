"""Removes development endpoints whose time is over; the next run makes its own anew.

No run may lose the endpoint that it deploys or asks, nor find half of one. So the stack is deleted under the model's
release lease, which a run needs for whatever it does to an endpoint:

- The lease is taken by a conditional write, only while nobody holds it. A run that comes meanwhile waits for seconds
  (*Wait For Removal*).
- The stack is looked at again under the lease: a run may have deployed it since, and ended.
- The lease is given back once CloudFormation shows that the stack goes. From then on `deploy-stack` waits for the end
  of the deletion and creates the stack anew.
- Where that was not seen, because a call failed or the function died, the deletion may still come. Then the lease
  stays, and is taken over by whoever has seen it for longer than a function lives: the next run after some minutes, or
  the next removal.
"""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools.logging import Logger

from contracts.environment import read_environment
from contracts.times import epoch_seconds
from functions.expire_development.expiry import Expiring, expiring, is_over
from functions.expire_development.ledger import RemovalLease
from functions.expire_development.stacks import Stacks

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_ssm import SSMClient


class SomeNotRemoved(RuntimeError):
    """Some development endpoints should be gone and may not be; the log says which. The next call tries again."""


@dataclass(frozen=True)
class Environment:
    """`models_prefix` is where the pointers of all models are, `deployment_role_arn` whom CloudFormation works as."""

    ledger_table: str
    models_prefix: str
    deployment_role_arn: str


logger = Logger(service="expire_development")
environment = read_environment(Environment, os.environ)
cloudformation: "CloudFormationClient" = boto3.client("cloudformation")
dynamodb: "DynamoDBClient" = boto3.client("dynamodb")
ssm: "SSMClient" = boto3.client("ssm")
stacks = Stacks(cloudformation, environment.deployment_role_arn, time.sleep)


@logger.inject_lambda_context(log_event=False, clear_state=True)
def handle(event: dict[str, Any], context: "LambdaContext") -> dict[str, int]:
    """`{"removed"}`: how many endpoints are being removed. The time is that of the schedule's event.

    Raises:
        SomeNotRemoved: see there; all others were seen to.
    """
    now = epoch_seconds(event["time"])
    removed, broken = 0, []
    for each in expiring(_parameters()):
        lease = RemovalLease(dynamodb, environment.ledger_table, each.model, context.aws_request_id)
        try:
            removed += _expire(each, lease, now)
        except Exception:
            # One that breaks must not keep the others.
            logger.exception("not removed", model=each.model)
            broken.append(each.model)
    if broken:
        raise SomeNotRemoved(", ".join(broken))
    return {"removed": removed}


def _parameters() -> Iterator[tuple[str, str]]:
    # The right names this very path; whether AWS would take it with a last slash is not said.
    path = environment.models_prefix.rstrip("/")
    for page in ssm.get_paginator("get_parameters_by_path").paginate(Path=path):
        for parameter in page["Parameters"]:
            yield parameter["Name"], parameter["Value"]


def _expire(each: Expiring, lease: RemovalLease, now: float) -> bool:
    """Whether the endpoint is being removed by this call."""
    before = stacks.look(each.stack)
    if before is None or not is_over(before, each.seconds, now):
        return False
    if not lease.take(now):
        logger.info("kept: the model is being released", model=each.model)
        return False
    stack = stacks.look(each.stack)
    if stack is None or not is_over(stack, each.seconds, now):
        lease.give_back()
        return False
    if not stacks.remove(stack.stack_id):
        raise SomeNotRemoved(f"{each.stack}: nobody sees that it is being deleted")
    lease.give_back()
    logger.info("removed", model=each.model, stack=each.stack)
    if stack.half_gone:
        raise SomeNotRemoved(f"{each.stack}: its deletion had stopped half way, and is tried again")
    return True
