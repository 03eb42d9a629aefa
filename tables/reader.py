"""Reads a dataset's files, in bounded memory, into frames of one layout; collects what is wrong with their cells."""

import csv
import functools
import gzip
import io
import operator
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import BinaryIO, Final, cast

import polars as pl

from contracts.settings import ColumnRules, DataSettings
from tables.ahead import ahead
from tables.blocks import MAXIMUM_RECORD_BYTES, Block, read_blocks, split_block
from tables.cells import MissingMarks
from tables.columns import Columns, fix_columns, reorder
from tables.dialect import Dialect, detect_dialect
from tables.files import TableFile
from tables.findings import Finding, Findings, UnusableTable
from tables.frames import (
    Frame,
    Shape,
    Storage,
    are_finite,
    as_text,
    convert,
    from_parquet,
    parse_quickly,
    split_carefully,
    storage_of,
    unreadable,
)

_ALL_TEXT: Final[tuple[Storage, ...]] = ("text",)
# Of a table with many columns fewer rows at once, so that a frame takes about as much memory as a block.
_PARQUET_ROWS: Final = 131_072
_PARQUET_CELLS: Final = 2_097_152
# Cells that need a closer look become Python's texts, of many times the size.
_CAREFUL_BYTES: Final = 512 * 1024
# Carriage returns of their own are none: they are told.
_BLANK_LINES: Final = re.compile(rb"(?:\r?\n)*")
_STORED_AS: Final[dict[str, Storage]] = {"number": "number", "boolean": "text", "category": "text"}


@dataclass(frozen=True)
class _Parsed:
    """A block, and its frame where it could be had quickly."""

    block: Block
    shape: Shape
    data: pl.DataFrame | None


