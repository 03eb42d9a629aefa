"""One pass over a dataset's frames: counts what a profile tells, and finds cells that break a column's rules."""

from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import polars as pl

from contracts.settings import ColumnRules, DataSettings
from tables.cells import FALSE, TRUE, label_number, show
from tables.columns import Columns
from tables.dictionary import Dictionary
from tables.findings import Finding, Findings, Rule
from tables.frames import Frame
from tables.kinds import Kind
from tables.labels import LabelColumn
from tables.profiles import SHARES, ColumnProfile, NumberSpread
from tables.repeats import RowHashes
from tables.sketch import Sketch

_DISTRIBUTION_POINTS: Final = 200
_MOST_COUNTED: Final = 10_000
_MOST_KEPT: Final = 50
# Of a column that must be unique all values are compared, up to so many; 16 bytes are kept of each.
_MOST_COMPARED: Final = 4_194_304
_ROWS_KEPT: Final = 5


def spread_of(sketch: Sketch) -> NumberSpread | None:
    """None without any number."""
    if not sketch.count:
        return None
    return NumberSpread(
        sketch.minimum, sketch.maximum, sketch.mean, sketch.quantiles(SHARES), sketch.distribution(_DISTRIBUTION_POINTS)
    )


def _among(cells: pl.Series, allowed: Sequence[str | int | float]) -> pl.Series:
    """Which cells hold one of these; numbers are compared as numbers, however they are written."""
    numbers = [number for value in allowed if isinstance(number := label_number(str(value)), int | float)]
    if cells.dtype != pl.String:
        return cells.is_in(pl.Series(numbers, dtype=pl.Float64).implode())
    as_numbers = cells.cast(pl.Float64, strict=False).is_in(pl.Series(numbers, dtype=pl.Float64).implode())
    return cells.is_in([str(value) for value in allowed]) | as_numbers.fill_null(value=False)


@dataclass
class _Texts:
    """Counts of a column's texts, up to a limit of different ones."""

    dictionary: Dictionary = field(default_factory=lambda: Dictionary(_MOST_COUNTED))
    counts: Counter[int] = field(default_factory=Counter)
    uncounted: int = 0

    def add(self, cells: pl.Series) -> None:
        self.dictionary.learn(cells)
        ids = self.dictionary.ids(cells)
        counts = np.bincount(ids[ids >= 0])
        self.counts.update({int(i): int(counts[i]) for i in np.flatnonzero(counts)})
        self.uncounted += len(cells) - cells.null_count() - int(counts.sum())

    @property
    def kind(self) -> Kind:
        return "boolean" if {name.lower() for name in self.dictionary.names} <= TRUE | FALSE else "category"


@dataclass
class _Column:
    """What one feature, or the label, has shown so far."""

    rules: ColumnRules
    missing: int = 0
    first_missing: list[int] = field(default_factory=list)
    sketch: Sketch = field(default_factory=Sketch)
    texts: _Texts = field(default_factory=_Texts)
    hashes: list[pl.Series] = field(default_factory=list)
    lines: "array[int]" = field(default_factory=lambda: array("q"))
    compared: int = 0


