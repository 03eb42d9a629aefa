"""Datasets that tests write, and what is read of them."""

from pathlib import Path

from contracts.settings import DataSettings
from tables.files import table_files
from tables.findings import UnusableTable
from tables.judge import Accepted, judge
from tables.profiles import Profile
from tables.reader import TableReader


def write(folder: Path, text: str | bytes, name: str = "data.csv") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def read(folder: Path, settings: DataSettings | None = None) -> tuple[list[tuple[object, ...]], list[str]]:
    """All rows, and what was wrong."""
    reader = TableReader(settings or DataSettings())
    rows = [row for frame in reader.frames(table_files(folder)) for row in frame.data.rows()]
    return rows, [str(finding) for finding in reader.findings]


def accepted(folder: Path, settings: DataSettings, former: Profile | None = None) -> Accepted:
    """The verdict on `folder`, or on its `train` and `validation`."""
    train = folder / "train" if (folder / "train").is_dir() else folder
    validation = table_files(folder / "validation") if (folder / "validation").is_dir() else []
    return judge(table_files(train), validation, settings, former)


def refused(folder: Path, settings: DataSettings, former: Profile | None = None) -> list[str]:
    """What is said about a dataset that must be refused."""
    try:
        verdict = accepted(folder, settings, former)
    except UnusableTable as fault:
        return [str(finding) for finding in fault.findings]
    raise AssertionError(verdict)
