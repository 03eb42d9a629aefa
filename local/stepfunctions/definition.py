"""Reads a definition: moto's parser makes the program, and what it lets pass and AWS refuses is found here."""

import functools
import json
import threading
from typing import Any, Final

from local.stepfunctions import repairs
from local.stepfunctions.fields import expression_faults, expressions, note_fields
from local.stepfunctions.structure import states, structural_faults

Json = dict[str, Any]

# The parser keeps what it learns about the grammar for all threads.
_parser: Final = threading.Lock()
# "Maximum definition size" in the quotas.
MOST_CHARACTERS: Final = 1_048_576


class InvalidDefinition(ValueError):
    """One diagnostic per fault, as ``CODE: message at /States/…``."""

    def __init__(self, diagnostics: list[str]) -> None:
        super().__init__("; ".join(diagnostics))
        self.diagnostics = diagnostics


@functools.lru_cache(maxsize=64)
def program(definition: str) -> Any:
    """The program, ready to run and shared by all executions of this text. Raises InvalidDefinition."""
    document = _document(definition)
    found = list(structural_faults(document))
    if found:
        raise InvalidDefinition(found)
    parsed = _parsed(definition)
    note_fields(parsed, "")
    found = [fault for field, expression in expressions(parsed) for fault in expression_faults(field, expression)]
    if found:
        raise InvalidDefinition(found)
    return parsed


def resources(definition: str) -> set[str]:
    """Every Resource that a Task of the definition names."""
    return {state["Resource"] for state in states(json.loads(definition)) if isinstance(state.get("Resource"), str)}


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
