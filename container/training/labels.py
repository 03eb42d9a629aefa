"""From the labels' text to classes."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from container.fields import quoted
from container.schema import LabelType

Class = TypeVar("Class", int, str)
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,18}")


class InvalidLabel(ValueError):
    """The text names no class; the message says why."""


@dataclass(frozen=True)
class Labels:
    """`positions[row]` is the row's class as its position in `classes`, which are in ascending order."""

    classes: tuple[int, ...] | tuple[str, ...]
    label_type: LabelType
    positions: NDArray[np.int64]


def parse_label(text: str) -> str:
    """The label without the blanks around it.

    Raises:
        InvalidLabel: missing (empty or `nan`), or more than one line of text.
    """
    label = text.strip()
    if not label or label.lower() == "nan":
        raise InvalidLabel("missing label")
    if not label.isprintable():  # an answer is one line
        raise InvalidLabel(f"the label {quoted(label)} has characters that cannot be printed")
    return label


def encode(labels: Sequence[str]) -> Labels:
    """Classes from parsed labels.

    When all are whole numbers, however written, the classes are integers: `0`, `0.000` and `0e0` are one. Other
    numbers are compared as numbers too; where one label is no number, all are text.
    """
    numbers = {text: _number(text) for text in set(labels)}
    integers = {text: number for text, number in numbers.items() if isinstance(number, int)}
    if len(integers) == len(numbers):
        return _labels(labels, integers, "integer")
    if None in numbers.values():
        return _labels(labels, {text: text for text in numbers}, "text")
    return _labels(labels, {text: str(number) for text, number in numbers.items()}, "text")


def _labels(labels: Sequence[str], names: Mapping[str, Class], label_type: LabelType) -> Labels:
    classes = tuple(sorted(set(names.values())))
    ranks = {name: position for position, name in enumerate(classes)}
    positions = np.fromiter((ranks[names[label]] for label in labels), dtype=np.int64, count=len(labels))
    return Labels(classes, label_type, positions)


def _number(text: str) -> int | float | None:
    if _INTEGER.fullmatch(text):
        return int(text)
    try:
        value = float(text)
    except ValueError:
        return None
    if "_" in text or not text.isascii() or not math.isfinite(value):
        return None
    # Beyond 2**53 a float no longer tells neighbouring integers apart: such a label stays as it is written.
    return int(value) if value.is_integer() and abs(value) < 2**53 else value
