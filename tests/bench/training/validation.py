"""What is judged before training, and the library's bare scan: `python -m tests.bench.training.validation judge|scan FILE`.

Like the function that judges, it loads nothing that only training needs.
"""

import sys
from pathlib import Path

import polars as pl

from contracts.settings import DataSettings
from tables.files import TableFile
from tables.judge import judge
from tests.bench.training.measured import measure

SETTINGS = DataSettings(header=False, maximum_bytes=5 * 1024**3)


def judged(file: Path) -> dict[str, object]:
    """Everything that is judged."""
    return {"rows": judge([TableFile(file, file.name, "csv")], [], SETTINGS).profile.rows}


def scanned(file: Path) -> dict[str, object]:
    """The library alone: every number parsed, and added up so that none can be left out."""
    sums = pl.scan_csv(file, has_header=False).select(pl.len(), pl.all().sum()).collect(engine="streaming")
    return {"rows": sums["len"][0]}


def main() -> None:
    """Do what the command line names."""
    # What the library loads at its first use is its own, whatever the table's size.
    pl.read_csv(b"1,2\n3,4\n", has_header=False).sum()
    way, file = sys.argv[1:]
    work = {"judge": judged, "scan": scanned}[way]
    measure(lambda: work(Path(file)))


if __name__ == "__main__":
    main()
