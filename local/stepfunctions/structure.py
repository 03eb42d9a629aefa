"""What is wrong with a definition's states and transitions that moto's parser lets pass and AWS refuses."""

from collections.abc import Iterator
from typing import Any, Final

Json = dict[str, Any]

_MOST_NAME: Final = 80
_GOING_ON: Final = frozenset({"Task", "Pass", "Wait", "Parallel", "Map"})


def states(container: Json) -> Iterator[Json]:
    for _, state in named_states(container, ""):
        yield state


def named_states(container: Json, path: str) -> Iterator[tuple[str, Json]]:
    states = container.get("States")
    if not isinstance(states, dict):
        return
    for name, state in states.items():
        if isinstance(state, dict):
            yield f"{path}/States/{name}", state
            for part, inner in _inner(state):
                yield from named_states(inner, f"{path}/States/{name}/{part}")


def _inner(state: Json) -> Iterator[tuple[str, Json]]:
    for key in ("ItemProcessor", "Iterator"):
        if isinstance(state.get(key), dict):
            yield key, state[key]
    branches = state.get("Branches")
    for index, branch in enumerate(branches if isinstance(branches, list) else []):
        if isinstance(branch, dict):
            yield f"Branches[{index}]", branch


def structural_faults(document: Json) -> Iterator[str]:
    yield from _container_faults(document, "")
    for path, state in named_states(document, ""):
        for part, inner in _inner(state):
            yield from _container_faults(inner, f"{path}/{part}")
            if inner.get("ProcessorConfig", {}).get("Mode") == "DISTRIBUTED":
                yield f"SCHEMA_VALIDATION_FAILED: The embedded cloud runs inline Map states only at {path}/{part}"
        if ":activity:" in str(state.get("Resource", "")):
            yield f"SCHEMA_VALIDATION_FAILED: The embedded cloud has no activities at {path}/Resource"


def _container_faults(container: Json, path: str) -> Iterator[str]:
    states = container.get("States")
    if not isinstance(states, dict) or not states:
        yield f"SCHEMA_VALIDATION_FAILED: The field 'States' is required but was missing at {path or '/'}"
        return
    start = container.get("StartAt")
    if start not in states:
        yield f"MISSING_TRANSITION_TARGET: Missing 'Next' target: {start} at {path}/StartAt"
    for name, state in states.items():
        if len(name) > _MOST_NAME:
            limit = f"A state name must not have more than {_MOST_NAME} characters"
            yield f"SCHEMA_VALIDATION_FAILED: {limit} at {path}/States/{name}"
        if isinstance(state, dict):
            if state.get("Type") in _GOING_ON and "Next" not in state and state.get("End") is not True:
                yield f"SCHEMA_VALIDATION_FAILED: Either 'Next' or 'End' is required at {path}/States/{name}"
            for target, where in _targets(state):
                if target not in states:
                    yield f"MISSING_TRANSITION_TARGET: Missing 'Next' target: {target} at {path}/States/{name}/{where}"


def _targets(state: Json) -> Iterator[tuple[Any, str]]:
    for field in ("Next", "Default"):
        if field in state:
            yield state[field], field
    for field in ("Choices", "Catch"):
        rules = state.get(field)
        for index, rule in enumerate(rules if isinstance(rules, list) else []):
            if isinstance(rule, dict) and "Next" in rule:
                yield rule["Next"], f"{field}[{index}]/Next"
