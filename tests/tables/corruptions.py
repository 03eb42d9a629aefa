"""Faults that people's tables have, each with what must be said about it: rule, file, rows and column.

The expectations are written from the rules in docs/datasets.md and from where the fault was put, never by judging.
"""

import gzip
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tables.profiles import Profile
from tests.tables.real import Row, Table, csv_of, parquet_of, tables

SEED = 20_240


@dataclass(frozen=True)
class Expected:
    """One finding. `rows` as a person counts them: lines of the file from 1, at most five; `count` of all."""

    rule: str
    column: int | str | None = None
    rows: tuple[int, ...] = ()
    file: str | None = None
    count: int | None = None


@dataclass(frozen=True)
class Corruption:
    """`files` by path: those in `train/`, and perhaps in `validation/`."""

    name: str
    table: str
    files: dict[str, bytes]
    expected: frozenset[Expected]
    changes: dict[str, Any] = field(default_factory=dict)
    columns: dict[int, Any] = field(default_factory=dict)
    former: Profile | None = None
    block_bytes: int | None = None


@dataclass(frozen=True)
class Layout:
    """How a table is written, and in which line a row (from 0) then stands."""

    name: str
    write: Callable[[Table, list[Row]], bytes]
    ending: str = "csv"
    block_bytes: int | None = None

    def line(self, table: Table, row: int) -> int:
        return row + 1 + (self.ending != "parquet" and table.names is not None)

    def path(self) -> str:
        return f"train/data.{self.ending}"


LAYOUTS = [
    Layout("commas", lambda table, rows: csv_of(rows, table.names)),
    Layout("semicolons, CR LF", lambda table, rows: csv_of(rows, table.names, delimiter=";", lineterminator="\r\n")),
    Layout("tabs", lambda table, rows: csv_of(rows, table.names, delimiter="\t")),
    Layout("all cells quoted", lambda table, rows: csv_of(rows, table.names, quoting=1)),
    Layout("gzip", lambda table, rows: gzip.compress(csv_of(rows, table.names), mtime=0), "csv.gz"),
    Layout("parquet", lambda table, rows: parquet_of(rows, table.names or []), "parquet"),
    Layout("small blocks", lambda table, rows: csv_of(rows, table.names), block_bytes=700),
    Layout("small quoted blocks", lambda table, rows: csv_of(rows, table.names, quoting=1), block_bytes=900),
]


def layouts(table: Table) -> list[Layout]:
    return [layout for layout in LAYOUTS if table.names or layout.ending != "parquet"]


def corruptions() -> list[Corruption]:
    chance = random.Random(SEED)
    families = (faulty_cells, missing_values, lines, headers, files, whole_tables, copies, moved)
    return [each for family in families for table in tables().values() for each in family(table, chance)]


def places(table: Table, chance: random.Random) -> tuple[int, int, int]:
    """The first, one in the middle, the last row."""
    return 0, chance.randrange(1, len(table.rows) - 1), len(table.rows) - 1


def faulty_cells(table: Table, chance: random.Random) -> Iterator[Corruption]:
    """One cell that the column's rules do not allow, in every layout and at both ends of the file."""
    for kind, rule, cell, columns in _cells(table):
        for row in places(table, chance):
            for layout in chance.sample(layouts(table), 2):
                position = chance.choice(columns)
                rows = table.copy()
                rows[row][position] = cell(position) if callable(cell) else cell
                told = Expected(rule, table.title(position), (layout.line(table, row),), count=1)
                yield Corruption(
                    f"{kind} in row {row}, {layout.name}",
                    table.name,
                    {layout.path(): layout.write(table, rows)},
                    frozenset({told}),
                    block_bytes=layout.block_bytes,
                    columns={table.label: {"allowed": None}} if rule == "label-name" else {},
                )


