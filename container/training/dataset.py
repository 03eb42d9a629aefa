"""Reads a channel's CSV files. Lines and columns in messages count from 1."""

import csv
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from container.fields import InvalidField, column_title, parse_feature, quoted
from container.predictor import Rows
from container.training.faults import UnusableDataset
from container.training.labels import InvalidLabel, parse_label
from contracts.settings import DataSettings

_FAULTS_SHOWN: Final = 5


@dataclass(frozen=True)
class Dataset:
    """Features of shape (rows, features) and each row's label as text."""

    feature_names: tuple[str, ...] | None
    features: Rows
    labels: tuple[str, ...]


@dataclass
class _Columns:
    """What the files have said so far."""

    settings: DataSettings
    names: tuple[str, ...] | None = None
    width: int | None = None
    values: "array[float]" = field(default_factory=lambda: array("f"))
    labels: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def label(self) -> int:
        """The label's position."""
        if isinstance(self.settings.label, int):
            return self.settings.label
        return (self.names or ()).index(self.settings.label)  # DataSettings: a name needs a header

    @property
    def feature_names(self) -> tuple[str, ...] | None:
        return None if self.names is None else self.names[: self.label] + self.names[self.label + 1 :]

    def blame(self, place: str, fault: str) -> None:
        self.faults.append(f"{place}: {fault}")
        if len(self.faults) == _FAULTS_SHOWN:
            raise UnusableDataset("; ".join([*self.faults, "there may be more"]))


def read_dataset(folder: Path, settings: DataSettings) -> Dataset:
    """All `*.csv` files under `folder`, in order of their paths, as one dataset.

    Fields are separated by commas; a feature is a number, or empty where it is missing.

    Raises:
        UnusableDataset: names the first offending lines and columns.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix.lower() == ".csv")
    if not files:
        raise UnusableDataset(f"channel {folder.name}: no *.csv file")
    columns = _Columns(settings)
    for file in files:
        _read_file(file, f"{folder.name}/{file.relative_to(folder)}", columns)
    if columns.faults:
        raise UnusableDataset("; ".join(columns.faults))
    if not columns.labels:
        raise UnusableDataset(f"channel {folder.name}: no rows")
    features = np.frombuffer(columns.values, dtype=np.float32).reshape(len(columns.labels), -1)
    return Dataset(columns.feature_names, features, tuple(columns.labels))


def _read_file(file: Path, name: str, columns: _Columns) -> None:
    lines = _lines(file, name)
    if columns.settings.header:
        _read_header(next(lines, None), name, columns)
    for number, fields in lines:
        place = f"{name} line {number}"
        if columns.width is None:
            columns.width = len(fields)
            _check_width(place, len(fields), columns)
            _refuse_header(place, fields, columns)
        if len(fields) == columns.width:
            _read_row(place, fields, columns)
        else:
            columns.blame(place, f"{len(fields)} columns, expected {columns.width}")


def _lines(file: Path, name: str) -> Iterator[tuple[int, list[str]]]:
    """Each row with the number of its last line. Blank lines are no rows."""
    with file.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.reader(stream, strict=True)
        try:
            for fields in reader:
                if fields:
                    yield reader.line_num, fields
        except csv.Error as fault:
            raise UnusableDataset(f"{name} line {reader.line_num}: not CSV: {fault}") from fault
        except UnicodeDecodeError as fault:
            raise UnusableDataset(f"{name} line {_undecodable_line(file)}: not UTF-8: {fault.reason}") from fault


def _undecodable_line(file: Path) -> int:
    """The reader decodes blocks, so it is ahead of the line that it has reached."""
    with file.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            try:
                line.decode()
            except UnicodeDecodeError:
                return number
    raise AssertionError("every line could be decoded")


def _read_header(line: tuple[int, Sequence[str]] | None, name: str, columns: _Columns) -> None:
    names = tuple(title.strip() for title in line[1]) if line else ()
    if not names:
        raise UnusableDataset(f"{name}: empty, expected a header")
    if all(_is_number(title) for title in names):
        raise UnusableDataset(f"{name} line 1: only numbers, expected a header; the settings say `header = true`")
    if columns.names not in (None, names):
        raise UnusableDataset(f"{name} line 1: another header than in the first file")
    label = columns.settings.label
    if isinstance(label, str) and names.count(label) != 1:
        raise UnusableDataset(f"{name} line 1: {names.count(label)} columns are named {quoted(label)}, expected one")
    columns.names, columns.width = names, len(names)
    _check_width(f"{name} line 1", len(names), columns)


def _check_width(place: str, width: int, columns: _Columns) -> None:
    if width < 2:
        raise UnusableDataset(f"{place}: {width} column, expected a label and at least one feature")
    if columns.label >= width:
        raise UnusableDataset(f"{place}: {width} columns, but the label's position is {columns.label}")


def _refuse_header(place: str, fields: Sequence[str], columns: _Columns) -> None:
    features = [text for position, text in enumerate(fields) if position != columns.label]
    if not any(_is_number(text) for text in features):
        raise UnusableDataset(f"{place}: no numbers; if it is a header, set `header = true` under [data]")


def _read_row(place: str, fields: list[str], columns: _Columns) -> None:
    try:
        columns.labels.append(parse_label(fields.pop(columns.label)))
    except InvalidLabel as fault:
        columns.blame(f"{place}, {_title(columns.label, columns)}", str(fault))
    for position, text in enumerate(fields):
        try:
            columns.values.append(parse_feature(text))
        except InvalidField as fault:
            title = _title(position + (position >= columns.label), columns)
            columns.blame(f"{place}, {title}", str(fault))


def _title(position: int, columns: _Columns) -> str:
    return column_title(position, columns.names)


def _is_number(text: str) -> bool:
    try:
        parse_feature(text)
    except InvalidField:
        return False
    return True
