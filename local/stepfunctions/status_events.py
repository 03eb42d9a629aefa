"""Tells EventBridge of every change of an execution's status, as AWS does, so that rules can react.

The default bus takes events of `aws.` sources from services only; the emulator's own services hand them over inside the
process, and so does this one.
"""

import json
import logging
from collections.abc import Callable
from typing import Any, Final

from local.stepfunctions.executions import Execution

Json = dict[str, Any]

# "Input and output are included up to 248 KiB" (events detail reference of Step Functions).
_MOST_PAYLOAD_BYTES: Final = 248 * 1024
_log = logging.getLogger(__name__)


def changed(execution: Execution, accepted: Callable[[], None]) -> None:
    """Tell the default bus, without making anybody wait; ``accepted`` is called when the event cannot get lost."""
    from ministack import app

    subject = execution.subject
    entry = event(execution)
    try:
        # Where the emulator's own handlers run: its services are changed by one thread only.
        app._MAIN_LOOP.call_soon_threadsafe(_put, entry, subject.account, subject.region, accepted)
    except (AttributeError, RuntimeError):
        _log.info("The front door is closed; nobody is told that %s is %s", subject.arn, execution.status)


def event(execution: Execution) -> Json:
    """The entry for PutEvents."""
    return {
        "Source": "aws.states",
        "DetailType": "Step Functions Execution Status Change",
        "Resources": [execution.subject.arn],
        "Detail": json.dumps(_detail(execution), ensure_ascii=False),
    }


def _detail(execution: Execution) -> Json:
    subject, outcome, redrive = execution.subject, execution.outcome, execution.redrive
    output = outcome.output if outcome else None
    # It has just begun or ended: nothing but its status can stand against a redrive.
    redrivable = execution.status not in ("RUNNING", "SUCCEEDED")
    return {
        "executionArn": subject.arn,
        "stateMachineArn": execution.machine["stateMachineArn"],
        "name": subject.name,
        "status": execution.status,
        "startDate": round(subject.started_at * 1000),
        "stopDate": None if execution.stopped_at is None else round(execution.stopped_at * 1000),
        **_payload("input", subject.input),
        **_payload("output", output),
        "stateMachineVersionArn": execution.machine.get("stateMachineVersionArn"),
        "stateMachineAliasArn": execution.machine.get("stateMachineAliasArn"),
        "redriveCount": redrive.count if redrive else 0,
        "redriveDate": round(redrive.at * 1000) if redrive else None,
        "redriveStatus": "REDRIVABLE" if redrivable else "NOT_REDRIVABLE",
        "redriveStatusReason": None if redrivable else f"Execution is {execution.status} and cannot be redriven",
        "error": outcome.error if outcome else None,
        "cause": outcome.cause if outcome else None,
    }


def _payload(name: str, text: str | None) -> Json:
    if text is None:
        return {name: None, f"{name}Details": None}
    included = len(text.encode()) <= _MOST_PAYLOAD_BYTES
    return {name: text if included else None, f"{name}Details": {"included": included}}


def _put(entry: Json, account: str, region: str, accepted: Callable[[], None]) -> None:
    try:
        from ministack.core.responses import request_scope
        from ministack.services import eventbridge

        with request_scope(account, region):
            eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)
        accepted()
    except Exception:
        _log.exception("An execution's status could not be put on the event bus")
