"""From a block of CSV to a data frame: at the library's speed where all is well, cell by cell where it is not."""

import csv
import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import polars as pl

from tables.blocks import Block
from tables.cells import DECIMAL_COMMA, SINGLE_PRECISION_OVERFLOW, number_fault, show
from tables.findings import Finding, Findings, Rule, first_of

Storage = Literal["number", "text"]


@dataclass(frozen=True)
class Frame:
    """Whole rows of one file. Column `str(position)` holds Float64 or, stripped, String; null where it is missing."""

    data: pl.DataFrame
    file: str | None
    """How messages call the file; None where the dataset has only this one."""
    row_of: Callable[[int], int]
    """The line in the file, from 1, of a row of the frame, from 0."""


@dataclass(frozen=True)
class Shape:
    """What every block of a file must have. `storage` by position; None before a value was seen."""

    width: int
    separator: str
    storage: tuple[Storage | None, ...]
    missing: tuple[str, ...]
    """Every spelling of a missing value."""


def parse_quickly(block: Block, shape: Shape) -> pl.DataFrame | None:
    """The block as a frame in the form of `Frame.data`; None when a cell needs a closer look, or may need one."""
    content = block.content.replace(b"\r\n", b"\n") if b"\r" in block.content else block.content
    if b"\r" in content or b"\0" in content:
        return None
    quoted = b'"' in content
    if quoted and not _quotes_are_sound(content, shape.separator):
        return None
    names = [str(position) for position in range(shape.width)]
    types = [pl.Float64 if storage == "number" else pl.String for storage in shape.storage]
    try:
        frame = pl.read_csv(
            content,
            has_header=False,
            separator=shape.separator,
            schema=dict(zip(names, types, strict=True)),
            null_values=_spellings_in(content, shape.missing) or None,
        )
    except pl.exceptions.PolarsError:
        return None
    # The library fills a record that is too short, and a blank line, with nulls; a record that is too long it refuses.
    if frame[names[-1]].null_count():
        separators = _separators(content, shape.separator, quoted=quoted)
        if separators != frame.height * (shape.width - 1):
            return None
    tidied = _tidied(frame, content, shape.missing)
    return tidied if are_finite(tidied) else None


def _spellings_in(content: bytes, missing: Sequence[str]) -> list[str]:
    """Those that may stand in the block: where not even the first letter does, the library need not look for them."""
    initials = {initial for initial in {spelling[:1] for spelling in missing} if initial.encode() in content}
    return [spelling for spelling in missing if spelling and spelling[:1] in initials]


def _tidied(frame: pl.DataFrame, content: bytes, missing: Sequence[str]) -> pl.DataFrame:
    """Nulls where a value is missing between blanks or quotes; only what the block can hold is looked for."""
    if b" " in content or b"\t" in content or b'"' in content:
        return frame.with_columns(as_text(pl.col(pl.String), missing))
    return frame


def as_text(cells: pl.Expr, missing: Sequence[str]) -> pl.Expr:
    """Without the blanks around it; null where it is missing."""
    stripped = cells.str.strip_chars()
    return pl.when(~stripped.is_in(missing)).then(stripped)


def are_finite(frame: pl.DataFrame) -> bool:
    """Whether single precision can hold every number of a frame."""
    numbers = frame.select(pl.col(pl.Float64))
    if not numbers.width:
        return True
    ends = (*numbers.min().row(0), *numbers.max().row(0))
    # The ends pass over NaN, which the library also reads from `-nan`; a sum does not.
    return all(abs(end) < SINGLE_PRECISION_OVERFLOW for end in ends if end is not None) and not any(
        map(math.isnan, numbers.sum().row(0))
    )


def _separators(content: bytes, separator: str, *, quoted: bool) -> int:
    characters = np.frombuffer(content, dtype=np.uint8)
    found = characters == ord(separator)
    if quoted:
        found &= np.cumsum(characters == ord('"'), dtype=np.int32) % 2 == 0
    return int(np.count_nonzero(found))


def _quotes_are_sound(content: bytes, separator: str) -> bool:
    """Whether every quote opens a cell, closes one, or is one half of a doubled quote inside."""
    characters = np.frombuffer(content, dtype=np.uint8)
    quotes = np.flatnonzero(characters == ord('"'))
    if len(quotes) % 2:
        return False
    opening, closing = quotes[::2], quotes[1::2]
    edges = np.array([ord(separator), ord("\n")], dtype=np.uint8)
    before = np.where(opening > 0, characters[opening - 1], ord("\n"))
    after = np.where(closing + 1 < len(characters), characters[np.minimum(closing + 1, len(characters) - 1)], ord("\n"))
    # A doubled quote closes and opens at once: its halves are neighbours.
    doubled = closing[:-1] + 1 == opening[1:]
    opens = np.isin(before, edges) | np.append(False, doubled)
    closes = np.isin(after, edges) | np.append(doubled, False)
    return bool(opens.all() and closes.all())


@dataclass(frozen=True)
class Records:
    """A block's cells as they are written, with each record's first line."""

    cells: list[list[str]]
    rows: list[int]