def _cells(table: Table) -> Iterator[tuple[str, str, Any, Sequence[int]]]:
    """Kind of fault, the rule it breaks, the cell, the columns where it may stand."""

    def beyond(bound: str, sign: int) -> Callable[[int], str]:
        return lambda position: repr(table.contract["columns"][str(table.title(position))][bound] + sign * 0.5)

    yield "a word", "type", "big", table.numbers
    yield "a decimal comma", "type", "1,5", table.numbers
    yield "a number with a unit", "type", "12 mm", table.numbers
    yield "infinity", "infinite", "-inf", table.numbers
    yield "a huge number", "infinite", "4e38", table.numbers
    yield "below the range", "range", beyond("minimum", -1), table.numbers
    yield "above the range", "range", beyond("maximum", 1), table.numbers
    yield "no label", "label-missing", "", [table.label]
    if table.regression:
        yield "a word as label", "label-type", "severe", [table.label]
        yield "infinity as label", "label-type", "inf", [table.label]
        yield "a label above the range", "range", beyond("maximum", 1), [table.label]
    else:
        yield "an unknown class", "allowed", "Emperor", [table.label]
        yield "a class with a control character", "label-name", "Ade\u202elie", [table.label]
    if texts := [p for p in range(table.width) if p not in (*table.numbers, table.label)]:
        yield "an unknown category", "allowed", "Atlantis", texts
        yield "a category in other letters", "allowed", "BISCOE", texts


def missing_values(table: Table, chance: random.Random) -> Iterator[Corruption]:
    """More gaps than the contract allows: none, or a few in a hundred."""
    for allowed in (0.0, 0.02):
        position = chance.choice(
            [p for p in table.numbers if table.profile.columns[p - (p > table.label)].missing == 0]
        )
        layout = chance.choice(layouts(table))
        rows = table.copy()
        holes = sorted(chance.sample(range(len(rows)), int(allowed * len(rows)) + chance.randint(1, 9)))
        for row in holes:
            rows[row][position] = chance.choice(["", "NA", "nan", " "])
        told = tuple(layout.line(table, row) for row in holes[:5])
        yield Corruption(
            f"{len(holes)} gaps, {layout.name}",
            table.name,
            {layout.path(): layout.write(table, rows)},
            frozenset({Expected("missing", table.title(position), told, count=len(holes))}),
            columns={position: {"missing": allowed}},
            block_bytes=layout.block_bytes,
        )
    position = chance.choice(table.numbers)
    rows = [[*row[:position], "", *row[position + 1 :]] for row in table.rows]
    for layout in layouts(table)[::3]:
        yield Corruption(
            f"an empty column, {layout.name}",
            table.name,
            {layout.path(): layout.write(table, [list(row) for row in rows])},
            frozenset({Expected("no-values", table.title(position))}),
            block_bytes=layout.block_bytes,
        )


def lines(table: Table, chance: random.Random) -> Iterator[Corruption]:
    """Lines that are no records of this table, or no text."""
    plain = LAYOUTS[0]

    def broken(
        kind: str, rule: str, change: Callable[[bytes], bytes], *, last_only: bool = False
    ) -> Iterator[Corruption]:
        for row in places(table, chance)[2 if last_only else 0 :]:
            for block_bytes in (None, 600):
                written = plain.write(table, table.copy()).splitlines(keepends=True)
                line = plain.line(table, row)
                written[line - 1] = change(written[line - 1])
                yield Corruption(
                    f"{kind} in row {row}",
                    table.name,
                    {"train/data.csv": b"".join(written)},
                    frozenset({Expected(rule, None, (line,), count=1)}),
                    block_bytes=block_bytes,
                )

    position = chance.choice(table.numbers)

    def at_cell(text: bytes) -> Callable[[bytes], bytes]:
        def change(line: bytes) -> bytes:
            cells = line.split(b",")
            cells[position] = text
            return b",".join(cells) if position < table.width - 1 else b",".join(cells) + b"\n"

        return change

    yield from broken("one cell more", "width", lambda line: line.rstrip(b"\n") + b",1\n")
    yield from broken("one cell less", "width", lambda line: line.rpartition(b",")[0] + b"\n")
    yield from broken("blanks instead of a record", "width", lambda _: b"   \n")
    yield from broken("text behind a quoted cell", "quotes", at_cell(b'"1" 2'))
    yield from broken("a byte of another encoding", "encoding", at_cell(b"1\xb5"))
    yield from broken("a NUL", "encoding", at_cell(b"1\0"))
    yield from broken("a lone carriage return", "encoding", at_cell(b"1\r2"))
    yield from broken("an open quote", "quotes", at_cell(b'"1'), last_only=True)


