"""The image pipeline's executions: found by what they build, started, awaited, explained."""

import time
from collections.abc import Callable, Iterator
from typing import Any

from commands.account import Account
from commands.faults import CommandFailed

PENDING = ("InProgress", "Stopping")
"""The statuses of an execution that goes on."""

# The build itself ends after an hour.
_BUILD_SECONDS = 2 * 3600
# The first turns find a pipeline that has just begun, or a build that has failed at once.
_POLL_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


def status_of(account: Account, version: str) -> tuple[str, str]:
    """Id and status of the newest execution that works on a version of the source; empty when there is none."""
    for each in executions(account):
        if version in [revision.get("revisionId") for revision in each.get("sourceRevisions", [])]:
            return str(each["pipelineExecutionId"]), str(each["status"])
    return "", ""


def executions(account: Account) -> list[dict[str, Any]]:
    """Newest first."""
    listed = account.client("codepipeline").list_pipeline_executions(pipelineName=account.names.image, maxResults=100)
    return list(listed["pipelineExecutionSummaries"])


def start(account: Account) -> str:
    """Begin an execution of the newest source; its id."""
    started = account.client("codepipeline").start_pipeline_execution(name=account.names.image)
    return str(started["pipelineExecutionId"])


def await_end(account: Account, execution: str, say: Callable[[str], None]) -> str:
    """The status that an execution ends in; every step of its actions is said on the way.

    Raises:
        CommandFailed: it does not end.
    """
    codepipeline = account.client("codepipeline")
    said: set[tuple[str, str]] = set()
    for _ in turns(_BUILD_SECONDS):
        status = codepipeline.get_pipeline_execution(pipelineName=account.names.image, pipelineExecutionId=execution)[
            "pipelineExecution"
        ]["status"]
        for action in reversed(_actions(account, execution)):
            step = (f"{action['stageName']} / {action['actionName']}", action["status"])
            if step not in said:
                said.add(step)
                say(f"Image pipeline: {step[0]} {step[1]}")
        if status not in PENDING:
            return str(status)
    raise CommandFailed(
        f"The image pipeline still works after {_BUILD_SECONDS // 3600} hours. "
        "Look at it in the console; `make deploy` waits for it again."
    )


def reason(account: Account, execution: str) -> str:
    """Why an execution failed: the action that did, and its own words."""
    for action in _actions(account, execution):
        if action["status"] == "Failed":
            result = action.get("output", {}).get("executionResult", {})
            message = result.get("errorDetails", {}).get("message") or result.get("externalExecutionSummary") or "?"
            where = result.get("externalExecutionUrl", "")
            return f"{action['stageName']} / {action['actionName']}: {message}" + (f" ({where})" if where else "")
    return "no action says why"


def _actions(account: Account, execution: str) -> list[dict[str, Any]]:
    """Newest first."""
    listed = account.client("codepipeline").list_action_executions(
        pipelineName=account.names.image, filter={"pipelineExecutionId": execution}
    )
    return list(listed["actionExecutionDetails"])


def turns(seconds: float) -> Iterator[None]:
    """Looks at AWS, further and further apart, until so much time has passed."""
    deadline, turn = time.monotonic() + seconds, 0
    while time.monotonic() < deadline:
        yield
        time.sleep(_POLL_SECONDS[min(turn, len(_POLL_SECONDS) - 1)])
        turn += 1
