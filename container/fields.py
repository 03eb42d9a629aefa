"""How the text of one feature becomes a number: the same rule when training and when serving."""

import math
from typing import Final

from tables.cells import SINGLE_PRECISION_OVERFLOW

_SHOWN_CHARACTERS: Final = 40


class InvalidField(ValueError):
    """The text is no feature value; the message says why."""


def parse_feature(text: str) -> float:
    """The value of one field; NaN for a missing value, which is an empty field or `nan`.

    Raises:
        InvalidField: not a decimal number, or one that a 32-bit float cannot hold.
    """
    try:
        value = float(text)
    except ValueError:
        if not text.strip(" \t"):
            return math.nan
        raise InvalidField(f"{quoted(text)} is not a number") from None
    # float() also reads Python's 1_000, the digits of every script, and a NaN with a sign.
    if "_" in text or not text.isascii() or (math.isnan(value) and len(text.strip()) > len("nan")):
        raise InvalidField(f"{quoted(text)} is not a number")
    return checked(value, text)


def checked(value: float, text: str) -> float:
    """`value` itself when a 32-bit float can hold it.

    Raises:
        InvalidField: infinite, or too large; the message shows `text`.
    """
    if abs(value) >= SINGLE_PRECISION_OVERFLOW:
        raise InvalidField(f"{quoted(text)} is infinite or too large for a 32-bit float")
    return value


def quoted(text: str) -> str:
    """Text from outside as one short line of printable ASCII."""
    shown = text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "..."
    return ascii(shown)


def column_title(position: int, names: tuple[str, ...] | None) -> str:
    """How messages call the column at `position` (from 0): `column 3`, with its name when it has one."""
    return f"column {position + 1}" + (f" ({quoted(names[position])})" if names else "")