def headers(table: Table, chance: random.Random) -> Iterator[Corruption]:
    """Names that are none, and columns that are not as the settings say."""
    plain = LAYOUTS[0]
    if table.names is None:
        return
    position = chance.choice(table.numbers)
    name, label = table.names[position], table.names[table.label]

    def named(
        kind: str, changed: str, expected: Expected, at: int = position, changes: dict[str, Any] | None = None
    ) -> Corruption:
        names = [*table.names[:at], changed, *table.names[at + 1 :]]  # type: ignore[index]
        rows = csv_of(table.copy(), names)
        return Corruption(kind, table.name, {"train/data.csv": rows}, frozenset({expected}), changes or {})

    declared = {key: rules for key, rules in table.contract["columns"].items() if key != name}
    free = {"columns": declared}
    yield named("a column without name", "", Expected("header", position, (1,), count=1), changes=free)
    twice = chance.choice([each for each in table.names if each not in (name, label)])
    place = max(position, table.names.index(twice))
    yield named("a name that stands twice", twice, Expected("header", twice, (1,), count=1), changes=free)
    assert place
    yield named("a very long name", "x" * 101, Expected("header", position, (1,), count=1), changes=free)
    yield named("a name with a control character", "a\x07b", Expected("header", position, (1,), count=1), changes=free)
    yield named("a column with another name", "other", Expected("columns", None, (1,), count=1))
    yield named("another name of the label", "other", Expected("label-column", None, (1,), count=1), at=table.label)
    yield named(
        "a column that nobody asked for", "other", Expected("columns", "other", (1,), count=1),
        changes={**free, "other_columns": "refused"},
    )  # fmt: skip
    digits = csv_of(table.copy(), [str(number) for number in range(table.width)])
    yield Corruption(
        "digits where the names should stand",
        table.name,
        {"train/data.csv": digits},
        frozenset({Expected("header", None, (1,), count=1), Expected("label-column", None, (1,), count=1)}),
        {"columns": {}},
    )
    without = plain.write(table, table.copy()).split(b"\n", 1)[1]
    yield Corruption(
        "no header in the second file",
        table.name,
        {"train/1.csv": plain.write(table, table.copy()), "train/2.csv": without},
        frozenset({Expected("header", None, (1,), "2.csv", 1)}),
        {"header": None},
    )


