"""The same table as other people and programs write it: nothing here is a fault."""

import csv
import gzip
import io
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import polars as pl

from tests.tables.real import Row, Table, csv_of, parquet_of, tables

SEED = 7_331
_MISSING = ("", "NA", "na", "N/A", "n/a", "NaN", "nan", "NULL", "null", "Null", " ", "\t", " NA ")


@dataclass(frozen=True)
class Variation:
    """`files` by path in `train/`. What is said of the dataset is the same where `same` is true; else it is accepted."""

    name: str
    table: str
    files: dict[str, bytes]
    same: bool = True
    reordered: bool = False
    """Whether the first file has its columns, or its rows, in another order."""
    block_bytes: int | None = None


def variations() -> list[Variation]:
    chance = random.Random(SEED)
    families = (dialects, cells, marks_of_missing, numbers, split, orders, other_rows)
    return [each for family in families for table in tables().values() for each in family(table, chance)]


def alone(name: str, table: Table, content: bytes, ending: str = "csv", block_bytes: int | None = None) -> Variation:
    return Variation(name, table.name, {f"data.{ending}": content}, block_bytes=block_bytes)


def dialects(table: Table, _: random.Random) -> Iterator[Variation]:
    """Separators, line ends, a byte order mark, compression, sizes of blocks."""
    for separator in (",", ";", "\t"):
        for ending in ("\n", "\r\n"):
            for mark in (b"", b"\xef\xbb\xbf"):
                text = mark + csv_of(table.copy(), table.names, delimiter=separator, lineterminator=ending)
                name = f"separated by {separator!r}, ends with {ending!r}, {'a' if mark else 'no'} mark"
                yield alone(name, table, text)
        yield alone(f"packed, {separator!r}", table, gzip.compress(text, mtime=0), "csv.gz")
    for block_bytes in (64, 1_000, 4_096):
        yield alone(f"blocks of {block_bytes} bytes", table, csv_of(table.copy(), table.names), block_bytes=block_bytes)
    yield alone("no line end behind the last row", table, csv_of(table.copy(), table.names).rstrip(b"\n"))
    yield alone("upper case ending", table, csv_of(table.copy(), table.names), "CSV")
    if table.names:
        yield alone("parquet of texts", table, parquet_of(table.copy(), table.names), "parquet")
        typed = pl.read_csv(csv_of(table.copy(), table.names), null_values="NA", infer_schema_length=None)
        for compression in ("snappy", "zstd", "uncompressed"):
            stream = io.BytesIO()
            typed.write_parquet(stream, compression=compression, row_group_size=100)
            yield alone(f"parquet, {compression}", table, stream.getvalue(), "parquet")


def cells(table: Table, chance: random.Random) -> Iterator[Variation]:
    """Quotes and blanks around cells, lines without anything."""
    for block_bytes in (None, 500):
        yield alone(
            "all quoted", table, csv_of(table.copy(), table.names, quoting=csv.QUOTE_ALL), block_bytes=block_bytes
        )

        def written(row: Row, around: Callable[[str], str]) -> bytes:
            return (",".join(map(around, row)) + "\n").encode()

        def quoted(cell: str) -> str:
            return f'"{cell}"' if chance.random() < 0.2 else cell

        def padded(cell: str) -> str:
            return " " * chance.randrange(3) + cell + chance.choice(["", " ", "\t"])

        head = [csv_of([], table.names)] if table.names else []
        for name, around in (("quotes here and there", quoted), ("blanks around cells", padded)):
            text = b"".join([*head, *(written(row, around) for row in table.copy())])
            yield alone(name, table, text, block_bytes=block_bytes)
        lines = csv_of(table.copy(), table.names).splitlines(keepends=True)
        for _ in range(20):
            lines.insert(chance.randrange(len(lines) + 1), chance.choice([b"\n", b"\r\n"]))
        yield alone("empty lines", table, b"".join(lines), block_bytes=block_bytes)


def marks_of_missing(table: Table, chance: random.Random) -> Iterator[Variation]:
    """Only penguins have gaps."""
    if any("NA" in row for row in table.rows):
        for mark in _MISSING:
            rows = [[mark if cell == "NA" else cell for cell in row] for row in table.rows]
            yield alone(f"missing values as {mark!r}", table, csv_of(rows, table.names))
        for number in range(4):
            rows = [[chance.choice(_MISSING) if cell == "NA" else cell for cell in row] for row in table.rows]
            yield alone(f"a mixture of missing values, {number}", table, csv_of(rows, table.names), block_bytes=700)


