"""Gives the release lease of a run that has ended to the run whose turn it is, and wakes it.

Called again for the same run it finds that the run holds nothing. A waiting run that is not woken, because this
function died between the two, wakes by its own time limit and finds the lease to be its own.
"""

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools.logging import Logger
from botocore.exceptions import BotoCoreError, ClientError

from contracts.environment import read_environment
from contracts.times import epoch_seconds, iso_time
from functions.pass_lease.ledger import Ledger
from functions.pass_lease.turns import Turn, mark_after, next_turn

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_stepfunctions import SFNClient

    from contracts.lease import Lease, WaitingRun

# Runs come to wait one by one; each can spoil one try.
_TRIES = 10


class LeaseContended(RuntimeError):
    """Runs came to wait again and again while the lease was passed on. Worth trying again."""


@dataclass(frozen=True)
class Environment:
    """The table with claims, leases and releases."""

    ledger_table: str


logger = Logger(service="pass_lease")
environment = read_environment(Environment, os.environ)
dynamodb: "DynamoDBClient" = boto3.client("dynamodb")
stepfunctions: "SFNClient" = boto3.client("stepfunctions")


@logger.inject_lambda_context(log_event=False, clear_state=True)
def handle(event: dict[str, Any], _context: "LambdaContext") -> dict[str, Any]:
    """`{"holder": the execution that holds the lease now, or None, "woken": how many runs}`.

    `event` is `{"model", "run", "ended_at", "closed_by"}`; `run` is the ARN of an execution that ended at `ended_at`,
    which is "" when nobody knows. A place in the queue that it has taken since, redriven, stays. With `closed_by` the
    lease is passed on only while it bears that mark: a run that was redriven has taken it off.

    Raises:
        LeaseContended: the lease is still the ended run's.
    """
    model, run, closed_by = event["model"], event["run"], event["closed_by"]
    # Executions that began before a deployment of this version go on with the definition they began with.
    ended_at = event.get("ended_at", "")
    logger.append_keys(model=model, run=run.rsplit(":", 1)[-1])
    ledger = Ledger(dynamodb, environment.ledger_table, model)
    for _ in range(_TRIES):
        waiting = _without(ledger, run, ended_at)
        lease = ledger.lease()
        if lease is None:
            return {"holder": None, "woken": 0}
        if lease.execution_arn != run or (closed_by and lease.closed_by != closed_by):
            _renew_mark(ledger, lease, run, waiting)
            return {"holder": lease.execution_arn, "woken": 0}
        turn = next_turn(waiting)
        if turn is None:
            if ledger.give_back(lease):
                logger.info("lease given back")
                return {"holder": None, "woken": 0}
        elif ledger.pass_on(lease, turn.next, iso_time(time.time())):
            return {"holder": turn.next.execution_arn, "woken": _wake(ledger, turn)}
    raise LeaseContended(f"The release lease of {model} could not be passed on in {_TRIES} tries.")


def _without(ledger: Ledger, run: str, ended_at: str) -> "list[WaitingRun]":
    """Who waits, once the ended run itself does so no more."""
    waiting = ledger.waiting()
    gone = [each for each in waiting if each.execution_arn == run and _before(each.since, ended_at)]
    for own in gone:
        ledger.leave_queue(own)
    return [each for each in waiting if each not in gone]


def _before(moment: str, end: str) -> bool:
    return not end or epoch_seconds(moment) <= epoch_seconds(end)


def _renew_mark(ledger: Ledger, lease: "Lease", ended: str, waiting: "list[WaitingRun]") -> None:
    mark = mark_after(lease, ended, waiting)
    if mark is not None:
        ledger.mark(lease, mark)
        logger.info("mark of the ended run taken back", holder=lease.execution_arn.rsplit(":", 1)[-1])


def _wake(ledger: Ledger, turn: Turn) -> int:
    for other in turn.others:
        ledger.leave_queue(other)
    woken = sum(_woken((turn.next, *turn.others)))
    logger.info("lease passed on", holder=turn.next.execution_arn.rsplit(":", 1)[-1], woken=woken)
    return woken


def _woken(runs: "Iterable[WaitingRun]") -> "Iterable[bool]":
    for run in runs:
        try:
            stepfunctions.send_task_success(taskToken=run.token, output="{}")
        except (ClientError, BotoCoreError) as fault:
            # It has woken by itself, or has ended. AWS's message may quote the token.
            code = fault.response["Error"]["Code"] if isinstance(fault, ClientError) else type(fault).__name__
            logger.warning("not woken", waiting=run.execution_arn.rsplit(":", 1)[-1], error=code)
            yield False
        else:
            yield True
