"""Reads a dataset line by line, counts what training needs to know, and collects what is wrong."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from functions.validate_dataset.cells import (
    BrokenQuotes,
    are_plain_numbers,
    is_missing,
    label_number,
    name_fault,
    number_fault,
    show,
    split_cells,
)
from functions.validate_dataset.findings import MAXIMUM_FINDINGS, Finding
from functions.validate_dataset.lines import UnreadableLine
from functions.validate_dataset.rules import Rules

# A label with more values than this is a number or an identifier; counting them all would fill the memory.
MAXIMUM_CLASSES = 1_000


@dataclass(frozen=True)
class Table:
    """What was counted in a dataset. `missing` has one count per column."""

    rows: int
    columns: tuple[int | str, ...]
    classes: dict[str, int]
    missing: tuple[int, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class _Row:
    number: int
    cells: list[str]


def read_table(lines: Iterable[str], rules: Rules) -> Table:
    """Read all lines, or as many as it takes to find `MAXIMUM_FINDINGS` faults in rows."""
    reader = _Reader(rules)
    try:
        reader.read(lines)
    except UnreadableLine as fault:
        reader.findings.append(Finding(fault.reason, row=fault.row))
    return reader.table()


class _Reader:
    """The running counts. Columns are fixed by the first line that is not blank."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._columns: tuple[int | str, ...] = ()
        self._label = 0
        self._rows = 0
        self._labels: Counter[str] = Counter()
        self._missing: list[int] = []
        self.findings: list[Finding] = []

    def read(self, lines: Iterable[str]) -> None:
        rows = self._split(lines)
        first = next(rows, None)
        if first is None or not self._take_columns(first):
            return
        if not self._rules.header:
            self._take(first)
        for row in rows:
            if len(self.findings) >= MAXIMUM_FINDINGS:
                return
            self._take(row)

    def table(self) -> Table:
        return Table(self._rows, self._columns, _classes(self._labels), tuple(self._missing), tuple(self.findings))

    def _split(self, lines: Iterable[str]) -> Iterator[_Row]:
        for number, line in enumerate(lines, start=1):
            if not line:
                continue
            try:
                yield _Row(number, split_cells(line))
            except BrokenQuotes as fault:
                self._find(str(fault), number)
                if len(self.findings) >= MAXIMUM_FINDINGS:
                    return

    def _find(self, fault: str, row: int, column: int | None = None) -> None:
        self.findings.append(Finding(fault, row, None if column is None else self._columns[column]))

    def _take_columns(self, first: _Row) -> bool:
        """Fix names and label; False when nothing can be said about the rows that follow."""
        names = [cell.strip() for cell in first.cells]
        self._columns = tuple(names) if self._rules.header else tuple(range(len(names)))
        self._missing = [0] * len(names)
        if len(names) < 2:
            self._find("there is one column; a dataset has a label and at least one feature", first.number)
        elif self._rules.header:
            self._check_header(first.number, names)
        elif not any(map(_is_number, _features(first.cells, self._rules.label))):
            self._find("no cell is a number; if this is a header, set `header = true` under [data]", first.number)
        self._find_label(first.number)
        return not self.findings

    def _check_header(self, row: int, names: Sequence[str]) -> None:
        if all(map(_is_number, names)):
            self._find("there are only numbers where `header = true` asks for the columns' names", row)
        for column, name in enumerate(names):
            if not name:
                self.findings.append(Finding("the column has no name", row, column))
            elif (fault := name_fault(name)) is not None:
                self.findings.append(Finding(fault, row, column))
            elif name in names[:column]:
                self._find("another column has the same name", row, column)

    def _find_label(self, row: int) -> None:
        label = self._rules.label
        if isinstance(label, str):
            if label in self._columns:
                self._label = self._columns.index(label)
            else:
                self._find(f"no column is named {show(label)}, as the label should be", row)
        elif label < len(self._columns):
            self._label = label
        else:
            self._find(f"the label is column {label}, and the columns end with {len(self._columns) - 1}", row)

    def _take(self, row: _Row) -> None:
        self._rows += 1
        if len(row.cells) != len(self._columns):
            cells = "1 cell" if len(row.cells) == 1 else f"{len(row.cells)} cells"
            self._find(f"{cells} instead of {len(self._columns)}", row.number)
            return
        self._count_label(row.number, row.cells[self._label])
        features = row.cells[: self._label] + row.cells[self._label + 1 :]
        if not are_plain_numbers(features):
            self._look_at_each(row)

    def _count_label(self, row: int, cell: str) -> None:
        label = cell.strip()
        if is_missing(label):
            self._find("the label is missing", row, self._label)
        elif label in self._labels:
            self._labels[label] += 1
        elif (fault := name_fault(label)) is not None:
            self._find(fault, row, self._label)
        elif len(self._labels) >= MAXIMUM_CLASSES:
            self._find(f"the label has more than {MAXIMUM_CLASSES:,} values; is it a class?", row, self._label)
        else:
            self._labels[label] = 1

    def _look_at_each(self, row: _Row) -> None:
        for column, cell in enumerate(row.cells):
            if column == self._label:
                continue
            if is_missing(cell):
                self._missing[column] += 1
            elif (fault := number_fault(cell)) is not None:
                self._find(fault, row.number, column)


def _classes(labels: Counter[str]) -> dict[str, int]:
    """Rows by class. When all labels are numbers, those of equal value are one class; otherwise all are text."""
    numbers = {label: label_number(label) for label in labels}
    if None in numbers.values():
        return dict(labels)
    classes: Counter[int | float | None] = Counter()
    for label, rows in labels.items():
        classes[numbers[label]] += rows
    return {str(number): rows for number, rows in classes.items()}


def _features(cells: Sequence[str], label: int | str) -> list[str]:
    return [cell for column, cell in enumerate(cells) if column != label]


def _is_number(cell: str) -> bool:
    return is_missing(cell) or number_fault(cell) is None
