"""Judging takes memory for a block and for what is counted, not for the rows: measured in a process of its own."""

import gzip
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

FILE_BYTES = 200 * 1024**2
LIMIT_MB = 512
COLUMNS = 20

JUDGE = r"""
import sys, time
from pathlib import Path
from contracts.settings import DataSettings
from tables.files import table_files
from tables.findings import UnusableTable
from tables.judge import judge
from tests.bench.training.measured import peak_mb
started = time.process_time()
try:
    told = f"{judge(table_files(Path(sys.argv[1])), [], DataSettings(header=False)).profile.rows} rows"
except UnusableTable as fault:
    told = str(fault)[:200]
print(int(peak_mb()), f"{time.process_time() - started:.1f}", told, sep="|")
"""


def frame(rows: int = 100_000) -> pl.DataFrame:
    chance = np.random.default_rng(17)
    columns = {f"x{number}": chance.normal(size=rows).round(6) for number in range(COLUMNS - 1)}
    return pl.DataFrame({"label": chance.integers(0, 3, rows), **columns})


def repeated(content: bytes, path: Path) -> None:
    with path.open("wb") as file:
        while file.tell() < FILE_BYTES:
            file.write(content)


def plain(folder: Path) -> None:
    repeated(frame().write_csv(include_header=False).encode(), folder / "data.csv")


def quoted(folder: Path) -> None:
    repeated(frame().write_csv(include_header=False, quote_style="always").encode(), folder / "data.csv")


def faulty_everywhere(folder: Path) -> None:
    lines = frame(1_000).write_csv(include_header=False).splitlines(keepends=True)
    lines[1::2] = [line.replace(",", ",x", 1) for line in lines[1::2]]
    repeated("".join(lines).encode(), folder / "data.csv")


def quotes_inside_cells(folder: Path) -> None:
    lines = frame(1_000).write_csv(include_header=False).splitlines(keepends=True)
    repeated("".join(line.replace("\n", f',pipe {number % 7}" long\n') for number, line in enumerate(lines)).encode(), folder / "data.csv")  # fmt: skip


def packed(folder: Path) -> None:
    plain(folder)
    with (folder / "data.csv").open("rb") as file, gzip.open(folder / "data.csv.gz", "wb", 1) as target:
        shutil.copyfileobj(file, target, 1024**2)
    (folder / "data.csv").unlink()


def texts_of_their_own(folder: Path) -> None:
    with (folder / "data.csv").open("w") as file:
        for number in range(FILE_BYTES // 100):
            file.write(f"{number % 2},{number % 7},{number:080d}-{number % 977}\n")


@pytest.mark.full
@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read where Linux tells it")
@pytest.mark.parametrize(
    "write", [plain, quoted, faulty_everywhere, quotes_inside_cells, packed, texts_of_their_own], ids=lambda each: each.__name__
)  # fmt: skip
def test_memory_stays_below_a_limit_whatever_the_file_holds(write: Callable[[Path], None], tmp_path: Path) -> None:
    write(tmp_path)
    answer = subprocess.run([sys.executable, "-c", JUDGE, str(tmp_path)], capture_output=True, text=True, check=True)
    peak, seconds, told = answer.stdout.strip().split("|", 2)
    size = sum(file.stat().st_size for file in tmp_path.iterdir()) // 1024**2
    print(f"{write.__name__}: a file of {size} MB took {peak} MB at most and {seconds} s of CPU: {told}")
    for file in tmp_path.iterdir():
        file.unlink()
    assert int(peak) <= LIMIT_MB
