"""Does a run that has ended still keep others from releasing?"""

from collections.abc import Iterator
from typing import Any

from commands.doctor.finding import Finding, Patient, fault, ok
from contracts.lease import REMOVAL, WAITING_PREFIX


def check_leases(patient: Patient) -> Iterator[Finding]:
    """Every lease, and every place in a queue for one, belongs to a run that is running."""
    stepfunctions = patient.account.client("stepfunctions")
    held = 0
    for item in _items(patient):
        if item.get("phase", {}).get("S") == REMOVAL:
            # No run's. It lasts for seconds, and the next run takes it over when it does not.
            continue
        kind, model = item["sk"]["S"], item["pk"]["S"].removeprefix("model#")
        holder = item["execution_arn"]["S"]
        if _runs(stepfunctions, holder):
            held += 1
            continue
        run = holder.rpartition(":")[2]
        what = "holds the lease of" if kind == "lease" else "waits in the queue of"
        yield fault(
            f"run {run} has ended and still {what} {model}",
            f"The next run of {model} that comes to be released closes it, or `close-run` started with "
            f'{{"model": "{model}", "detail": {{"executionArn": "{holder}"}}}}.',
        )
    yield ok(f"{held} runs that are running hold or await a lease")


def _items(patient: Patient) -> Iterator[dict[str, Any]]:
    pages = (
        patient.account.client("dynamodb")
        .get_paginator("scan")
        .paginate(
            TableName=patient.account.names.ledger_table,
            FilterExpression="sk = :lease OR begins_with(sk, :waiting)",
            ExpressionAttributeValues={":lease": {"S": "lease"}, ":waiting": {"S": WAITING_PREFIX}},
        )
    )
    for page in pages:
        yield from page["Items"]


def _runs(stepfunctions: Any, execution: str) -> bool:  # noqa: ANN401 -- a boto3 client
    try:
        return bool(stepfunctions.describe_execution(executionArn=execution)["status"] == "RUNNING")
    except stepfunctions.exceptions.ExecutionDoesNotExist:
        return False
