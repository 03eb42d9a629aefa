"""The rules of one column, held against its cells frame by frame."""

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Final

import polars as pl

from contracts.settings import ColumnRules
from tables.cells import FALSE, SINGLE_PRECISION_OVERFLOW, TRUE, label_number, number_fault, show, show_number
from tables.findings import ROWS_SHOWN, Finding, Findings, Rule, first_of, percent
from tables.frames import Frame

# Of columns that must be unique so many values are compared, all columns together; 16 bytes are kept of each.
MOST_COMPARED: Final = 4_194_304


@dataclass
class _Gaps:
    """Rows of one file that lack a value."""

    rows: list[int] = field(default_factory=list)
    count: int = 0


@dataclass
class _Seen:
    """Each value's hash, and where it stands."""

    hashes: list[pl.Series] = field(default_factory=list)
    lines: "array[int]" = field(default_factory=lambda: array("q"))
    files: dict[str | None, int] = field(default_factory=dict)
    """By name where in `lines` a file begins."""

    def add(self, frame: Frame, cells: pl.Series, limit: int) -> None:
        present = cells.is_not_null().arg_true().head(limit - len(self.lines))
        self.files.setdefault(frame.file, len(self.lines))
        self.hashes.append(cells.hash(seed=0).gather(present))
        self.lines.extend(frame.row_of(index) for index in present)

    def repeated(self, title: int | str) -> Iterator[Finding]:
        if not self.hashes:
            return
        again = (~pl.concat(self.hashes).is_first_distinct()).arg_true().to_list()
        if not again:
            return
        starts = [*self.files.values(), len(self.lines)]
        by_file = [again[_before(again, start) : _before(again, end)] for start, end in pairwise(starts)]
        (file, indices), *others = [each for each in zip(self.files, by_file, strict=True) if each[1]]
        rows = tuple(self.lines[index] for index in indices[:ROWS_SHOWN])
        told = f"the value stands in an earlier row too{_and_in(len(others))}; the settings ask for unique values"
        yield Finding("unique", told, rows, title, file, len(indices))


@dataclass
class ColumnCheck:
    """What the settings ask of a column. `title` is how messages call it."""

    rules: ColumnRules
    title: int | str
    label: bool = False
    must_be_number: bool = False
    """Of a label, which is kept as text."""
    most_compared: int = MOST_COMPARED
    rows: int = 0
    missing: int = 0
    _gaps: dict[str | None, _Gaps] = field(default_factory=dict)
    _seen: _Seen = field(default_factory=_Seen)

    def add(self, frame: Frame, cells: pl.Series, findings: Findings) -> None:
        """Tell which cells break a rule."""
        self.rows += len(cells)
        for rule, wrong, told in self._faults(cells):
            for index, count in first_of(wrong.fill_null(value=False).arg_true().to_list()):
                fault = f"{_shown(cells[index])} {told}" if told else number_fault(cells[index]) or ""
                self._blame(Finding(rule, fault, count=count), frame, index, findings)
        if absent := cells.null_count():
            self._count_missing(frame, cells, absent)
        if self.rules.unique:
            self._seen.add(frame, cells, self.most_compared)

    def _faults(self, cells: pl.Series) -> Iterator[tuple[Rule, pl.Series, str]]:
        """Rule, which cells break it, and what they do."""
        rules = self.rules
        if self.must_be_number:  # the text tells why it is none
            yield "label-type", ~_is_number(cells), ""
        if rules.type == "boolean" and cells.dtype == pl.String:
            yield "type", ~cells.str.to_lowercase().is_in(sorted(TRUE | FALSE)), "is neither true nor false"
        if rules.allowed is not None:
            wrong = ~_among(cells, rules.allowed, by_number=self.label)
            yield "allowed", wrong, f"is not among the allowed values{_listed(rules.allowed)}"
        if rules.minimum is not None:
            told = f"is below the minimum of {show_number(rules.minimum)}"
            yield "range", _is_number(cells) & (cells.cast(pl.Float64, strict=False) < rules.minimum), told
        if rules.maximum is not None:
            told = f"is above the maximum of {show_number(rules.maximum)}"
            yield "range", _is_number(cells) & (cells.cast(pl.Float64, strict=False) > rules.maximum), told

    def _blame(self, finding: Finding, frame: Frame, index: int, findings: Findings) -> None:
        findings.add(replace(finding, rows=(frame.row_of(index),), column=self.title, file=frame.file))

    def _count_missing(self, frame: Frame, cells: pl.Series, absent: int) -> None:
        self.missing += absent
        # A share is told with the rows of the first file that has gaps.
        gaps = self._gaps.setdefault(frame.file, _Gaps())
        gaps.count += absent
        room = ROWS_SHOWN - len(gaps.rows)
        gaps.rows += [frame.row_of(index) for index in cells.is_null().arg_true().head(room)]

    def findings_of_the_whole(self) -> Iterator[Finding]:
        """What only all rows together can break. A column without any value is told elsewhere."""
        share = self.missing / self.rows if self.rows else 0.0
        if share > self.rules.missing and self.missing < self.rows:
            (file, gaps), *others = self._gaps.items()
            told = f"{self.missing} of {self.rows} rows ({percent(share)}) lack a value{_and_in(len(others))}"
            allowed = f"the settings allow {percent(self.rules.missing)}"
            yield Finding("missing", f"{told}; {allowed}", tuple(gaps.rows), self.title, file, gaps.count)
        yield from self._seen.repeated(self.title)


def _shown(cell: str | float) -> str:
    return show(cell) if isinstance(cell, str) else show_number(cell)


def _before(indices: Sequence[int], limit: int) -> int:
    """How many of the ascending indices are below `limit`."""
    return bisect_right(indices, limit - 1)


def _and_in(files: int) -> str:
    return "" if not files else ", also in another file" if files == 1 else f", also in {files} other files"


def _is_number(cells: pl.Series) -> pl.Series:
    numbers = cells.cast(pl.Float64, strict=False)
    return (numbers.abs() < SINGLE_PRECISION_OVERFLOW).fill_null(value=False) | cells.is_null()


def _among(cells: pl.Series, allowed: Sequence[str | int | float], *, by_number: bool) -> pl.Series:
    """Which cells hold one of these. Numbers are compared as numbers, and so are labels, however they are written;
    a category in digits is a text.
    """
    numbers = pl.Series(
        [number for value in allowed if (number := label_number(str(value))) is not None], dtype=pl.Float64
    )
    if cells.dtype != pl.String:
        return cells.is_in(numbers.implode())
    among = cells.is_in([str(value) for value in allowed])
    as_number = cells.cast(pl.Float64, strict=False).is_in(numbers.implode())
    return among | as_number.fill_null(value=False) if by_number else among


def _listed(allowed: Sequence[str | int | float], most: int = 5) -> str:
    """A few values are told, so that a person sees a misspelling at once."""
    return f" ({', '.join(show(str(value)) for value in allowed)})" if len(allowed) <= most else ""
