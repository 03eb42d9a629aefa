"""What every definition must hold to: targets exist, states are reached, and no task can hang or fail unseen."""

from collections.abc import Iterator
from typing import Any

State = dict[str, Any]


def faults(definition: dict[str, Any]) -> list[str]:
    """One line per broken rule; empty when all is well."""
    states: dict[str, State] = definition.get("States", {})
    start = definition.get("StartAt")
    if start not in states:
        return [f"StartAt names {start!r}, which is no state"]
    found = [
        f"{name}: goes to {target!r}, which is no state"
        for name, state in states.items()
        for target in targets(state)
        if target not in states
    ]
    found += [f"{name}: is never reached" for name in states if name not in reached(definition)]
    for name, state in states.items():
        found += [f"{name}: {fault}" for fault in _state_faults(name, state)]
    return found


def targets(state: State) -> Iterator[str]:
    """Every state that can come next."""
    for holder in (state, *state.get("Choices", []), *state.get("Catch", [])):
        if "Next" in holder:
            yield holder["Next"]
    if "Default" in state:
        yield state["Default"]


def reached(definition: dict[str, Any]) -> set[str]:
    """The states that a run can enter."""
    states: dict[str, State] = definition["States"]
    seen: set[str] = set()
    waiting = [definition["StartAt"]]
    while waiting:
        name = waiting.pop()
        if name not in seen and name in states:
            seen.add(name)
            waiting += targets(states[name])
    return seen


def _state_faults(name: str, state: State) -> Iterator[str]:
    kind = state.get("Type")
    if len(name) > 80:
        yield "name is longer than 80 characters"
    if kind in ("Choice", "Wait") and not state.get("Comment"):
        yield "has no Comment that says why"
    if kind == "Choice" and not name.endswith("?"):
        yield "is a choice and does not ask a question"
    if kind == "Task":
        yield from _task_faults(state)
    if kind not in ("Choice", "Succeed", "Fail") and not ("Next" in state or state.get("End")):
        yield "leads nowhere"


def _task_faults(state: State) -> Iterator[str]:
    if "TimeoutSeconds" not in state:
        yield "has no TimeoutSeconds and could wait a year"
    if not state.get("Retry"):
        yield "has no Retry for transient faults"
    retried = {name for retrier in state.get("Retry", []) for name in retrier["ErrorEquals"]}
    waits = str(state.get("Resource", "")).endswith((".sync", ".sync:2", ".waitForTaskToken"))
    if waits and "States.Timeout" in retried:
        yield "would wait all over again for what it has waited for in vain"
    if not waits and "States.Timeout" not in retried:
        yield "gives up when a call is not answered once"
    for retrier in state.get("Retry", []):
        if retrier.get("JitterStrategy") != "FULL":
            yield "retries without full jitter"
        if "States.ALL" in retrier["ErrorEquals"]:
            yield "retries every error, its own mistakes included"
    catchers = state.get("Catch", [])
    if not catchers or catchers[-1]["ErrorEquals"] != ["States.ALL"]:
        yield "does not catch every fault"
