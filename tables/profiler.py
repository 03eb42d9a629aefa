"""One pass over a dataset's frames: counts what a profile tells, and holds the columns' rules against the cells."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import polars as pl

from contracts.settings import DataSettings
from tables.cells import FALSE, TRUE
from tables.checks import MOST_COMPARED, ColumnCheck
from tables.columns import Columns
from tables.dictionary import Dictionary
from tables.findings import Finding, Findings
from tables.frames import Frame
from tables.kinds import Kind
from tables.labels import LabelColumn
from tables.profiles import SHARES, ColumnProfile, NumberSpread
from tables.repeats import RowHashes
from tables.sketch import LEAST_WAITING, Sketch

_DISTRIBUTION_POINTS: Final = 200
# So many different texts of a column are counted; of many columns fewer, and of long texts too.
_MOST_COUNTED: Final = 10_000
_MOST_COUNTED_TOGETHER: Final = 1_000_000
_MOST_CHARACTERS_TOGETHER: Final = 33_554_432
_MOST_KEPT: Final = 50
# Numbers that wait to be counted, of all columns together.
_MOST_WAITING: Final = 4_194_304


def spread_of(sketch: Sketch) -> NumberSpread | None:
    """None without any number."""
    if not sketch.count:
        return None
    return NumberSpread(
        sketch.minimum, sketch.maximum, sketch.mean, sketch.quantiles(SHARES), sketch.distribution(_DISTRIBUTION_POINTS)
    )


@dataclass
class _Texts:
    """Counts of a column's texts, up to a limit of different ones."""

    dictionary: Dictionary
    counts: Counter[int] = field(default_factory=Counter)

    def add(self, cells: pl.Series) -> None:
        self.dictionary.learn(cells)
        ids = self.dictionary.ids(cells)
        counts = np.bincount(ids[ids >= 0])
        self.counts.update({int(i): int(counts[i]) for i in np.flatnonzero(counts)})

    @property
    def any(self) -> bool:
        return bool(self.dictionary.names) or self.dictionary.full

    @property
    def kind(self) -> Kind:
        words = {name.lower() for name in self.dictionary.names}
        return "boolean" if words and words <= TRUE | FALSE and not self.dictionary.full else "category"

    @property
    def distinct(self) -> int:
        names = self.dictionary.names
        return len({name.lower() in TRUE for name in names} if self.kind == "boolean" else names)

    def most_common(self) -> tuple[tuple[str, int], ...]:
        """The most frequent ones with their rows; between equals in order of the texts. Words of truth are one."""
        names, boolean = self.dictionary.names, self.kind == "boolean"
        rows: Counter[str] = Counter()
        for text, count in self.counts.items():
            rows[str(names[text].lower() in TRUE).lower() if boolean else names[text]] += count
        return tuple(sorted(rows.items(), key=lambda each: (-each[1], each[0]))[:_MOST_KEPT])


@dataclass
class _Column:
    """What one feature has shown so far."""

    texts: _Texts
    sketch: Sketch
    missing: int = 0


class Profiler:
    """Takes the frames of the training files, or of the validation files, in turn."""

    def __init__(
        self, settings: DataSettings, columns: Columns, findings: Findings, train: "Profiler | None" = None
    ) -> None:
        """`train` has seen the training files, where these are the validation files: both share the label's classes,
        and keep the columns' rules together.
        """
        self._columns, self._findings = columns, findings
        self._checks: dict[int, ColumnCheck] = (
            train._checks if train else _checks(settings, columns)  # noqa: SLF001 -- of its own class
        )
        self._seen = {position: _column(len(columns.features)) for position in columns.features}
        self.label: LabelColumn = train.label if train else LabelColumn()
        self.label_rows: Counter[int] = Counter()
        self.label_numbers: Sketch | None = Sketch()
        self.hashes = RowHashes()
        self.rows = 0

    def add(self, frame: Frame) -> None:
        """Count a frame, and tell its faults to the findings."""
        self.rows += frame.data.height
        label = frame.data[str(self._columns.label)]
        self.hashes.add(frame.data.select([str(each) for each in self._seen]).with_columns(_comparable(label)))
        for position, check in self._checks.items():
            check.add(frame, frame.data[str(position)], self._findings)
        self._count_label(label, frame)
        for position, seen in self._seen.items():
            cells = frame.data[str(position)]
            seen.missing += cells.null_count()
            if cells.dtype == pl.Float64:
                seen.sketch.add((cells.drop_nulls() if cells.null_count() else cells).to_numpy())
            else:
                seen.texts.add(cells)

    def _count_label(self, cells: pl.Series, frame: Frame) -> None:
        def blame(index: int, finding: Finding) -> None:
            title = self._columns.title(self._columns.label)
            self._findings.add(replace(finding, rows=(frame.row_of(index),), column=title, file=frame.file))

        told = self.label.add(cells, blame)
        if told.ids is not None:
            counts = np.bincount(told.ids[told.ids >= 0])
            self.label_rows.update({int(i): int(counts[i]) for i in np.flatnonzero(counts)})
        if told.numbers is None:
            self.label_numbers = None
        elif self.label_numbers is not None:
            self.label_numbers.add(told.numbers[np.isfinite(told.numbers)])

    def columns(self) -> Iterator[ColumnProfile]:
        """Every feature's profile."""
        for position, seen in self._seen.items():
            name = self._columns.names[position] if self._columns.names else None
            if seen.texts.any:
                kept, distinct = seen.texts.most_common(), seen.texts.distinct
                other = self.rows - seen.missing - sum(rows for _, rows in kept)
                yield ColumnProfile(name, position, seen.texts.kind, seen.missing, None, kept, distinct, other)
            else:
                yield ColumnProfile(name, position, "number", seen.missing, spread_of(seen.sketch))

    def findings_of_columns(self) -> Iterator[Finding]:
        """Rules that only the whole column can break, in the training and the validation files together."""
        for check in self._checks.values():
            yield from check.findings_of_the_whole()


def _checks(settings: DataSettings, columns: Columns) -> dict[int, ColumnCheck]:
    """Of every column: an identifier that the model is not given may have to be unique."""
    rules = [columns.rules(position, settings) for position in range(columns.width)]
    most = MOST_COMPARED // max(1, sum(each.unique for each in rules))
    checks = {
        position: ColumnCheck(each, columns.title(position), most_compared=most) for position, each in enumerate(rules)
    }
    label = checks[columns.label]
    label.label = True
    label.must_be_number = settings.task == "regression" or label.rules.type == "number"
    return checks


def _column(columns: int) -> _Column:
    """One of so many."""
    counted = min(_MOST_COUNTED, max(2 * _MOST_KEPT, _MOST_COUNTED_TOGETHER // columns))
    texts = _Texts(Dictionary(counted, _MOST_CHARACTERS_TOGETHER // columns))
    return _Column(texts, Sketch(max(LEAST_WAITING, _MOST_WAITING // columns)))


def _comparable(label: pl.Series) -> pl.Series:
    """However a number is written, it is the same label."""
    number = label.cast(pl.Float64, strict=False).cast(pl.String)
    return number.fill_null(label)