def numbers(table: Table, chance: random.Random) -> Iterator[Variation]:
    """One and the same number in other digits."""

    def fixed(cell: str) -> str:
        return cell + "000" if "." in cell else cell + ".000"

    spellings: dict[str, Callable[[str], str]] = {
        "a sign": lambda cell: cell if cell.startswith("-") else f"+{cell}",
        "decimals": fixed,
        "an exponent": lambda cell: f"{float(cell):.16e}",
        "a large exponent letter": lambda cell: f"{cell}E0",
        "leading zeros": lambda cell: f"00{cell}",
        "no zero before the point": lambda cell: cell.removeprefix("0") if cell.startswith("0.") else cell,
        "a point at the end": lambda cell: cell if "." in cell else f"{cell}.",
    }

    def mixed(cell: str) -> str:
        return chance.choice(list(spellings.values()))(cell)

    positions = {*table.numbers, *([] if table.name == "penguins" else [table.label])}
    for name, spell in [*spellings.items(), *((f"a mixture, {number}", mixed) for number in range(4))]:
        rows = [
            [spell(cell) if position in positions and cell != "NA" else cell for position, cell in enumerate(row)]
            for row in table.rows
        ]
        yield alone(f"numbers with {name}", table, csv_of(rows, table.names))


def split(table: Table, chance: random.Random) -> Iterator[Variation]:
    """Several files, in several formats, with columns in several orders."""
    writers: list[tuple[str, Callable[[list[Row], list[str] | None], bytes]]] = [
        ("csv", csv_of),
        ("csv.gz", lambda rows, names: gzip.compress(csv_of(rows, names), mtime=0)),
        ("csv", partial(csv_of, delimiter=";", lineterminator="\r\n")),
        *([("parquet", parquet_of)] if table.names else []),  # type: ignore[list-item]
    ]
    for parts in (2, 3, 7):
        for another_order in (False, True) if table.names else (False,):
            cuts = [0, *sorted(chance.sample(range(1, len(table.rows)), parts - 1)), len(table.rows)]
            files = {}
            for part in range(parts):
                order = list(range(table.width))
                if another_order and part:
                    chance.shuffle(order)
                rows = [[row[position] for position in order] for row in table.rows[cuts[part] : cuts[part + 1]]]
                ending, write = chance.choice(writers)
                names = [table.names[position] for position in order] if table.names else None
                files[f"{part}/part.{ending}"] = write(rows, names)
            yield Variation(f"{parts} files, {'other orders' if another_order else 'one order'}", table.name, files)


def orders(table: Table, chance: random.Random) -> Iterator[Variation]:
    """Rows, and columns with names, in another order."""
    for number in range(4):
        rows = table.copy()
        chance.shuffle(rows)
        content = {"data.csv": csv_of(rows, table.names)}
        yield Variation(f"shuffled rows, {number}", table.name, content, reordered=True)
        if table.names:
            order = list(range(table.width))
            chance.shuffle(order)
            rows = [[row[position] for position in order] for row in table.rows]
            content = {"data.csv": csv_of(rows, [table.names[position] for position in order])}
            yield Variation(f"shuffled columns, {number}", table.name, content, reordered=True)


def other_rows(table: Table, chance: random.Random) -> Iterator[Variation]:
    """Other rows of the same kind: what a month later looks like."""
    for number in range(6):
        by_class: dict[str, list[Row]] = {}
        for row in table.copy():
            by_class.setdefault("" if table.regression else row[table.label], []).append(row)
        rows = [row for group in by_class.values() for row in chance.sample(group, len(group) * 2 // 3)]
        content = {"data.csv": csv_of(rows, table.names)}
        yield Variation(f"two thirds of the rows, {number}", table.name, content, same=False)
        drawn = {position: [row[position] for row in table.rows] for position in table.numbers}
        for cells_of in drawn.values():
            chance.shuffle(cells_of)
        rows = [
            [drawn[position][index] if position in drawn else cell for position, cell in enumerate(row)]
            for index, row in enumerate(table.rows)
        ]
        content = {"data.csv": csv_of(rows, table.names)}
        yield Variation(f"other numbers, {number}", table.name, content, same=False)
