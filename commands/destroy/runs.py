"""Ends the runs, so that nothing is brought up while everything is taken down."""

import time
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from commands.account import Account
from commands.stacks import Resource, list_resources, list_stacks

_CAUSE = "The deployment is being removed (make destroy)."
_MACHINES = ("promote-model", "close-run", "deploy-stack")
# close-run begins within seconds of a run's end; then it may restore a champion, which is to be removed all the same.
_CLOSING_SECONDS = 60
_ENDING_SECONDS = 120
_POLL_SECONDS = 1.0


def end_runs(account: Account, say: Callable[[str], None]) -> None:
    """Take no more datasets, stop every run, let close-run tell people, and stop what is still going on."""
    workflow = _workflow(account)
    _disable_rule(account, workflow)
    stepfunctions = account.client("stepfunctions")
    machines = _machines(workflow)
    runs, closings, deployments = (machines.get(name) for name in _MACHINES)
    stopped = _stop(stepfunctions, runs)
    if stopped:
        say(f"Stopped {len(stopped)} runs")
        _await(lambda: _closed(stepfunctions, closings, stopped), _CLOSING_SECONDS)
    _await(lambda: not _running(stepfunctions, closings), _CLOSING_SECONDS)
    going_on = [each for machine in (closings, deployments) for each in _stop(stepfunctions, machine)]
    _await(lambda: not any(_running(stepfunctions, machine) for machine in machines.values()), _ENDING_SECONDS)
    if going_on:
        say(f"Stopped {len(going_on)} deployments and closings that were under way")


def _workflow(account: Account) -> list[Resource]:
    """What the workflow's stack lists: machines and rules of such names elsewhere in the account are not ours."""
    name = account.names.stack("workflow")
    listed = [
        each for stack in list_stacks(account) if stack.name == name for each in list_resources(account, stack.arn)
    ]
    # There is no physical id where the creation failed.
    return [each for each in listed if each.physical and each.status != "DELETE_COMPLETE"]


def _disable_rule(account: Account, workflow: list[Resource]) -> None:
    events, name = account.client("events"), account.names.stack("dataset-dropped")
    if name not in [each.physical.rpartition("/")[2] for each in workflow if each.kind == "AWS::Events::Rule"]:
        return
    try:
        events.disable_rule(Name=name)
    except events.exceptions.ResourceNotFoundException:
        return


def _machines(workflow: list[Resource]) -> dict[str, str]:
    """ARNs by name."""
    arns = [each.physical for each in workflow if each.kind == "AWS::StepFunctions::StateMachine"]
    return {arn.rpartition(":")[2]: arn for arn in arns}


def _stop(stepfunctions: Any, machine: str | None) -> list[str]:  # noqa: ANN401 -- a boto3 client
    running = _running(stepfunctions, machine)
    for execution in running:
        try:
            stepfunctions.stop_execution(executionArn=execution, error="DeploymentRemoved", cause=_CAUSE)
        except ClientError as fault:
            if fault.response["Error"]["Code"] not in ("ExecutionDoesNotExist", "ValidationException"):
                raise
    return running


def _running(stepfunctions: Any, machine: str | None) -> list[str]:  # noqa: ANN401 -- a boto3 client
    """Of a machine that is gone nothing runs any more, whatever its stack lists."""
    if machine is None:
        return []
    pages = stepfunctions.get_paginator("list_executions").paginate(stateMachineArn=machine, statusFilter="RUNNING")
    try:
        return [each["executionArn"] for page in pages for each in page["executions"]]
    except stepfunctions.exceptions.StateMachineDoesNotExist:
        return []


def _closed(stepfunctions: Any, machine: str | None, runs: list[str]) -> bool:  # noqa: ANN401 -- a boto3 client
    """Whether close-run has worked for every run. Its newest executions are those of the runs just stopped."""
    if machine is None:
        return True
    try:
        listed = stepfunctions.list_executions(stateMachineArn=machine, maxResults=1000)["executions"]
    except stepfunctions.exceptions.StateMachineDoesNotExist:
        return True
    ended = [each["executionArn"] for each in listed if each["status"] != "RUNNING"]
    inputs = [stepfunctions.describe_execution(executionArn=each).get("input", "") for each in ended[: 3 * len(runs)]]
    return all(any(run in text for text in inputs) for run in runs)


def _await(done: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not done() and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