class TableReader:
    """One pass over a dataset. The first file fixes the columns, and their first values how they are kept."""

    def __init__(self, settings: DataSettings, like: "TableReader | None" = None, *, names_files: bool = False) -> None:
        """`like` has read a table whose columns this one must have too. Of several files findings give the names;
        with `names_files` also of one.
        """
        self._settings = settings
        self._names_files = names_files
        self._missing = tuple(MissingMarks(settings.missing_values).spellings())
        self._columns: Columns | None = None
        self._storage: list[Storage | None] = []
        self._file: str | None = None
        self.findings = Findings()
        if like is not None:
            self._columns, self._storage = like.columns, list(like._storage)  # noqa: SLF001 -- of its own class

    @property
    def columns(self) -> Columns:
        """Known once the first frame was read, or something was wrong with it."""
        if self._columns is None:
            raise UnusableTable(self.findings)
        return self._columns

    @property
    def has_columns(self) -> bool:
        """Whether the first file has told its columns."""
        return self._columns is not None

    def storage(self, position: int) -> Storage:
        """How a column was kept, once all is read; a column without a value as numbers."""
        return self._storage[position] or "number"

    def frames(self, files: Sequence[TableFile]) -> Iterator[Frame]:
        """Every row whose cells could be read, file after file. Ends early when `findings` are enough."""
        for file in files:
            self._file = file.name if len(files) > 1 or self._names_files else None
            try:
                yield from self._parquet(file) if file.format == "parquet" else self._csv(file)
            except UnusableTable as fault:
                for finding in fault.findings:
                    self.findings.add(replace(finding, file=self._file))
            except (OSError, EOFError, zlib.error, pl.exceptions.PolarsError) as fault:
                told = str(fault).splitlines()[0] if str(fault) else type(fault).__name__
                self.findings.add(Finding("format", f"not readable as .{file.format}: {told}", file=self._file))
            if self.findings.enough:
                return

    def _csv(self, file: TableFile) -> Iterator[Frame]:
        with _opened(file) as stream:
            blocks = (rows for block in read_blocks(stream) if (rows := _without_blank_lines(block)).content)
            first = next(blocks, None)
            if first is None:
                return
            dialect = detect_dialect(first.content, self._settings)
            first, places = self._begin(first, dialect)
            if first.content:
                yield from self._frames(self._parse(first, dialect, places), dialect, places)
            for parsed in ahead(lambda block: self._parse(block, dialect, places), blocks):
                if self.findings.enough:
                    return
                yield from self._frames(parsed, dialect, places)

    def _begin(self, block: Block, dialect: Dialect) -> tuple[Block, list[int]]:
        """What follows the header; and where in this file each column of the first file stands."""
        record, rest = _split_first(block, dialect)
        names = record if dialect.header else None
        if self._columns is None:
            self._fix(fix_columns(names, dialect.width, self._settings, block.first_row))
        elif (names is None) != (self.columns.names is None):
            has, had = ("no header", "one") if names is None else ("a header", "none")
            raise UnusableTable([Finding("header", f"this file has {has}, the first has {had}", (block.first_row,))])
        elif names is not None:
            return rest, reorder(self.columns, names, block.first_row)
        return rest, list(range(self.columns.width))

    def _fix(self, columns: Columns) -> None:
        declared = [_declared_storage(columns.rules(p, self._settings)) for p in range(columns.width)]
        declared[columns.label] = "text"
        for position in columns.ignored:
            declared[position] = declared[position] or "text"
        self._columns, self._storage = columns, declared

    def _parse(self, block: Block, dialect: Dialect, places: list[int]) -> _Parsed:
        """Needs none of the findings, and how columns are kept only in order to be fast."""
        storage: list[Storage | None] = [None] * len(places)
        for position, place in enumerate(places):
            storage[place] = self._storage[position]
        shape = Shape(len(places), dialect.separator, tuple(storage), self._missing)
        data = parse_quickly(block, shape)
        if data is None:
            data = parse_quickly(block, replace(shape, storage=_ALL_TEXT * shape.width))
        return _Parsed(block, shape, data)

    def _frames(self, parsed: _Parsed, dialect: Dialect, places: list[int]) -> Iterator[Frame]:
        block, shape, data = parsed.block, parsed.shape, parsed.data
        names = [str(place) for place in places]
        if data is not None:
            row_of = _lines_of(block, shape, data.height)
        elif len(block.content) > 2 * _CAREFUL_BYTES:
            for piece in split_block(block, _CAREFUL_BYTES):
                yield from self._frames(self._parse(piece, dialect, places), dialect, places)
            return
        else:
            records = split_carefully(block, shape, self.findings, self._file)
            texts = pl.DataFrame(
                records.cells, schema=[(name, pl.String) for name in sorted(names, key=int)], orient="row"
            )
            data, row_of = texts.with_columns(as_text(pl.all(), self._missing)), records.rows.__getitem__
        ordered = data.select(pl.col(name).alias(str(position)) for position, name in enumerate(names))
        yield Frame(self._stored(ordered, row_of, finite=True), self._file, row_of)

    def _stored(self, data: pl.DataFrame, row_of: Callable[[int], int], *, finite: bool) -> pl.DataFrame:
        def blame(index: int, position: int, finding: Finding) -> None:
            title = self.columns.title(position)
            self.findings.add(replace(finding, rows=(row_of(index),), column=title, file=self._file))

        for position, kept in enumerate(self._storage):
            if kept is None:
                self._storage[position] = storage_of(data[str(position)])
        return convert(data, self._storage, blame, finite=finite)

    def _parquet(self, file: TableFile) -> Iterator[Frame]:
        source = pl.scan_parquet(file.path)
        schema = source.collect_schema()
        names = list(schema.names())
        if self._columns is None:
            self._fix(fix_columns(names, len(names), self._settings))
        if self.columns.names is None:
            raise UnusableTable([Finding("header", "this file has names for its columns, the first has none")])
        places = reorder(self.columns, names, 1)
        rows, first = max(1, min(_PARQUET_ROWS, _PARQUET_CELLS // len(names))), 0
        for data in source.select([names[place] for place in places]).collect_batches(chunk_size=rows):
            ordered, foreign = from_parquet(data, self._storage, self._missing)
            for position in foreign:
                kind = schema[names[places[position]]]
                fault = f"the column is of type {kind}; a column holds numbers, true and false, or text"
                self.findings.add(Finding("type", fault, column=self.columns.title(position), file=self._file))
            row_of = functools.partial(operator.add, first + 1)
            yield Frame(self._stored(ordered, row_of, finite=are_finite(ordered)), self._file, row_of)
            first += data.height
            if self.findings.enough:
                return


def _declared_storage(rules: ColumnRules) -> Storage | None:
    if rules.type is None and (rules.minimum is not None or rules.maximum is not None):
        return "number"
    return _STORED_AS.get(rules.type or "")


@contextmanager
def _opened(file: TableFile) -> Iterator[BinaryIO]:
    with file.path.open("rb") as stream:
        if file.format == "csv.gz":
            with gzip.open(stream) as unpacked:
                yield cast("BinaryIO", unpacked)
        else:
            yield stream


def _without_blank_lines(block: Block) -> Block:
    """The block from its first line that is not blank on."""
    blank = cast("re.Match[bytes]", _BLANK_LINES.match(block.content)).end()
    return Block(block.content[blank:], block.first_row + block.content.count(b"\n", 0, blank))


def _split_first(block: Block, dialect: Dialect) -> tuple[list[str], Block]:
    """The first record's stripped cells, and the block without it when it is a header."""
    text = block.content[:MAXIMUM_RECORD_BYTES].decode("utf-8", errors="replace")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=dialect.separator)
    try:
        record = [cell.strip() for cell in next(reader)]
    except csv.Error as fault:
        raise UnusableTable([unreadable(fault, block.first_row)]) from fault
    if not dialect.header:
        return record, block
    end = -1
    for _ in range(reader.line_num):
        end = block.content.find(b"\n", end + 1)
        if end < 0:
            return record, Block(b"", block.first_row)
    return record, _without_blank_lines(Block(block.content[end + 1 :], block.first_row + reader.line_num))


def _lines_of(block: Block, shape: Shape, height: int) -> Callable[[int], int]:
    """Asked only where something is wrong: the lines are counted then, once."""

    @functools.cache
    def lines() -> Sequence[int]:
        content = block.content
        count = content.count(b"\n") + (not content.endswith(b"\n"))
        if count == height:
            return range(block.first_row, block.first_row + height)
        return split_carefully(block, shape, Findings(), None).rows  # cells with line ends in them

    return lambda index: lines()[index]
