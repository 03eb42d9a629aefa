"""Carries values into and out of the JSONata engine."""

import decimal
import json
import math
from typing import Any, Final

from jsonata.jsonata import Jsonata
from jsonata.parser import Parser
from jsonata.utils import Utils


class Undefined:
    """JSONata's "nothing", which JSON cannot say and Step Functions refuses."""

    def __repr__(self) -> str:
        return "undefined"


UNDEFINED: Final = Undefined()


class UnsupportedResult(TypeError):
    """A result that is no JSON: a function or a regular expression."""


def to_engine(value: Any) -> Any:
    """A variable's value. The engine knows nulls inside a value as such, but takes a variable of None for undefined."""
    return Utils.NULL_VALUE if value is None else value


def from_engine(value: Any) -> Any:
    """Plain JSON, sharing nothing with what the engine read. Raises UnsupportedResult."""
    if value is None:
        return UNDEFINED
    return _plain(value)


def _plain(value: Any) -> Any:
    if value is None or value is Utils.NULL_VALUE:
        return None
    if isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    raise UnsupportedResult(type(value).__name__)


def _number(value: float) -> int | float:
    if not math.isfinite(value):
        raise UnsupportedResult("a number that JSON cannot hold")
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def to_json(value: Any, *, indent: str | None = None) -> str:
    """What `$string` makes of a structure: JavaScript's JSON, numbers to 15 digits, functions as empty strings."""
    separators = None if indent else (",", ":")
    return json.dumps(_stringified(value), ensure_ascii=False, separators=separators, indent=indent)


def _stringified(value: Any) -> Any:
    if value is None or value is Utils.NULL_VALUE:
        return None
    if isinstance(value, (Jsonata.JFunctionCallable, Parser.Symbol)):
        return ""
    if isinstance(value, float):
        return _number(float(decimal.Context(prec=15).create_decimal_from_float(value)))
    if isinstance(value, dict):
        return {key: _stringified(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_stringified(item) for item in value]
    return value
