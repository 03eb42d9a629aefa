"""Lists runs, newest first: what each is about, how it stands, and what it waits for."""

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from commands.deployment import Deployment
from commands.faults import CommandFailed
from commands.history import entered, read_events
from contracts.drop import RUN_FILE

_PART_OF_A_DROP = "Part Of A Drop"
_ASKS = "Request Approval"
_SHOWN_LINES = 3  # of a cause; the mail has all of it


@dataclass(frozen=True)
class Run:
    """One execution of promote-model."""

    id: str
    arn: str
    model: str
    subject: str
    """The dataset, or what is asked for instead."""
    status: str
    state: str
    started: datetime
    ended: datetime | None
    cause: str
    release: str = ""
    """The name of the release that it asks about, where it does."""

    def took(self, now: datetime) -> timedelta:
        """From the start to the end, or to now."""
        return (self.ended or now) - self.started


def list_runs(deployment: Deployment, *, limit: int = 20) -> Iterator[Run]:
    """The newest runs; not the executions that files of a folder have started, and that ended at once."""
    stepfunctions = deployment.client("stepfunctions")
    pages = stepfunctions.get_paginator("list_executions").paginate(stateMachineArn=deployment.promote_model_arn)
    executions = (execution["executionArn"] for page in pages for execution in page["executions"])
    runs = (describe_run(stepfunctions, execution) for execution in executions)
    return itertools.islice((run for run in runs if run.state != _PART_OF_A_DROP), limit)


def describe_run(stepfunctions: Any, arn: str) -> Run:  # noqa: ANN401 -- a boto3 client
    """One run with the state it is in, or ended in."""
    execution = stepfunctions.describe_execution(executionArn=arn)
    detail = json.loads(execution["input"]).get("detail", {})
    key = str(detail.get("object", {}).get("key", ""))
    events = list(read_events(stepfunctions, arn))
    states = [step.state for step in entered(events)]
    return Run(
        id=execution["name"],
        arn=arn,
        model=key.split("/")[1] if key.count("/") > 1 else "?",
        subject=_asked_for(detail["ask"]) if "ask" in detail else key.split("/", 2)[-1].removesuffix(f"/{RUN_FILE}"),
        status=execution["status"],
        state=states[-1] if states else "",
        started=execution["startDate"],
        ended=execution.get("stopDate"),
        cause=execution.get("cause", ""),
        release=_asked_about(events) if states and states[-1] == _ASKS else "",
    )


def _asked_for(ask: dict[str, str]) -> str:
    words = {"rollback": "back to {to}", "traffic": "all requests to {to}"}
    return words.get(str(ask.get("for")), "unknown").format(to=ask.get("to", "?"))


def _asked_about(events: list[dict[str, Any]]) -> str:
    """From what the run's last call was given: it is the one that asks."""
    calls = [event["taskScheduledEventDetails"] for event in events if "taskScheduledEventDetails" in event]
    payload = json.loads(calls[-1]["parameters"]).get("Payload", {}) if calls else {}
    return str(payload.get("release", {}).get("name", ""))


def find_run(deployment: Deployment, run: str) -> str:
    """The full id of the run that `run` is the start of.

    Raises:
        CommandFailed: no run starts so, or more than one does.
    """
    if not run:
        raise CommandFailed("Which run? Name it with RUN=…; `make runs` lists them.")
    pages = (
        deployment.client("stepfunctions")
        .get_paginator("list_executions")
        .paginate(stateMachineArn=deployment.promote_model_arn)
    )
    found = [
        execution["name"] for page in pages for execution in page["executions"] if execution["name"].startswith(run)
    ]
    if run in found:
        return run
    if not found:
        raise CommandFailed(f"No run starts with {run!r}; `make runs` lists them.")
    if len(found) > 1:
        raise CommandFailed(f"{len(found)} runs start with {run!r}; write more of it: {', '.join(found[:5])}")
    return str(found[0])


def table(runs: list[Run], now: datetime | None = None) -> str:
    """The runs as text, one line each, and a line of explanation below those that failed."""
    if not runs:
        return "No runs yet. Drop a dataset: make drop MODEL=iris-model DATASET=file.csv"
    now = now or datetime.now(UTC)
    lines = [f"{'RUN':36}  {'MODEL':20}  {'STATUS':10}  {'STATE':24}  {'TOOK':>9}  ABOUT"]
    for run in runs:
        took = str(timedelta(seconds=int(run.took(now).total_seconds())))
        lines.append(f"{run.id:36.36}  {run.model:20.20}  {run.status:10}  {run.state:24.24}  {took:>9}  {run.subject}")
        if run.cause:
            lines += [f"    {line[:200]}" for line in run.cause.splitlines()[:_SHOWN_LINES]]
        if run.status == "RUNNING" and run.state == _ASKS:
            named = f"RUN={run.id} RELEASE={run.release or '…'}"
            lines.append(f"    waits for a person: make approve {named}   or   make reject {named} REASON=…")
    return "\n".join(lines)
