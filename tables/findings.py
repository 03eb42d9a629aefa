"""What is wrong with a dataset: which rule, where, how often."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

Rule = Literal[
    # The file as a whole
    "format", "encoding", "empty",
    # Its shape
    "width", "quotes", "header", "columns", "label-column",
    # Its cells
    "type", "infinite", "range", "allowed", "missing", "label-missing", "label-name", "unique",
    # Its rows together
    "rows", "classes", "rows-per-class", "no-values", "identifier", "label-type",
    # Compared with its copies, its validation files and the last release
    "duplicates", "leakage", "drift",
]  # fmt: skip
"""Stable names: a person looks one up in docs/datasets.md, a program may act on it."""

# More than this is not read in a mail, and the first usually show the fault of all.
MAXIMUM_FINDINGS: Final = 10
ROWS_SHOWN: Final = 5


@dataclass(frozen=True)
class Finding:
    """One broken rule. `rows` are the first lines of the file, counted from 1, that break it; `count` is of all."""

    rule: Rule
    fault: str
    rows: tuple[int, ...] = ()
    column: int | str | None = None
    """A position from 0, or a header's name."""
    file: str | None = None
    """Only where a dataset has several."""
    count: int = 0

    def __str__(self) -> str:
        column = f'"{self.column}"' if isinstance(self.column, str) else self.column
        place = [self.file] if self.file else []
        place += [_rows(self.rows, self.count)] if self.rows else []
        place += [f"column {column}"] if column is not None else []
        told = f"{', '.join(place)}: {self.fault}" if place else self.fault
        return f"{told} [{self.rule}]"


class UnusableTable(ValueError):
    """A dataset that breaks rules; `findings` has at least one."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("; ".join(map(str, self.findings)))


class Findings:
    """Collects findings; those of one rule, column and file are told as one."""

    def __init__(self) -> None:
        self._found: dict[tuple[Rule, int | str | None, str | None], Finding] = {}

    def __bool__(self) -> bool:
        return bool(self._found)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self._found.values())

    def add(self, finding: Finding) -> None:
        """Another row of a known finding adds to it; its text stays that of the first row."""
        key = (finding.rule, finding.column, finding.file)
        finding = replace(finding, count=max(finding.count, len(finding.rows)))
        known = self._found.get(key)
        if known is not None:
            rows = (*known.rows, *finding.rows)[:ROWS_SHOWN]
            finding = replace(known, rows=rows, count=known.count + finding.count)
        self._found[key] = replace(finding, rows=finding.rows[:ROWS_SHOWN])

    @property
    def enough(self) -> bool:
        """Whether there are as many as a person wants to read."""
        return len(self._found) >= MAXIMUM_FINDINGS


def first_of(indices: Sequence[int]) -> Iterator[tuple[int, int]]:
    """The first few rows at fault, each with how many it stands for: the last of them for all that follow."""
    shown = indices[:ROWS_SHOWN]
    for number, index in enumerate(shown, start=1):
        yield index, 1 if number < len(shown) else 1 + len(indices) - len(shown)


def percent(share: float) -> str:
    """Of all only when it is all, and of none only when it is none."""
    if 0.9995 <= share < 1:
        return "nearly 100%"
    return f"{100 * share:.3g}%"


def _rows(rows: tuple[int, ...], count: int) -> str:
    if len(rows) == 1 and count <= 1:
        return f"row {rows[0]}"
    shown = ", ".join(map(str, rows[:-1])) + f" and {rows[-1]}" if len(rows) > 1 else str(rows[0])
    more = f" and {count - len(rows)} more" if count > len(rows) else ""
    return f"rows {shown.replace(' and ', ', ') if more else shown}{more}"