def split_carefully(block: Block, shape: Shape, findings: Findings, file: str | None) -> Records:
    """The records of the right width; what is wrong with others goes to `findings`. Blank lines are no records."""
    text = _decode(block, findings, file)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=shape.separator, strict=True)
    records, row = Records([], []), block.first_row
    try:
        for cells in reader:
            if len(cells) == shape.width:
                records.cells.append(cells)
                records.rows.append(row)
            elif cells:
                told = "1 cell" if len(cells) == 1 else f"{len(cells)} cells"
                findings.add(Finding("width", f"{told} instead of {shape.width}", (row,), file=file))
            row = block.first_row + reader.line_num
    except csv.Error as fault:
        findings.add(replace(unreadable(fault, row), file=file))
    return records


def unreadable(fault: csv.Error, row: int) -> Finding:
    """What the CSV reader cannot take, in the record that begins in this line."""
    limit = f"a cell is longer than {csv.field_size_limit():,} characters; is a quote not closed?"
    return Finding("quotes", f"not readable as CSV: {limit if 'limit' in str(fault) else fault}", (row,))


def _decode(block: Block, findings: Findings, file: str | None) -> str:
    """The text up to the first character that is no text of ours."""

    def broken(position: int, fault: str) -> str:
        row = block.first_row + block.content.count(b"\n", 0, position)
        findings.add(Finding("encoding", fault, (row,), file=file))
        return block.content[: block.content.rfind(b"\n", 0, position) + 1].decode("utf-8", errors="replace")

    content = block.content
    if (nul := content.find(b"\0")) >= 0:
        return broken(nul, "a NUL byte; a dataset is plain text in UTF-8")
    if b"\r" in content and (lone := content.replace(b"\r\n", b"\n\n").find(b"\r")) >= 0:
        return broken(lone, "a carriage return inside the line; end lines with LF or CR LF")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as fault:
        return broken(fault.start, f"byte 0x{content[fault.start]:02X} is not UTF-8; save the file as UTF-8")


def storage_of(cells: pl.Series) -> Storage | None:
    """How a column is kept, judged by its texts: as numbers when at least half of them are, or would be with a point
    before their decimals; None without a value.
    """
    texts = cells.drop_nulls()
    if not len(texts):
        return None
    if texts.dtype != pl.String:
        return "number"
    others = texts.filter(texts.cast(pl.Float64, strict=False).is_null())
    with_points = others.str.replace(DECIMAL_COMMA, "$1.$2")
    no_numbers = with_points.cast(pl.Float64, strict=False).null_count()
    return "number" if 2 * no_numbers <= len(texts) else "text"


def convert(
    texts: pl.DataFrame,
    storage: Sequence[Storage | None],
    blame: Callable[[int, int, Finding], None],
    *,
    finite: bool,
) -> pl.DataFrame:
    """Stripped cells as they are kept. `blame` hears of cells that are no numbers: row of the frame, column, why.
    `finite` says that what is a number already may stay.
    """
    converted = []
    for position, kept in enumerate(storage):
        column = texts[str(position)]
        sound = kept != "number" or (finite and column.dtype == pl.Float64)
        converted.append(column if sound else _as_numbers(column, position, blame))
    return pl.DataFrame(converted)


def _as_numbers(column: pl.Series, position: int, blame: Callable[[int, int, Finding], None]) -> pl.Series:
    numbers = column.cast(pl.Float64, strict=False)
    no_number = column.is_not_null() & (numbers.is_null() | numbers.is_nan())
    infinite = ~no_number & (numbers.abs() >= SINGLE_PRECISION_OVERFLOW).fill_null(value=False)
    rules: tuple[tuple[Rule, pl.Series], ...] = (("type", no_number), ("infinite", infinite))
    for rule, wrong in rules:
        for index, count in first_of(wrong.arg_true().to_list()):
            fault = number_fault(str(column[index])) or f"{show(str(column[index]))} is not a number"
            blame(index, position, Finding(rule, fault, count=count))
    wrong = no_number | infinite
    return numbers.set(wrong, None) if wrong.any() else numbers


def from_parquet(
    data: pl.DataFrame, storage: Sequence[Storage | None], missing: Sequence[str]
) -> tuple[pl.DataFrame, list[int]]:
    """Numbers as Float64, all else as stripped text, named by position; and the columns that are neither."""
    kept = zip(data.get_columns(), storage, strict=True)
    columns = {str(position): _plain(column, stored) for position, (column, stored) in enumerate(kept)}
    foreign = [int(name) for name, column in columns.items() if column is None]
    nothing = pl.repeat(None, data.height, dtype=pl.String, eager=True)
    frame = pl.DataFrame({name: nothing if column is None else column for name, column in columns.items()})
    return frame.with_columns(as_text(pl.col(pl.String), missing)), foreign


def _plain(column: pl.Series, stored: Storage | None) -> pl.Series | None:
    kind = column.dtype
    if kind.is_numeric() and stored != "text":
        return column.cast(pl.Float64).fill_nan(None)
    if kind.is_numeric():
        return column.cast(pl.String)  # of an integer all its digits
    if kind.is_temporal() or kind in (pl.String, pl.Boolean, pl.Categorical, pl.Enum, pl.Null):
        return column.cast(pl.String)  # of a boolean: true and false
    return None
