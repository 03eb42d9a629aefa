"""Which field of the definition an expression stands in: for its errors, for what the field expects, and for checks."""

import re
from collections.abc import Iterator
from typing import Any, Final

from local.stepfunctions.jsonata.evaluator import ExpressionFault
from local.stepfunctions.jsonata.references import top_level_names

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
_CHOICE: Final = re.compile(r"^Choices\[\d+\]/(?=Condition$)")
_STRINGS: Final = re.compile(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|/(?:\\.|[^\\/\n])+/[im]*(?=\s*[,)])|`[^`]*`")


def note_fields(component: Any, path: str) -> None:
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
        note_fields(branch, f"{path}/Branches[{index}]")
    iteration = getattr(state, "iteration_component", None)
    if iteration is not None:
        note_fields(_Container(iteration), f"{path}/ItemProcessor")


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


def expressions(component: Any, seen: set[int] | None = None) -> Iterator[tuple[str, str]]:
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
        yield from expressions(child, seen)


def expression_faults(path: str, expression: str) -> Iterator[str]:
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
    if "$$" in bare:
        yield f"UNSUPPORTED_JSONATA_EXPRESSION: Reference to '$$' is not supported at {path}"
