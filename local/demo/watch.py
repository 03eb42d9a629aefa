"""Follows one run: yields each state as the execution enters it, and ends with the execution."""

import time
from collections.abc import Iterator
from typing import Any

from commands.drop import Dropped
from commands.history import entered, read_events

_POLL_SECONDS = 0.1
_START_SECONDS = 30


class RunNotStarted(RuntimeError):
    """No execution started for the dropped dataset."""


def find_execution(stepfunctions: Any, machine: str, dropped: Dropped) -> str:
    """Wait for the execution that the drop started, and return its ARN.

    Raises:
        RunNotStarted: none did within half a minute.
    """
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        for execution in stepfunctions.list_executions(stateMachineArn=machine)["executions"]:
            if dropped.version in stepfunctions.describe_execution(executionArn=execution["executionArn"])["input"]:
                return str(execution["executionArn"])
        time.sleep(_POLL_SECONDS)
    raise RunNotStarted(f"nothing started within {_START_SECONDS} s of dropping {dropped.key}")


def follow(stepfunctions: Any, execution: str) -> Iterator[str]:
    """The states in the order of their entering, as they happen; returns when the execution has ended."""
    seen = 0
    while True:
        ended = stepfunctions.describe_execution(executionArn=execution)["status"] != "RUNNING"
        states = [step.state for step in entered(read_events(stepfunctions, execution))]
        yield from states[seen:]
        seen = len(states)
        if ended:
            return
        time.sleep(_POLL_SECONDS)
