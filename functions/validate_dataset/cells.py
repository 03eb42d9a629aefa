"""The cells of a line, and what a cell may hold: the rules of the training container's reader, or stricter ones.

What is accepted here must not fail there, after a cluster was started and paid for.
"""

import csv
import math
import re
from collections.abc import Sequence

# Names of columns and classes stand in mails, on the approval page and in every answer of the endpoint.
LONGEST_NAME_CHARACTERS = 100
# Models compute in single precision. From here on a number rounds to infinity: half a unit in the last place above
# the largest finite one.
SINGLE_PRECISION_OVERFLOW = (2 - 2**-24) * 2.0**127

# The csv module refuses longer cells.
_LONGEST_CELL_CHARACTERS = 131_072
_BLANKS = " \t"
_MISSING = frozenset({"", "nan"})
_INFINITE = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)
# Python's float() takes more than other readers of CSV do: digit separators, digits of other scripts.
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_LARGEST_EXACT_INTEGER = 2**53
_SHOWN_CHARACTERS = 40


class BrokenQuotes(ValueError):
    """A quote that is not closed in its line, or a cell that is too long for a cell."""


def split_cells(line: str) -> list[str]:
    """The cells of one line. A quoted cell may hold commas, but no line end: one line is one row.

    Raises:
        BrokenQuotes: the quotes of the line do not match.
    """
    if '"' not in line and len(line) <= _LONGEST_CELL_CHARACTERS:
        return line.split(",")
    try:
        return next(csv.reader([line], strict=True))
    except csv.Error as fault:
        raise BrokenQuotes(f"not readable as CSV: {fault}") from fault


def is_missing(cell: str) -> bool:
    """Nothing, or nan."""
    return cell.strip(_BLANKS).lower() in _MISSING


def are_plain_numbers(cells: Sequence[str]) -> bool:
    """Whether all cells are numbers that need no closer look. Fast; False may only mean "look at each"."""
    try:
        # A missing or infinite cell makes the sum nan or inf, and neither is below the limit.
        if not sum(map(abs, map(float, cells))) < SINGLE_PRECISION_OVERFLOW:
            return False
    except ValueError:
        return False
    text = "".join(cells)
    return text.isascii() and text.isprintable() and "_" not in text


def number_fault(cell: str) -> str | None:
    """What keeps a cell from being a number, as the end of a sentence; None when nothing does."""
    text = cell.strip(_BLANKS)
    if _INFINITE.fullmatch(text):
        return f"{show(cell)} is infinite"
    if not _NUMBER.fullmatch(text):
        return f"{show(cell)} is not a number (leave a cell empty where a value is missing)"
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
    if not math.isfinite(number):
        return None
    # Beyond 2**53 a float no longer tells neighbouring integers apart: such a label stays as it is written.
    return int(number) if number.is_integer() and abs(number) < _LARGEST_EXACT_INTEGER else number


def name_fault(name: str) -> str | None:
    """What keeps a text from being the name of a column or class, as the end of a sentence."""
    if len(name) > LONGEST_NAME_CHARACTERS:
        return f"{show(name)} is longer than {LONGEST_NAME_CHARACTERS} characters"
    if not name.isprintable():
        return f"{show(name)} holds characters that cannot be printed"
    return None


def show(cell: str) -> str:
    """A cell as it may stand in a mail: short, on one line, control characters made visible."""
    shown = cell if len(cell) <= _SHOWN_CHARACTERS else cell[:_SHOWN_CHARACTERS] + "…"
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in f'"{shown}"')
