"""Reads a state machine definition written in YAML.

YAML lets a definition name its retry and catch sets once (top-level keys that end in ` Sets`, expanded through
anchors and dropped here; those of `sets.yaml` are there for every definition) and keep its reasons as comments. What
comes out is plain Amazon States Language.
"""

import json
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

import yaml

from statemachine.rules import faults

PROMOTE_MODEL = Path(__file__).with_name("promote-model.asl.yaml")
DEPLOY_STACK = Path(__file__).with_name("deploy-stack.asl.yaml")
CLOSE_RUN = Path(__file__).with_name("close-run.asl.yaml")
DEFINITIONS = (PROMOTE_MODEL, DEPLOY_STACK, CLOSE_RUN)
_SHARED_SETS = Path(__file__).with_name("sets.yaml")

_PLACEHOLDER = re.compile(r"\$\{([A-Za-z0-9]+)\}")


class InvalidDefinition(ValueError):
    """A definition breaks a rule of the house or of the language. One line per fault: file, state, rule."""


def load_definition(path: Path, absent: Collection[str] = ()) -> str:
    """The definition as compact JSON, with its `${Placeholders}` still in place.

    A field that names an `absent` placeholder is left out, and so is what holds nothing else: Step Functions has no
    expression that makes an argument go away.

    Raises:
        InvalidDefinition: not YAML, or a fault that `statemachine.rules` finds.
    """
    definition = _without(read_definition(path), absent)
    found = faults(definition)
    if found:
        raise InvalidDefinition("\n".join(f"{path.name}: {fault}" for fault in found))
    return json.dumps(definition, separators=(",", ":"), ensure_ascii=False)


def read_definition(path: Path) -> dict[str, Any]:
    """The definition as a dictionary, anchors expanded, sets dropped, unchecked."""
    try:
        # One text, because an anchor is known in its own document only.
        document = yaml.safe_load(f"{_SHARED_SETS.read_text(encoding='utf-8')}\n{path.read_text(encoding='utf-8')}")
    except yaml.YAMLError as fault:
        raise InvalidDefinition(f"{path.name}: {fault}") from fault
    if not isinstance(document, dict):
        raise InvalidDefinition(f"{path.name}: holds no definition")
    return {key: value for key, value in document.items() if not key.endswith(" Sets")}


def placeholders(definition: str) -> set[str]:
    """The names of all `${Placeholders}` in a definition's text."""
    return set(_PLACEHOLDER.findall(definition))


def _without(fields: dict[str, Any], absent: Collection[str]) -> dict[str, Any]:
    named = {key: value for key, value in fields.items() if not _names(value, absent)}
    kept = {key: _without(value, absent) if isinstance(value, dict) else value for key, value in named.items()}
    return {key: value for key, value in kept.items() if value != {} or fields[key] == {}}


def _names(value: object, absent: Collection[str]) -> bool:
    return isinstance(value, str) and not placeholders(value).isdisjoint(absent)
