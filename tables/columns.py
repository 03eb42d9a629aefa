"""The columns of a dataset, fixed by its first file."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from contracts.settings import ColumnRules, DataSettings
from tables.cells import name_fault, number_fault, show
from tables.findings import Finding, UnusableTable


@dataclass(frozen=True)
class Columns:
    """`label` and `ignored` are positions from 0. `names` is None where the first file has no header."""

    names: tuple[str, ...] | None
    width: int
    label: int
    ignored: frozenset[int]

    @cached_property
    def features(self) -> tuple[int, ...]:
        """The positions of what the model is given, in order."""
        return tuple(p for p in range(self.width) if p != self.label and p not in self.ignored)

    def title(self, position: int) -> int | str:
        """How messages call a column."""
        return self.names[position] if self.names else position

    def rules(self, position: int, settings: DataSettings) -> ColumnRules:
        """What the settings ask of a column, by its name or else by its position."""
        if self.names and (named := settings.columns.get(self.names[position])):
            return named
        asked = settings.columns.get(str(position))
        # Where a header says `2`, that is a name and no position.
        return asked if asked and str(position) not in (self.names or ()) else _NO_RULES


_NO_RULES = ColumnRules()


def fix_columns(names: Sequence[str] | None, width: int, settings: DataSettings, row: int = 1) -> Columns:
    """Find the label and what is ignored. `row` is the header's line, or the first record's.

    Raises:
        UnusableTable: names that cannot be names, too few columns, or one that the settings ask for is not there.
    """
    findings = [*_header_findings(names, row)] if names is not None else []
    if width < 2:
        fault = "there is one column; a dataset has a label and at least one feature"
        findings.append(Finding("width", fault, (row,)))
    title = tuple(names) if names is not None else None
    label = _position(settings.label, title, width)
    if label is None:
        findings.append(Finding("label-column", _not_found("the label", settings.label, title, width), (row,)))
    ignored = {each: _position(each, title, width) for each in settings.ignore}
    declared = {name: _position(name, title, width, by_text=True) for name in settings.columns}
    for asked, position in (*ignored.items(), *declared.items()):
        if position is None and str(asked) != str(settings.label):
            findings.append(
                Finding("columns", _not_found("a column that the settings name", asked, title, width), (row,))
            )
    known = {*declared.values(), *ignored.values(), label}
    if settings.other_columns == "refused" and not findings:
        extra = [position for position in range(width) if position not in known]
        findings += [
            Finding("columns", "the column is not among those that the settings name", (row,), title[p] if title else p)
            for p in extra
        ]
    if findings:
        raise UnusableTable(findings)
    assert label is not None  # noqa: S101 -- else there is a finding
    columns = Columns(title, width, label, frozenset(p for p in ignored.values() if p is not None))
    if not columns.features:
        raise UnusableTable([Finding("columns", "every column but the label is ignored; no feature is left", (row,))])
    return columns


def reorder(columns: Columns, names: Sequence[str], row: int) -> list[int]:
    """For each column of the first file its position in another file, which may have them in another order.

    Raises:
        UnusableTable: the file has other columns.
    """
    expected = columns.names or ()
    if sorted(expected) == sorted(names):
        places = {name: place for place, name in enumerate(names)}
        return [places[name] for name in expected]
    missing, extra = sorted(set(expected) - set(names)), sorted(set(names) - set(expected))
    told = [
        f"{what}: {', '.join(map(show, some[:5]))}" for what, some in (("missing", missing), ("new", extra)) if some
    ]
    fault = f"the header has other columns than the first file ({'; '.join(told) or 'a name stands twice'})"
    raise UnusableTable([Finding("columns", fault, (row,))])


def _header_findings(names: Sequence[str], row: int) -> list[Finding]:
    if names and all(number_fault(name) is None for name in names):
        return [Finding("header", "there are only numbers where the columns' names should stand", (row,))]
    findings = []
    seen: set[str] = set()
    for position, name in enumerate(names):
        if not name:
            findings.append(Finding("header", "the column has no name", (row,), position))
        elif (fault := name_fault(name)) is not None:
            findings.append(Finding("header", fault, (row,), position))
        elif name in seen:
            findings.append(Finding("header", "another column has the same name", (row,), name))
        seen.add(name)
    return findings


def _position(asked: int | str, names: tuple[str, ...] | None, width: int, *, by_text: bool = False) -> int | None:
    if isinstance(asked, str) and names is not None and asked in names:
        return names.index(asked)
    if by_text and isinstance(asked, str) and asked.isascii() and asked.isdecimal():
        asked = int(asked)
    return asked if isinstance(asked, int) and asked < width else None


def _not_found(what: str, asked: int | str, names: tuple[str, ...] | None, width: int) -> str:
    if isinstance(asked, int):
        return f"{what} is column {asked}, and the columns end with {width - 1}"
    if names is None:
        return f"{what} is named {show(asked)}, and the file has no header"
    return f"no column is named {show(asked)}, as {what} should be"
