"""The files that hold a table's rows: CSV, plain or compressed with gzip, and Parquet."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

Format = Literal["csv", "csv.gz", "parquet"]
FORMATS: Final[tuple[Format, ...]] = ("csv", "csv.gz", "parquet")


@dataclass(frozen=True)
class TableFile:
    """One file; `name` is how messages call it."""

    path: Path
    name: str
    format: Format


def format_of(name: str) -> Format | None:
    """By the name's ending, upper or lower case; None when it is no table."""
    return next((ending for ending in FORMATS if name.lower().endswith(f".{ending}")), None)


def table_files(folder: Path) -> list[TableFile]:
    """Every table under `folder`, in order of the paths; other files are none of ours."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    named = ((path, path.relative_to(folder).as_posix()) for path in paths)
    return [TableFile(path, name, form) for path, name in named if (form := format_of(name)) is not None]


def formats_told(formats: Iterable[str] = FORMATS) -> str:
    """`.csv, .csv.gz or .parquet`."""
    *most, last = (f".{each}" for each in formats)
    return f"{', '.join(most)} or {last}"