class Profiler:
    """Takes the frames of the training files, or of the validation files, in turn."""

    def __init__(self, settings: DataSettings, columns: Columns, findings: Findings, *, several_files: bool) -> None:
        self._settings, self._columns, self._findings = settings, columns, findings
        self._several_files = several_files
        watched = (*columns.features, columns.label)
        self._seen = {position: _Column(columns.rules(position, settings)) for position in watched}
        self.label = LabelColumn()
        self.label_rows: Counter[int] = Counter()
        self.label_numbers: Sketch | None = Sketch()
        self.hashes = RowHashes()
        self.rows = 0

    def add(self, frame: Frame) -> None:
        """Count a frame, and tell its faults to the findings."""
        self.rows += frame.data.height
        self.hashes.add(frame.data.select(str(position) for position in self._seen))
        for position, seen in self._seen.items():
            cells = frame.data[str(position)]
            self._check(position, seen, cells, frame)
            if position == self._columns.label:
                self._count_label(cells, frame)
            elif cells.dtype == pl.Float64:
                self._count_missing(seen, cells, frame)
                seen.sketch.add((cells.drop_nulls() if cells.null_count() else cells).to_numpy())
            else:
                self._count_missing(seen, cells, frame)
                seen.texts.add(cells)

    def _count_missing(self, seen: _Column, cells: pl.Series, frame: Frame) -> None:
        if missing := cells.null_count():
            seen.missing += missing
            room = _ROWS_KEPT - len(seen.first_missing)
            seen.first_missing += [frame.row_of(index) for index in cells.is_null().arg_true().head(room)]

    def _count_label(self, cells: pl.Series, frame: Frame) -> None:
        def blame(index: int, finding: Finding) -> None:
            self._blame(self._columns.label, frame, index, finding)

        told = self.label.add(cells, blame)
        if told.ids is not None:
            counts = np.bincount(told.ids[told.ids >= 0])
            self.label_rows.update({int(i): int(counts[i]) for i in np.flatnonzero(counts)})
        if told.numbers is None:
            self.label_numbers = None
        elif self.label_numbers is not None:
            self.label_numbers.add(told.numbers[np.isfinite(told.numbers)])

    def _check(self, position: int, seen: _Column, cells: pl.Series, frame: Frame) -> None:
        rules = seen.rules
        if rules.type == "boolean" and cells.dtype == pl.String:
            wrong = ~cells.str.to_lowercase().is_in(sorted(TRUE | FALSE))
            self._blame_each(position, frame, cells, wrong, "type", "is neither true nor false")
        if rules.allowed is not None:
            self._blame_each(
                position, frame, cells, ~_among(cells, rules.allowed), "allowed", "is not among the allowed values"
            )
        if rules.minimum is not None or rules.maximum is not None:
            self._check_range(position, rules, cells.cast(pl.Float64, strict=False), frame)
        if rules.unique:
            self._remember(seen, cells, frame)

    def _check_range(self, position: int, rules: ColumnRules, numbers: pl.Series, frame: Frame) -> None:
        if rules.minimum is not None:
            told = f"is below the minimum of {rules.minimum:g}"
            self._blame_each(position, frame, numbers, numbers < rules.minimum, "range", told)
        if rules.maximum is not None:
            told = f"is above the maximum of {rules.maximum:g}"
            self._blame_each(position, frame, numbers, numbers > rules.maximum, "range", told)

    def _blame_each(
        self, position: int, frame: Frame, cells: pl.Series, wrong: pl.Series, rule: Rule, told: str
    ) -> None:
        indices = wrong.fill_null(value=False).arg_true()
        for index in indices.head(_ROWS_KEPT):
            shown = show(cells[index]) if cells.dtype == pl.String else f"{cells[index]:g}"
            self._blame(position, frame, index, Finding(rule, f"{shown} {told}"))
        if (more := len(indices) - _ROWS_KEPT) > 0:
            title = self._columns.title(position)
            self._findings.add(Finding(rule, told, column=title, file=self._file(frame), count=more))

    def _blame(self, position: int, frame: Frame, index: int, finding: Finding) -> None:
        title = self._columns.title(position)
        rows = (frame.row_of(index),)
        self._findings.add(replace(finding, rows=rows, column=title, file=self._file(frame)))

    def _file(self, frame: Frame) -> str | None:
        return frame.file if self._several_files else None

    def _remember(self, seen: _Column, cells: pl.Series, frame: Frame) -> None:
        """For a rule about the whole column: each value's hash, and where it stands."""
        room = _MOST_COMPARED - seen.compared
        present = cells.is_not_null().arg_true().head(room)
        seen.hashes.append(cells.hash(seed=0).gather(present))
        seen.lines.extend(frame.row_of(index) for index in present)
        seen.compared += len(present)

    def columns(self) -> Iterator[ColumnProfile]:
        """Every feature's profile."""
        for position in self._columns.features:
            seen = self._seen[position]
            name = self._columns.names[position] if self._columns.names else None
            if seen.texts.dictionary.names:
                kept = seen.texts.counts.most_common(_MOST_KEPT)
                names = seen.texts.dictionary.names
                other = sum(seen.texts.counts.values()) - sum(rows for _, rows in kept) + seen.texts.uncounted
                yield ColumnProfile(
                    name,
                    position,
                    seen.texts.kind,
                    seen.missing,
                    categories=tuple((names[text], rows) for text, rows in kept),
                    distinct=len(names),
                    other=other,
                )
            else:
                yield ColumnProfile(name, position, "number", seen.missing, numbers=spread_of(seen.sketch))

    def findings_of_columns(self) -> Iterator[Finding]:
        """Rules that only the whole column can break."""
        for position, seen in self._seen.items():
            title = self._columns.title(position)
            share = seen.missing / self.rows if self.rows else 0.0
            if share > seen.rules.missing:
                told = f"{share:.1%} of the rows lack a value; the settings allow {seen.rules.missing:.1%}"
                yield Finding("missing", told, tuple(seen.first_missing), title, count=seen.missing)
            if seen.rules.unique and seen.hashes:
                hashes = pl.concat(seen.hashes)
                again = ~hashes.is_first_distinct()
                if repeated := again.arg_true().to_list():
                    rows = tuple(seen.lines[index] for index in repeated[:_ROWS_KEPT])
                    yield Finding("unique", "the value stands in an earlier row too", rows, title, count=len(repeated))
