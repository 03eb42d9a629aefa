"""Which stacks an operation is working on: what the others consist of is durable before anyone reads they are done."""

import sys


def finished_stacks() -> frozenset[tuple[str, str]]:
    """(stack id, status) of each stack that is not IN_PROGRESS; none while CloudFormation is not in use."""
    return frozenset(stack for stack in _statuses() if not _in_progress(stack))


def any_in_progress() -> bool:
    """Whether an operation is working on a stack now: it changes state without any call from outside."""
    return any(_in_progress(stack) for stack in _statuses())


def _in_progress(stack: tuple[str, str]) -> bool:
    return stack[1].endswith("IN_PROGRESS") and stack[1] != "REVIEW_IN_PROGRESS"


def _statuses() -> list[tuple[str, str]]:
    loaded = sys.modules.get("ministack.services.cloudformation")
    stacks = list(loaded._stacks._data.values()) if loaded is not None else []
    return [(stack["StackId"], stack["StackStatus"]) for stack in stacks]
