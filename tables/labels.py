"""The label column: whether it holds classes or numbers, and what they are."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tables.cells import label_number, name_fault, show
from tables.dictionary import Dictionary
from tables.findings import Finding, UnusableTable
from tables.kinds import LabelType, Task

Class = TypeVar("Class", int, str)
# A label with more values than this is a number or an identifier; counting them all would fill the memory.
MAXIMUM_CLASSES: Final = 1_000
# Where the settings do not say the task, numbers are taken for classes up to so many different ones.
_MOST_WHOLE_CLASSES: Final = 100
_MOST_FRACTIONAL_CLASSES: Final = 10


@dataclass(frozen=True)
class Labels:
    """Of a classification `values[row]` is the row's class as its position in `classes`, which are in ascending order;
    of a regression, which has no classes, the number itself (float64).
    """

    task: Task
    classes: tuple[int, ...] | tuple[str, ...]
    label_type: LabelType
    values: NDArray[np.int64] | NDArray[np.float64]


@dataclass
class LabelColumn:
    """Takes the label's cells block by block."""

    _texts: Dictionary = field(default_factory=lambda: Dictionary(MAXIMUM_CLASSES))
    _ids: list[NDArray[np.int32]] = field(default_factory=list)
    _numbers: list[NDArray[np.float64]] | None = field(default_factory=list)
    _first_text: str | None = None

    def add(self, cells: pl.Series, blame: Callable[[int, Finding], None]) -> None:
        """`cells` are stripped texts, null where missing; `blame` hears of each row of theirs that is at fault."""
        for index in cells.is_null().arg_true():
            blame(index, Finding("label-missing", "the label is missing"))
        fresh = self._texts.learn(cells)
        for name in fresh:
            if (fault := name_fault(name)) is not None:
                index = (cells == name).arg_true()[0]
                blame(index, Finding("label-name", fault))
        if not self._texts.full:
            self._ids.append(self._texts.ids(cells))
        self._take_numbers(cells)

    def _take_numbers(self, cells: pl.Series) -> None:
        if self._numbers is None:
            return
        numbers = cells.cast(pl.Float64, strict=False)
        texts = (cells.is_not_null() & ~numbers.is_finite().fill_null(value=False)).arg_true()
        if len(texts):
            self._numbers, self._first_text = None, cells[texts[0]]
        else:
            self._numbers.append(numbers.to_numpy())

    def labels(self, task: Task | None) -> Labels:
        """All labels so far. `task` None: as they look.

        Raises:
            UnusableTable: the task does not fit the labels.
        """
        task = task or self._task()
        if task == "regression":
            if self._numbers is None:
                fault = f"the label {show(self._first_text or '')} is no number, which a regression predicts"
                raise UnusableTable([Finding("label-type", fault)])
            return Labels("regression", (), "number", np.concatenate([np.empty(0), *self._numbers]))
        if self._texts.full:
            fault = f"the label has more than {MAXIMUM_CLASSES:,} values; is it a class?"
            raise UnusableTable([Finding("classes", fault)])
        ids = np.concatenate([np.empty(0, np.int32), *self._ids])
        return _classes(self._texts.names, ids)

    def _task(self) -> Task:
        if self._numbers is None:
            return "classification"
        if self._texts.full:
            return "regression"
        numbers = {label_number(text) for text in self._texts.names}
        whole = all(isinstance(number, int) for number in numbers)
        most = _MOST_WHOLE_CLASSES if whole else _MOST_FRACTIONAL_CLASSES
        return "regression" if len(numbers) > most else "classification"


def _classes(texts: tuple[str, ...], ids: NDArray[np.int32]) -> Labels:
    """When all texts are whole numbers, however written, the classes are integers: `0`, `0.000` and `0e0` are one.

    Other numbers are compared as numbers too; where one text is no number, all are texts.
    """
    numbers = {text: label_number(text) for text in texts}
    integers = {text: number for text, number in numbers.items() if isinstance(number, int)}
    if len(integers) == len(numbers):
        return _ranked(texts, ids, integers, "integer")
    if None in numbers.values():
        return _ranked(texts, ids, {text: text for text in texts}, "text")
    return _ranked(texts, ids, {text: str(number) for text, number in numbers.items()}, "text")


def _ranked(
    texts: tuple[str, ...], ids: NDArray[np.int32], names: Mapping[str, Class], label_type: LabelType
) -> Labels:
    classes = tuple(sorted(set(names.values())))
    ranks = {name: position for position, name in enumerate(classes)}
    positions = np.array([ranks[names[text]] for text in texts], dtype=np.int64)
    return Labels("classification", classes, label_type, positions[ids] if len(texts) else ids.astype(np.int64))