def files(table: Table, chance: random.Random) -> Iterator[Corruption]:
    """Files that cannot be read, hold nothing, or do not fit the first."""
    whole = csv_of(table.copy(), table.names)
    packed = gzip.compress(whole, mtime=0)

    def alone(kind: str, path: str, content: bytes, expected: Expected) -> Corruption:
        return Corruption(kind, table.name, {f"train/{path}": content}, frozenset({expected}))

    header = csv_of([], table.names)
    yield alone("nothing", "data.csv", b"", Expected("empty"))
    yield alone("blank lines", "data.csv", b"\r\n\n\n", Expected("empty"))
    yield alone("nothing, packed", "data.csv.gz", gzip.compress(b""), Expected("empty"))
    yield alone("a header", "data.csv", header, Expected("empty"))
    yield alone("UTF-16", "data.csv", whole.decode().encode("utf-16"), Expected("encoding"))
    yield alone("plain text named gz", "data.csv.gz", whole, Expected("format"))
    yield alone("half of a packed file", "data.csv.gz", packed[: len(packed) // 2], Expected("format"))
    yield alone("CSV named parquet", "data.parquet", whole, Expected("format"))
    if table.names:
        stored = parquet_of(table.copy(), table.names)
        yield alone("half of a parquet file", "data.parquet", stored[: len(stored) // 2], Expected("format"))
        yield alone("a parquet file without rows", "data.parquet", parquet_of([], table.names), Expected("empty"))
        fewer = csv_of([row[:-1] for row in table.copy()], table.names[:-1])
        yield Corruption(
            "a column less in the second file",
            table.name,
            {"train/1.csv": whole, "train/2.csv": fewer},
            frozenset({Expected("columns", None, (1,), "2.csv", 1)}),
        )
    for path, told in (("train/2.csv", "2.csv"), ("validation/2.csv", "validation/2.csv")):
        row, position = chance.randrange(len(table.rows)), chance.choice(table.numbers)
        rows = table.copy()
        rows[row][position] = "broken"
        line = LAYOUTS[0].line(table, row)
        yield Corruption(
            f"a word in {told}",
            table.name,
            {"train/1.csv": whole, path: csv_of(rows, table.names)},
            frozenset({Expected("type", table.title(position), (line,), told, 1)}),
            {"maximum_leakage": 1.0},
        )
    yield Corruption(
        "an empty validation file",
        table.name,
        {"train/1.csv": whole, "validation/1.csv": header},
        frozenset({Expected("empty")}),
    )
    # Line ends inside quoted cells before the fault: its line is counted, not its record.
    row, position = chance.randrange(20, len(table.rows)), chance.choice(table.numbers)
    rows = table.copy()
    for each in range(10):
        rows[each][position] = f"\n{rows[each][position]}\n"
    rows[row][position] = "broken"
    line = LAYOUTS[0].line(table, row) + 20
    for block_bytes in (None, 800):
        yield Corruption(
            "a word below cells with line ends",
            table.name,
            {"train/data.csv": csv_of(rows, table.names)},
            frozenset({Expected("type", table.title(position), (line,), count=1)}),
            block_bytes=block_bytes,
        )


def whole_tables(table: Table, chance: random.Random) -> Iterator[Corruption]:
    """Too little of something."""
    label, title = table.label, table.title(table.label)

    def of(kind: str, rows: list[Row], *expected: Expected, changes: dict[str, Any] | None = None) -> Corruption:
        written = {"train/data.csv": csv_of(rows, table.names)}
        return Corruption(kind, table.name, written, frozenset(expected), changes or {})

    half = chance.sample(table.copy(), table.contract["minimum_rows"] - 1)
    few = {"minimum_rows_per_class": 2}
    yield of("one row less than asked for", half, Expected("rows"), changes=few)
    if table.regression:
        same = [[*row[:label], "100", *row[label + 1 :]] for row in table.copy()]
        yield of("one and the same number to predict", same, Expected("classes", title))
        text = [[*row[:label], "high", *row[label + 1 :]] for row in table.copy()]
        lines_at_fault = tuple(range(2, 7))
        yield of("words to predict", text, Expected("label-type", title, lines_at_fault, count=len(text)))
        return
    name = chance.choice(sorted(table.profile.classes))
    alone = [row for row in table.copy() if row[label] == name]
    yield of("one class", alone, Expected("classes", title), changes={"minimum_rows": 2})
    least = table.contract["minimum_rows_per_class"]
    rest = [row for row in table.copy() if row[label] != name]
    rare = [*rest, *alone[: least - 1]]
    yield of("a rare class", rare, Expected("rows-per-class", title), changes={"minimum_rows": 2})
    yield Corruption(
        "a class in the validation file alone",
        table.name,
        {"train/1.csv": csv_of(rest, table.names), "validation/1.csv": csv_of(alone, table.names)},
        frozenset({Expected("classes", title)}),
        {"minimum_rows": 2},
    )
    many = [[*row[:label], f"kind {number % 1100}", *row[label + 1 :]] for number, row in enumerate(table.copy() * 7)]
    yield Corruption(
        "a label that is no class",
        table.name,
        {"train/1.csv": csv_of(many, table.names)},
        frozenset({Expected("classes", title)}),
        columns={label: {"allowed": None}},
    )


def copies(table: Table, chance: random.Random) -> Iterator[Corruption]:
    """Rows and values that stand twice."""
    rows = table.copy()
    for _ in range(3):
        doubled = [*rows, list(rows[chance.randrange(len(rows))])]
        yield Corruption(
            "a row that stands twice",
            table.name,
            {"train/data.csv": csv_of(doubled, table.names)},
            frozenset({Expected("duplicates")}),
            {"maximum_duplicates": 0.0},
        )
        cut = len(rows) * 4 // 5
        chance.shuffle(rows)
        leaked = [*rows[cut:], list(rows[chance.randrange(cut)])]
        yield Corruption(
            "a training row among the validation rows",
            table.name,
            {"train/1.csv": csv_of(rows[:cut], table.names), "validation/1.csv.gz": gzip.compress(csv_of(leaked, table.names))},
            frozenset({Expected("leakage")}),
            {"maximum_leakage": 0.0, "minimum_rows": 2, "minimum_rows_per_class": 2},
        )  # fmt: skip
        first, second = sorted(chance.sample(range(len(rows)), 2))
        numbers = [str(1000 + number) for number in range(len(rows))]
        numbers[second] = numbers[first]
        names = [*table.names, "id"] if table.names else None
        title = "id" if names else table.width
        rules = {**table.contract["columns"], str(title): {"unique": True}}
        for layout in (LAYOUTS[0], LAYOUTS[6]):
            yield Corruption(
                f"an identifier that stands twice, {layout.name}",
                table.name,
                {"train/1.csv": csv_of([[*row, number] for row, number in zip(table.rows, numbers, strict=True)], names)},
                frozenset({Expected("unique", title, (layout.line(table, second),), count=1)}),
                {"columns": rules, "ignore": [title]},
                block_bytes=layout.block_bytes,
            )  # fmt: skip


def moved(table: Table, chance: random.Random) -> Iterator[Corruption]:
    """Columns that are no longer as in the dataset of the last release."""
    limits = {"drift": {"reject_psi": 0.5, "reject_ks": 0.5}}
    for position in chance.sample(table.numbers, 3):
        column = table.profile.columns[position - (position > table.label)]
        assert column.numbers is not None
        highest = column.numbers.maximum
        rows = [
            [f"{highest + float(cell) / 1e3:.9g}" if p == position and cell not in ("NA", "") else cell for p, cell in enumerate(row)]
            for row in table.copy()
        ]  # fmt: skip
        yield Corruption(
            "a column that has moved",
            table.name,
            {"train/data.csv": csv_of(rows, table.names)},
            frozenset({Expected("drift", table.title(position))}),
            limits,
            former=table.profile,
        )
    texts = [[*row, f"guest {n}"] for n, row in enumerate(table.copy())]
    yield Corruption(
        "a text of its own in every row",
        table.name,
        {"train/data.csv": csv_of(texts, [*table.names, "name"] if table.names else None)},
        frozenset({Expected("identifier", "name" if table.names else table.width)}),
    )
    if not table.regression:
        name = max(table.profile.classes, key=lambda each: table.profile.classes[each])
        rows = [row for row in table.copy() if row[table.label] != name] * 9
        rows += [row for row in table.copy() if row[table.label] == name][: len(rows) // 50 + 3]
        yield Corruption(
            "classes in other shares",
            table.name,
            {"train/data.csv": csv_of(rows, table.names)},
            frozenset({Expected("drift", table.title(table.label))}),
            # The features follow the class; only the label is looked at here.
            {"drift": limits["drift"], "minimum_rows_per_class": 2},
            former=Profile(**{**vars(table.profile), "columns": ()}),
        )
