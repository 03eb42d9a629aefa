"""From one field of a request to the number that the model takes for it."""

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from container.fields import InvalidField, checked, parse_feature, quoted
from container.schema import Column
from tables.cells import FALSE, TRUE, MissingMarks

Parse = Callable[[Any], float]
_JSON_NAMES: Final = {bool: "boolean", list: "list", dict: "map", int: "number", float: "number"}


def text_parser(column: Column, missing: MissingMarks) -> Parse:
    """For a cell of text/csv."""
    parse = {"number": parse_feature, "boolean": _parse_boolean, "category": _category_parser(column)}[column.kind]
    # What stands for a missing value is looked for first only where it would be taken for a value, like -999.
    look_first = any(_is_value(parse, mark) for mark in missing.spellings())

    def parse_missing(text: str) -> float:
        return math.nan if text in missing else parse(text)

    def parse_present(text: str) -> float:
        try:
            return parse(text)
        except InvalidField:
            if text in missing:
                return math.nan
            raise

    return parse_missing if look_first else parse_present


def _is_value(parse: Callable[[str], float], text: str) -> bool:
    try:
        return not math.isnan(parse(text))
    except InvalidField:
        return False


def json_parser(column: Column) -> Parse:
    """For a value of application/json; null is a missing value."""
    parse = {"number": _json_number, "boolean": _json_boolean, "category": _json_category(column)}[column.kind]
    return lambda value: math.nan if value is None else parse(value)


def number_category(column: Column, number: float) -> float:
    """For a category that is written in digits. Formats without text, and JSON's writers, make 3.0 of 3."""
    if isinstance(number, float) and number.is_integer():
        number = int(number)
    return _category_parser(column)(str(number))


def is_truth(numbers: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Which of them are 1 or 0."""
    return np.isin(numbers, (0, 1))


def _category_parser(column: Column) -> Callable[[str], float]:
    codes = {category: float(code) for code, category in enumerate(column.categories)}
    # A category that training did not see is answered as if it were missing.
    return lambda text: codes.get(text.strip(), math.nan)


def _parse_boolean(text: str) -> float:
    word = text.strip().lower()
    if word in TRUE:
        return 1.0
    if word in FALSE:
        return 0.0
    raise InvalidField(f"{quoted(text)} is neither true nor false")


def _json_number(value: object) -> float:
    if isinstance(value, str):
        raise InvalidField(f"{quoted(value)} is a text, and the column holds numbers")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidField(f"{_shown(value)} is not a number")
    try:
        number = float(value)
    except OverflowError:  # an integer beyond the largest double
        number = math.inf
    return checked(number, str(value))


def _json_boolean(value: object) -> float:
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, str):
        return _parse_boolean(value)
    raise InvalidField(f"{_shown(value)} is neither true nor false")


def _json_category(column: Column) -> Parse:
    parse = _category_parser(column)

    def category(value: object) -> float:
        if isinstance(value, str):
            return parse(value)
        if isinstance(value, bool):
            return parse(str(value).lower())
        if isinstance(value, int | float):
            return number_category(column, value)
        raise InvalidField(f"{_shown(value)} is not a text")

    return category


def _shown(value: object) -> str:
    return quoted(value) if isinstance(value, str) else f"a {_JSON_NAMES[type(value)]}"
