"""What a cell may hold: one rule when a dataset is judged, when it is trained on, and when a request is answered."""

import itertools
import re
from collections.abc import Iterable
from typing import Final

# Names of columns and classes stand in mails, on the approval page and in every answer of the endpoint.
LONGEST_NAME_CHARACTERS: Final = 100
# Models compute in single precision. From here on a number rounds to infinity: half a unit in the last place above
# the largest finite one.
SINGLE_PRECISION_OVERFLOW: Final = (2 - 2**-24) * 2.0**127
TRUE: Final = frozenset({"true", "yes", "t", "y"})
FALSE: Final = frozenset({"false", "no", "f", "n"})

DECIMAL_COMMA: Final = "^([+-]?[0-9]+),([0-9]+)$"
"""A number as it is written in many countries, and other programs do not read it."""

_INFINITE: Final = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)
# Python's float() takes more than other readers of CSV do: digit separators, digits of other scripts.
_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_DECIMAL_COMMA: Final = re.compile(DECIMAL_COMMA)
_INTEGER: Final = re.compile(r"[+-]?\d{1,18}", re.ASCII)
# What other programs write for a missing value, in lower case.
_USUAL_MARKS: Final = frozenset({"na", "n/a", "null", "none", "?", "-", "#n/a", "nil", "."})
_MIXED_UP_TO_LETTERS: Final = 4
_LARGEST_EXACT_INTEGER: Final = 2**53
_SHOWN_CHARACTERS: Final = 40


class MissingMarks:
    """What stands for a missing value, in upper or lower case, beside nothing and `nan`."""

    def __init__(self, marks: Iterable[str]) -> None:
        self._lower = {"", "nan", *(mark.strip().lower() for mark in marks)}

    def __contains__(self, cell: str) -> bool:
        return cell.strip().lower() in self._lower

    def spellings(self) -> list[str]:
        """Every way in which they are written: short ones in all mixtures of upper and lower case."""
        short = {mark for mark in self._lower if len(mark) <= _MIXED_UP_TO_LETTERS}
        mixed = ("".join(letters) for mark in short for letters in itertools.product(*({c, c.upper()} for c in mark)))
        long = (spelt for mark in self._lower - short for spelt in (mark, mark.upper(), mark.capitalize()))
        return sorted({*mixed, *long})


def number_fault(cell: str) -> str | None:
    """What keeps a cell from being a number, as the end of a sentence; None when nothing does."""
    text = cell.strip()
    if _INFINITE.fullmatch(text):
        return f"{show(cell)} is infinite"
    if text.lower() in _USUAL_MARKS:
        return f"{show(cell)} is not a number; leave the cell empty where a value is missing, or set missing_values"
    if _DECIMAL_COMMA.fullmatch(text):
        return f"{show(cell)} is not a number; write a point before decimals"
    if not _NUMBER.fullmatch(text):
        return f"{show(cell)} is not a number"
    if abs(float(text)) >= SINGLE_PRECISION_OVERFLOW:
        return f"{show(cell)} is too large for single precision"
    return None


def label_number(label: str) -> int | float | None:
    """The number that a label is, however it is written: `1`, `1.000` and `1e0` are one; None for text."""
    if _INTEGER.fullmatch(label):
        return int(label)
    if not _NUMBER.fullmatch(label):
        return None
    number = float(label)
    # From 2**53 on a float no longer tells neighbouring integers apart: such a label stays as it is written.
    if abs(number) >= _LARGEST_EXACT_INTEGER:
        return None
    return int(number) if number.is_integer() else number


def name_fault(name: str) -> str | None:
    """What keeps a text from being the name of a column or class, as the end of a sentence."""
    if len(name) > LONGEST_NAME_CHARACTERS:
        return f"{show(name)} is longer than {LONGEST_NAME_CHARACTERS} characters"
    if not name.isprintable():
        return f"{show(name)} holds characters that cannot be printed"
    return None


def show_number(number: float) -> str:
    """A number as people write it: digits where they tell something, no exponent where it can be left out."""
    return f"{number:.15g}"


def show(cell: str) -> str:
    """A cell as it may stand in a mail: short, on one line, control characters made visible."""
    shown = cell if len(cell) <= _SHOWN_CHARACTERS else cell[:_SHOWN_CHARACTERS] + "…"
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in f'"{shown}"')
