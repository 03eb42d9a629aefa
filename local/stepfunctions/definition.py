"""Reads a definition: moto's parser makes the program, and what it lets pass and AWS refuses is found here."""

import functools
import json
import re
import threading
from collections.abc import Iterator
from typing import Any, Final

from local.stepfunctions import repairs
from local.stepfunctions.jsonata.evaluator import ExpressionFault
from local.stepfunctions.jsonata.references import top_level_names

Json = dict[str, Any]

# The parser keeps what it learns about the grammar for all threads.
_parser: Final = threading.Lock()
# "Maximum definition size" in the quotas.
MOST_CHARACTERS: Final = 1_048_576
_MOST_NAME: Final = 80
_GOING_ON: Final = frozenset({"Task", "Pass", "Wait", "Parallel", "Map"})
# Attribute of a moto component → the field of the definition it was made from.
_FIELDS: Final = {
    "parargs": "Arguments",
    "parameters": "Arguments",
    "output": "Output",
    "assign_decl": "Assign",
    "assign": "Assign",
    "timeout": "TimeoutSeconds",
    "heartbeat": "HeartbeatSeconds",
    "comparison": "Condition",
    "error": "Error",
    "cause": "Cause",
    "items": "Items",
    "item_selector": "ItemSelector",
    "max_concurrency_decl": "MaxConcurrency",
    "credentials": "Credentials/RoleArn",
}
_EXPECTED: Final = {
    "TimeoutSeconds": "integer",
    "HeartbeatSeconds": "integer",
    "Seconds": "integer",
    "MaxConcurrency": "integer",
    "Condition": "boolean",
    "Error": "string",
    "Cause": "string",
    "Timestamp": "string",
}
# What no expression may read: there is no context item, and `$$` would be it.
_CONTEXT: Final = re.compile(r"\$\$|\$(?![\w$])")
_CHOICE: Final = re.compile(r"^Choices\[\d+\]/(?=Condition$)")
_STRINGS: Final = re.compile(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|/(?:\\.|[^\\/\n])+/[im]*(?=\s*[,)])|`[^`]*`")


class InvalidDefinition(ValueError):
    """One diagnostic per fault, as ``CODE: message at /States/…``."""

    def __init__(self, diagnostics: list[str]) -> None:
        super().__init__("; ".join(diagnostics))
        self.diagnostics = diagnostics


@functools.lru_cache(maxsize=64)
def program(definition: str) -> Any:
    """The program, ready to run and shared by all executions of this text. Raises InvalidDefinition."""
    document = _document(definition)
    found = list(_structural_faults(document))
    if found:
        raise InvalidDefinition(found)
    parsed = _parsed(definition)
    _note_fields(parsed, "")
    found = [fault for field, expression in _expressions(parsed) for fault in _expression_faults(field, expression)]
    if found:
        raise InvalidDefinition(found)
    return parsed


def resources(definition: str) -> set[str]:
    """Every Resource that a Task of the definition names."""
    return {state["Resource"] for state in _states(json.loads(definition)) if isinstance(state.get("Resource"), str)}


def _document(definition: str) -> Json:
    if len(definition) > MOST_CHARACTERS:
        raise InvalidDefinition([f"MAX_LENGTH: The definition is longer than {MOST_CHARACTERS} characters"])
    try:
        document = json.loads(definition)
    except ValueError as fault:
        raise InvalidDefinition([f"INVALID_JSON_DESCRIPTION: {fault}"]) from fault
    if not isinstance(document, dict):
        raise InvalidDefinition(["INVALID_JSON_DESCRIPTION: The definition is no object"])
    return document


def _parsed(definition: str) -> Any:
    repairs.apply()
    from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser, ASLParserException

    try:
        with _parser:
            return AmazonStateLanguageParser.parse(definition)[0]
    except ASLParserException as fault:
        raise InvalidDefinition([f"SCHEMA_VALIDATION_FAILED: {error}" for error in fault.errors]) from fault
    except Exception as fault:
        raise InvalidDefinition([f"SCHEMA_VALIDATION_FAILED: {fault}"]) from fault


def _states(container: Json) -> Iterator[Json]:
    for _, state in _named_states(container, ""):
        yield state


def _named_states(container: Json, path: str) -> Iterator[tuple[str, Json]]:
    states = container.get("States")
    if not isinstance(states, dict):
        return
    for name, state in states.items():
        if isinstance(state, dict):
            yield f"{path}/States/{name}", state
            for part, inner in _inner(state):
                yield from _named_states(inner, f"{path}/States/{name}/{part}")


def _inner(state: Json) -> Iterator[tuple[str, Json]]:
    for key in ("ItemProcessor", "Iterator"):
        if isinstance(state.get(key), dict):
            yield key, state[key]
    branches = state.get("Branches")
    for index, branch in enumerate(branches if isinstance(branches, list) else []):
        if isinstance(branch, dict):
            yield f"Branches[{index}]", branch


def _structural_faults(document: Json) -> Iterator[str]:
    yield from _container_faults(document, "")
    for path, state in _named_states(document, ""):
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
            yield f"SCHEMA_VALIDATION_FAILED: A state name must not have more than {_MOST_NAME} characters at {path}/States/{name}"
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


def _note_fields(component: Any, path: str) -> None:
    """Tell each expression which field it stands in, for its errors, and what the field expects."""
    states = getattr(getattr(component, "states", None), "states", None)
    for name, state in (states or {}).items():
        _note_state(state, f"{path}/States/{name}")


def _note_state(state: Any, path: str) -> None:
    for attribute, value in vars(state).items():
        if attribute in _FIELDS:
            _note(value, _FIELDS[attribute], path)
    if hasattr(state, "wait_function"):
        _note(state.wait_function, "Timestamp" if hasattr(state.wait_function, "string") else "Seconds", path)
    for index, rule in enumerate(getattr(getattr(state, "choices_decl", None), "rules", ())):
        for attribute in ("comparison", "assign", "output"):
            _note(getattr(rule, attribute), f"Choices[{index}]/{_FIELDS[attribute]}", path)
    for index, catcher in enumerate(getattr(getattr(state, "catch", None), "catchers", ())):
        for attribute in ("assign", "output"):
            _note(getattr(catcher, attribute), f"Catch[{index}]/{_FIELDS[attribute]}", path)
    for index, branch in enumerate(getattr(getattr(state, "branches", None), "programs", ())):
        _note_fields(branch, f"{path}/Branches[{index}]")
    iteration = getattr(state, "iteration_component", None)
    if iteration is not None:
        _note_fields(_Container(iteration), f"{path}/ItemProcessor")


class _Container:
    def __init__(self, iteration: Any) -> None:
        self.states = iteration._states


def _note(component: Any, field: str, path: str) -> None:
    if isinstance(component, (list, tuple)):
        for index, item in enumerate(component):
            _note(item, field if _has_identifier(item) else f"{field}[{index}]", path)
        return
    identifier = getattr(component, "identifier", None)
    if isinstance(identifier, str):
        field = f"{field}/{identifier}"
    if isinstance(getattr(component, "expression", None), str):
        component.field, component.path = field, f"{path}/{field}"
        component.expected_type = _EXPECTED.get(_CHOICE.sub("", field))
        return
    for value in vars(component).values() if _is_component(component) else ():
        _note(value, field, path)


def _is_component(value: Any) -> bool:
    from moto.stepfunctions.parser.asl.component.component import Component

    return isinstance(value, Component)


def _has_identifier(component: Any) -> bool:
    return isinstance(getattr(getattr(component, "binding", component), "identifier", None), str)


def _expressions(component: Any, seen: set[int] | None = None) -> Iterator[tuple[str, str]]:
    seen = set() if seen is None else seen
    if id(component) in seen:
        return
    seen.add(id(component))
    if isinstance(component, dict):
        children: Any = component.values()
    elif isinstance(component, (list, tuple)):
        children = component
    elif _is_component(component):
        if hasattr(component, "path") and isinstance(getattr(component, "expression", None), str):
            yield component.path, component.expression
        children = vars(component).values()
    else:
        return
    for child in children:
        yield from _expressions(child, seen)


def _expression_faults(path: str, expression: str) -> Iterator[str]:
    try:
        names = top_level_names(expression)
    except ExpressionFault as fault:
        yield f"INVALID_JSONATA_EXPRESSION: {fault.message} at {path}"
        return
    for name in names:
        yield f"UNSUPPORTED_JSONATA_EXPRESSION: Reference to '{name}' at the top level is not supported. at {path}"
    bare = _STRINGS.sub("", expression)
    if "$states.errorOutput" in bare and "/Catch[" not in path:
        yield f"UNSUPPORTED_JSONATA_EXPRESSION: Reference to '$states.errorOutput' is not supported at {path}"
    match = _CONTEXT.search(bare)
    if match and match[0] == "$$":
        yield f"UNSUPPORTED_JSONATA_EXPRESSION: Reference to '$$' is not supported at {path}"
