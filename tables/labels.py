"""The label column: whether it holds classes or numbers, and what they are."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tables.cells import label_number, name_fault, show
from tables.dictionary import UNKNOWN, Dictionary
from tables.findings import Finding, UnusableTable, first_of
from tables.kinds import LabelType, Task

Class = TypeVar("Class", int, str)
# A label with more values than this is a number or an identifier; counting them all would fill the memory.
MAXIMUM_CLASSES: Final = 1_000
# Where the settings do not say the task, numbers are taken for classes up to so many different ones.
_MOST_WHOLE_CLASSES: Final = 100
_MOST_FRACTIONAL_CLASSES: Final = 10


@dataclass(frozen=True)
class Classes:
    """What a classification tells apart. `positions[id]` is where a text of the dictionary stands in `names`, which
    are in ascending order.
    """

    names: tuple[int, ...] | tuple[str, ...]
    label_type: LabelType
    positions: NDArray[np.int64]


@dataclass(frozen=True)
class LabelCells:
    """One block's labels, as far as they can still be either."""

    ids: NDArray[np.int32] | None
    """Numbers in the dictionary of texts; None once there are too many for classes."""
    numbers: NDArray[np.float64] | None
    """None once a label was no number."""


class LabelColumn:
    """Takes the label's cells block by block, and tells what they are."""

    def __init__(self) -> None:
        self._texts = Dictionary(MAXIMUM_CLASSES)
        self._first_text: str | None = None

    def add(self, cells: pl.Series, blame: Callable[[int, Finding], None]) -> LabelCells:
        """`cells` are stripped texts, null where missing; `blame` hears of each row of theirs that is at fault."""
        if cells.null_count():
            for index, count in first_of(cells.is_null().arg_true().to_list()):
                blame(index, Finding("label-missing", "the label is missing", count=count))
        return LabelCells(self._ids(cells, blame), self._numbers(cells))

    def _ids(self, cells: pl.Series, blame: Callable[[int, Finding], None]) -> NDArray[np.int32] | None:
        if self._texts.full:
            return None
        ids = self._texts.ids(cells)
        if np.count_nonzero(ids == UNKNOWN) == cells.null_count():
            return ids
        for name in self._texts.learn(cells):
            if (fault := name_fault(name)) is not None:
                blame((cells == name).arg_true()[0], Finding("label-name", fault))
        return None if self._texts.full else self._texts.ids(cells)

    def _numbers(self, cells: pl.Series) -> NDArray[np.float64] | None:
        if self._first_text is not None:
            return None
        numbers = cells.cast(pl.Float64, strict=False)
        texts = (cells.is_not_null() & ~numbers.is_finite().fill_null(value=False)).arg_true()
        if len(texts):
            self._first_text = cells[texts[0]]
            return None
        return numbers.to_numpy()

    def task(self, declared: Task | None) -> Task:
        """What is declared, else as the labels look.

        Raises:
            UnusableTable: the labels do not fit the task.
        """
        task = declared or self._task()
        if task == "regression" and self._first_text is not None:
            fault = f"the label {show(self._first_text)} is no number, which a regression predicts"
            raise UnusableTable([Finding("label-type", fault)])
        if task == "classification" and self._texts.full:
            fault = f"the label has more than {MAXIMUM_CLASSES:,} values; is it a class?"
            raise UnusableTable([Finding("classes", fault)])
        return task

    def classes(self) -> Classes:
        """Of a classification.

        When all labels are whole numbers, however written, the classes are integers: `0`, `0.000` and `0e0` are one.
        Other numbers are compared as numbers too; where one label is no number, all are texts.
        """
        texts = self._texts.names
        numbers = {text: label_number(text) for text in texts}
        integers = {text: number for text, number in numbers.items() if isinstance(number, int)}
        if len(integers) == len(numbers):
            return _ranked(integers, "integer")
        if None in numbers.values():
            return _ranked({text: text for text in texts}, "text")
        return _ranked({text: str(number) for text, number in numbers.items()}, "text")

    def _task(self) -> Task:
        if self._first_text is not None:
            return "classification"
        if self._texts.full:
            return "regression"
        numbers = {number if (number := label_number(text)) is not None else text for text in self._texts.names}
        whole = not any(isinstance(number, float) for number in numbers)
        most = _MOST_WHOLE_CLASSES if whole else _MOST_FRACTIONAL_CLASSES
        return "regression" if len(numbers) > most else "classification"


def _ranked(names: Mapping[str, Class], label_type: LabelType) -> Classes:
    """`names` are in the order of the dictionary."""
    classes = tuple(sorted(set(names.values())))
    ranks = {name: position for position, name in enumerate(classes)}
    return Classes(classes, label_type, np.array([ranks[name] for name in names.values()], dtype=np.int64))
