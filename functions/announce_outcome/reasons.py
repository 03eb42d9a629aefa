"""The human reason inside a Step Functions cause.

A cause is plain text, or the JSON of a failed SageMaker job, Lambda invocation or child execution, one inside the
other, and it may have been cut off in the middle.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

MAXIMUM_REASON_CHARACTERS = 4_000

# In order of what they tell: a job's own words, a function's, a child execution's, a resource's.
_TELLING = ("FailureReason", "errorMessage", "Cause", "cause", "StatusReason", "Message", "message")
_NESTED_AT_MOST = 8
_ANY_TELLING = "|".join(_TELLING)
_CUT_OFF = re.compile(rf'"({_ANY_TELLING})"\s*:\s*"((?:[^"\\]|\\.)*)')

_WITHOUT_CAUSE = {
    "States.Timeout": "A step took longer than its time limit.",
    "States.HeartbeatTimeout": "A step stopped answering.",
    "States.Permissions": "The state machine's role lacks a right.",
    "Sandbox.Timedout": "A function took longer than its time limit.",
}
_STATUSES = {
    "MaxRuntimeExceeded": "The job reached its time limit (training.maximum_seconds).",
    "MaxWaitTimeExceeded": "The job waited for its instances longer than its limit.",
    "Stopped": "The job was stopped.",
}


def human_reason(error: str, cause: str) -> str:
    """What a person should read first. Never fails; an unknown form is given back as it came, cleaned."""
    told = _dig(cause, _NESTED_AT_MOST).strip()
    return _clean(told or _WITHOUT_CAUSE.get(error) or error)


def _dig(text: str, depth: int) -> str:
    if depth == 0 or not text.lstrip().startswith("{"):
        return text
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return _dig_cut_off(text, depth)
    if not isinstance(document, dict):
        return text
    return _dig_document(document, text, depth)


def _dig_document(document: Mapping[str, Any], text: str, depth: int) -> str:
    for name in _TELLING:
        value = document.get(name)
        if isinstance(value, str) and value.strip():
            return _dig(value, depth - 1)
        if isinstance(value, dict):
            return _dig(json.dumps(value), depth - 1)
    for status in (document.get("SecondaryStatus"), document.get("TrainingJobStatus")):
        if status in _STATUSES:
            return _STATUSES[status]
    named = document.get("errorType") or document.get("Error")
    return named if isinstance(named, str) else text


def _dig_cut_off(text: str, depth: int) -> str:
    """The first telling field that is still there, however its text ends."""
    found = {match[1]: match[2] for match in reversed(list(_CUT_OFF.finditer(text)))}
    for name in _TELLING:
        if name in found:
            return _dig(_unescape(found[name]), depth - 1)
    return text


def _unescape(escaped: str) -> str:
    try:
        return str(json.loads(f'"{escaped}"'))
    except ValueError:
        return escaped


def _clean(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = "".join(character if character == "\n" or character.isprintable() else " " for character in text).strip()
    if len(text) <= MAXIMUM_REASON_CHARACTERS:
        return text
    return text[:MAXIMUM_REASON_CHARACTERS].rstrip() + " …"
