"""Three real tables that come with packages, as lists of texts, and the contracts that `make infer` proposes for them."""

import csv
import io
import tempfile
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import palmerpenguins
import polars as pl
import sklearn
from sklearn.datasets import load_diabetes

from contracts.settings import DataSettings
from tables.files import table_files
from tables.infer import propose
from tables.judge import judge
from tables.profiles import Profile

Row = list[str]


@dataclass(frozen=True)
class Table:
    """`names` is None where the file has no header; `label` and `numbers` (features that hold numbers) are positions."""

    name: str
    names: tuple[str, ...] | None
    rows: tuple[tuple[str, ...], ...]
    label: int
    numbers: tuple[int, ...]
    contract: dict[str, Any]
    profile: Profile

    @property
    def width(self) -> int:
        return len(self.rows[0])

    @property
    def regression(self) -> bool:
        return self.profile.task == "regression"

    def title(self, position: int) -> int | str:
        return self.names[position] if self.names else position

    def copy(self) -> list[Row]:
        return [list(row) for row in self.rows]

    def settings(self, changes: dict[str, Any] | None = None, columns: dict[int, Any] | None = None) -> DataSettings:
        """The contract, with other keys of [data], and with other rules of single columns (None: no rule)."""
        rules = dict(self.contract["columns"])
        for position, changed in (columns or {}).items():
            rules[str(self.title(position))] = {**rules[str(self.title(position))], **changed}
        kept = {name: {k: v for k, v in each.items() if v is not None} for name, each in rules.items()}
        return DataSettings.model_validate({**self.contract, "columns": kept, **(changes or {})})


def csv_of(rows: list[Row], names: tuple[str, ...] | list[str] | None = None, **written: Any) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, **{"lineterminator": "\n", **written})
    if names:
        writer.writerow(names)
    writer.writerows(rows)
    return text.getvalue().encode()


def parquet_of(rows: list[Row], names: tuple[str, ...] | list[str]) -> bytes:
    """All columns as texts, as a program writes them that does not look into the cells."""
    stream = io.BytesIO()
    pl.DataFrame([list(row) for row in rows], schema=dict.fromkeys(names, pl.String), orient="row").write_parquet(
        stream
    )
    return stream.getvalue()


@cache
def tables() -> dict[str, Table]:
    return {table.name: table for table in (_wine(), _penguins(), _diabetes())}


def _wine() -> Table:
    """178 rows of 13 numbers and a class, without header, the class first."""
    lines = (Path(sklearn.__file__).parent / "datasets" / "data" / "wine_data.csv").read_text().splitlines()[1:]
    rows = [line.split(",") for line in lines]
    return _table("wine", None, [[row[-1], *row[:-1]] for row in rows], 0, range(1, 14))


def _penguins() -> Table:
    """344 rows of numbers and texts with gaps; the species is a text."""
    text = (Path(palmerpenguins.__file__).parent / "data" / "penguins.csv").read_text()
    names, *rows = csv.reader(io.StringIO(text))
    return _table("penguins", tuple(names), rows, 0, (2, 3, 4, 5, 7))


def _diabetes() -> Table:
    """442 rows of ten numbers; how far a disease has gone is a number, the last column."""
    data = load_diabetes(scaled=False)
    rows = [[f"{cell:g}" for cell in (*row, target)] for row, target in zip(data.data, data.target, strict=True)]
    return _table("diabetes", (*data.feature_names, "progress"), rows, 10, range(10))


def _table(name: str, names: tuple[str, ...] | None, rows: list[Row], label: int, numbers: Any) -> Table:
    asked = DataSettings(label=names[label] if names else label, header=names is not None, minimum_rows=2)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "clean.csv").write_bytes(csv_of(rows, names))
        profile = judge(table_files(Path(folder)), [], asked).profile
    frozen = tuple(tuple(row) for row in rows)
    return replace(Table(name, names, frozen, label, tuple(numbers), {}, profile), contract=propose(profile))
