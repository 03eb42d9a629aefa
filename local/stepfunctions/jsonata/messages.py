"""The engine's errors in the words of JSONata's reference implementation, which are AWS's."""

import json
import re
from typing import Any

from jsonata.jexception import JException

# The port says "Object" where the original says "function".
_FUNCTIONS = re.compile(r"\bObject\b")
_TYPES = {"n": "numbers", "s": "strings", "b": "booleans", "o": "objects", "a": "arrays", "f": "functions"}
_PLACEHOLDER = re.compile(r"(\$?)\{\{(\{?)\w+\}?\}\}")


def code_and_message(fault: JException) -> tuple[str, str]:
    """For example ("T0410", 'Argument 1 of function "abs" does not match function signature')."""
    template = JException.error_codes.get(fault.error)
    if template is None:
        return "", str(fault.args[0]) if fault.args else str(fault.error)
    extra = _TYPES.get(fault.extra, fault.extra) if fault.error == "T0412" else fault.extra
    values = iter((fault.current, fault.expected, extra))
    template = _FUNCTIONS.sub("function", template)
    return fault.error, _PLACEHOLDER.sub(lambda match: _filled(match, next(values, None)), template)


def _filled(placeholder: re.Match[str], value: Any) -> str:
    raw = bool(placeholder[2]) or isinstance(value, (int, float))
    return placeholder[1] + (str(value) if raw else json.dumps(value, ensure_ascii=False, default=str))
