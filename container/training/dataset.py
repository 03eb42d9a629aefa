"""Reads a channel's files into one matrix. Lines in messages count from 1."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from container.predictor import Rows
from container.training.faults import UnusableDataset
from contracts.settings import DataSettings
from tables.dictionary import UNKNOWN, Dictionary
from tables.files import formats_told, table_files
from tables.findings import Finding, UnusableTable
from tables.frames import Frame
from tables.kinds import LabelType, Task
from tables.labels import LabelCells, LabelColumn
from tables.reader import TableReader

# Free text has a new value in every row; no category among the later ones could be frequent enough to be learnt from.
_MOST_TEXTS: Final = 100_000
_FINDINGS_SHOWN: Final = 5


@dataclass(frozen=True)
class Labels:
    """Of a classification `values[row]` is the row's class as its position in `classes`, which are in ascending order;
    of a regression, which has no classes, the number itself (float64).
    """

    task: Task
    classes: tuple[int, ...] | tuple[str, ...]
    label_type: LabelType
    values: NDArray[Any]


@dataclass(frozen=True)
class Part:
    """The rows of one channel. `features` has shape (rows, features); where a feature holds texts, their numbers in
    `Dataset.texts`, and NaN where a value is missing.
    """

    features: Rows
    rows: slice
    """Where the part's labels stand among those of the dataset."""


@dataclass(frozen=True)
class Dataset:
    """All channels' rows over one set of columns."""

    feature_names: tuple[str, ...] | None
    texts: Mapping[int, tuple[str, ...]]
    """By feature: the different texts of those that hold no numbers, in the order of their numbers."""
    labels: Labels
    train: Part
    validation: Part | None


@dataclass
class _Builder:
    """What the files have said so far."""

    settings: DataSettings
    reader: TableReader | None = None
    label: LabelColumn = field(default_factory=LabelColumn)
    labels: list[LabelCells] = field(default_factory=list)
    texts: dict[int, Dictionary] = field(default_factory=dict)
    rows: int = 0

    def read(self, folder: Path) -> Part:
        files = table_files(folder)
        if not files:
            raise UnusableDataset(f"channel {folder.name}: no file that ends in {formats_told()}")
        reader = TableReader(self.settings, like=self.reader)
        parts = [self._features(frame, reader) for frame in reader.frames(files)]
        if reader.findings:
            raise UnusableDataset(f"channel {folder.name}: {_told(reader.findings)}")
        if not parts:
            raise UnusableDataset(f"channel {folder.name}: no rows")
        self.reader = reader
        first, self.rows = self.rows, self.rows + sum(map(len, parts))
        return Part(_joined(parts), slice(first, self.rows))

    def _features(self, frame: Frame, reader: TableReader) -> Rows:
        columns = reader.columns

        def blame(index: int, finding: Finding) -> None:
            title = columns.title(columns.label)
            reader.findings.add(replace(finding, rows=(frame.row_of(index),), column=title))

        self.labels.append(self.label.add(frame.data[str(columns.label)], blame))
        rows = np.empty((frame.data.height, len(columns.features)), dtype=np.float32)
        for feature, position in enumerate(columns.features):
            cells = frame.data[str(position)]
            if reader.storage(position) == "number":
                rows[:, feature] = cells.cast(float).to_numpy()
            else:
                rows[:, feature] = self._numbered(feature, cells)
        return rows

    def _numbered(self, feature: int, cells: pl.Series) -> NDArray[np.float32]:
        texts = self.texts.setdefault(feature, Dictionary(_MOST_TEXTS))
        texts.learn(cells)
        numbers = texts.ids(cells).astype(np.float32)
        numbers[numbers == UNKNOWN] = np.nan
        return numbers

    def all_labels(self) -> Labels:
        """Raises: UnusableTable: they do not fit the task."""
        task = self.label.task(self.settings.task)
        if task == "regression":
            numbers = [part.numbers for part in self.labels if part.numbers is not None]
            return Labels(task, (), "number", np.concatenate(numbers))
        classes = self.label.classes()
        ids = [part.ids for part in self.labels if part.ids is not None]
        return Labels(task, classes.names, classes.label_type, classes.positions[np.concatenate(ids)])


def read_dataset(train: Path, validation: Path | None, settings: DataSettings) -> Dataset:
    """Every table under the channels' folders, in order of their paths.

    Raises:
        UnusableDataset: names the first offending lines and columns.
    """
    builder = _Builder(settings)
    parts = [builder.read(folder) for folder in (train, validation) if folder is not None]
    assert builder.reader is not None  # noqa: S101 -- a part has been read
    columns = builder.reader.columns
    try:
        labels = builder.all_labels()
    except UnusableTable as fault:
        raise UnusableDataset(str(fault)) from fault
    names = None if columns.names is None else tuple(columns.names[position] for position in columns.features)
    texts = {feature: dictionary.names for feature, dictionary in builder.texts.items()}
    return Dataset(names, texts, labels, parts[0], parts[1] if len(parts) > 1 else None)


def _joined(parts: list[Rows]) -> Rows:
    """One matrix; each part's memory is given back as soon as it is copied."""
    matrix = np.empty((sum(map(len, parts)), parts[0].shape[1]), dtype=np.float32)
    first = 0
    parts.reverse()
    while parts:
        part = parts.pop()
        matrix[first : first + len(part)] = part
        first += len(part)
    return matrix


def _told(findings: Iterable[Finding]) -> str:
    told = [str(finding) for finding in findings]
    return "; ".join([*told[:_FINDINGS_SHOWN], *(["there may be more"] if len(told) > _FINDINGS_SHOWN else [])])
