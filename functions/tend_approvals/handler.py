"""Finishes what a visit could not, every minute: a decision that was claimed, and whose run has not heard of it because
the call failed or the function died in between; and a question that nobody has answered in time.

A decision, a newer run and the end of its time compete for the same conditional update, so that there is one outcome.
"""

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools.logging import Logger

from approvals.callback import Callback
from approvals.desk import Desk
from approvals.register import Register
from contracts.environment import read_environment
from functions.tend_approvals.tending import attention, expiry

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_stepfunctions import SFNClient

# One call looks after so many; what is left has waited longest the next time.
_MOST = 100


class SomeUnattended(RuntimeError):
    """Some requests could not be looked after; the log says which. The next call tries again."""


@dataclass(frozen=True)
class Environment:
    """The key is that of the tokens."""

    approvals_table: str
    token_key_id: str


logger = Logger(service="tend_approvals")
environment = read_environment(Environment, os.environ)
dynamodb: "DynamoDBClient" = boto3.client("dynamodb")
kms: "KMSClient" = boto3.client("kms")
stepfunctions: "SFNClient" = boto3.client("stepfunctions")
register = Register(dynamodb, environment.approvals_table)
desk = Desk(register, Callback(kms, stepfunctions, environment.token_key_id, logger))


@logger.inject_lambda_context(log_event=False, clear_state=True)
def handle(_event: dict[str, Any], _context: "LambdaContext") -> dict[str, int]:
    """`{"attended"}`: how many requests were looked after.

    Raises:
        SomeUnattended: see there; all others were looked after.
    """
    runs = register.due(time.time(), _MOST)
    broken = [run for run in runs if not _attended(run)]
    if broken:
        raise SomeUnattended(f"{len(broken)} of {len(runs)}")
    return {"attended": len(runs)}


def _attended(run: str) -> bool:
    """One that breaks must not keep the others from being looked after."""
    try:
        _attend(run)
    except Exception:
        logger.exception("request not attended", run=run)
        return False
    return True


def _attend(run: str) -> None:
    request = register.find_request(run)
    if request is None:
        return
    now = time.time()
    needed = attention(request, now)
    # First: whatever happens to this call, the next one looks at others before it comes to this again.
    register.attend_later(run, needed.again_at)
    if needed.need == "deliver":
        desk.deliver(request)
    elif needed.need == "expire":
        desk.decide(request, expiry(request), now)
