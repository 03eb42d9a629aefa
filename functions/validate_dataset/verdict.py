"""Decides whether a dataset may be trained on."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from functions.validate_dataset.cells import show
from functions.validate_dataset.findings import MAXIMUM_FINDINGS, Finding
from functions.validate_dataset.rules import Rules
from functions.validate_dataset.table import Table, read_table

MAXIMUM_WARNINGS = 20
# A state's input holds 256 KiB, and a run carries these names from state to state.
MAXIMUM_PROFILE_BYTES = 64 * 1024


@dataclass(frozen=True)
class Profile:
    """An accepted dataset: `columns` are names, or positions from 0; `classes` counts rows by class."""

    rows: int
    columns: tuple[int | str, ...]
    classes: dict[str, int]
    warnings: tuple[str, ...]


def judge(lines: Iterable[str], rules: Rules) -> Profile | tuple[Finding, ...]:
    """The profile of a dataset that keeps all rules, or what is wrong with it (at most `MAXIMUM_FINDINGS`)."""
    table = read_table(lines, rules)
    findings = table.findings or tuple(_findings_of_the_whole(table, rules))
    if findings:
        return findings[:MAXIMUM_FINDINGS]
    profile = Profile(table.rows, table.columns, table.classes, tuple(_warnings(table)))
    if len(json.dumps(asdict(profile))) > MAXIMUM_PROFILE_BYTES:
        return (Finding(f"the names of columns and classes take more than {MAXIMUM_PROFILE_BYTES:,} bytes together"),)
    return profile


def size_finding(size_bytes: int, rules: Rules) -> Finding | None:
    """What is known before a byte is read."""
    if size_bytes > rules.maximum_bytes:
        return Finding(f"the file has {size_bytes:,} bytes; the limit is {rules.maximum_bytes:,} (maximum_bytes)")
    return None


def _findings_of_the_whole(table: Table, rules: Rules) -> Iterable[Finding]:
    if not table.columns:
        yield Finding("the file is empty")
        return
    if not table.rows:
        yield Finding("there is a header with no rows below it")
        return
    if table.rows < rules.minimum_rows:
        yield Finding(f"{_rows(table.rows)}; at least {rules.minimum_rows} are asked for (minimum_rows)")
    if len(table.classes) == 1:
        yield Finding(f"all rows are of one class, {show(next(iter(table.classes)))}; there is nothing to tell apart")
    for name, rows in sorted(table.classes.items(), key=lambda item: item[1]):
        if rows < rules.minimum_rows_per_class:
            least = rules.minimum_rows_per_class
            yield Finding(
                f"class {show(name)} has {_rows(rows)}; at least {least} are asked for (minimum_rows_per_class)"
            )
    for column, missing in zip(table.columns, table.missing, strict=True):
        if missing == table.rows:
            yield Finding("there is no value in any row", column=column)


def _warnings(table: Table) -> Iterable[str]:
    gaps = [(column, missing) for column, missing in zip(table.columns, table.missing, strict=True) if missing]
    for column, missing in gaps[:MAXIMUM_WARNINGS]:
        shown = show(column) if isinstance(column, str) else column
        yield f"column {shown} has no value in {missing} of {table.rows} rows ({missing / table.rows:.1%})"
    if len(gaps) > MAXIMUM_WARNINGS:
        yield f"{len(gaps) - MAXIMUM_WARNINGS} more columns have missing values"


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"
