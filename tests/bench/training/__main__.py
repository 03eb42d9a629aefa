"""Measures contestants in processes of their own, one after another, and writes `build/bench-training.json`.

Scans are repeated in turn and the medians told. scikit-learn's forest takes minutes of every processor, so that it is
grown with fewer trees and its time is extrapolated, tree by tree; `--whole` grows all of them.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from infra.project import PROJECT

ROWS, COLUMNS, TREES, FEW_TREES = 1_000_000, 20, 120, 6
LARGE_BYTES = 2 * 1024**3
REPEATS = 5
SEED = 42
FOLDER = PROJECT.built / "bench-training"
PEER_PYTHON = PROJECT.built / "bench-environment" / "bin" / "python"


@dataclass(frozen=True)
class Row:
    """One contestant. Memory is beyond what importing the libraries takes."""

    stack: str
    rows: int
    columns: int
    cpu_seconds: float
    wall_seconds: float
    accuracy: float | None
    peak_memory_mb: float
    trees: int | None = None
    extrapolated_from_trees: int | None = None

    def line(self) -> str:
        """As it is printed."""
        accuracy = f"{self.accuracy:8.4f}" if self.accuracy is not None else f"{'':8}"
        mark = f"  extrapolated from {self.extrapolated_from_trees} trees" if self.extrapolated_from_trees else ""
        return (
            f"{self.stack:42} {self.rows:>10,} {self.cpu_seconds:9.2f} {self.wall_seconds:9.2f} {accuracy} "
            f"{self.peak_memory_mb:9.0f}{mark}"
        )


def main() -> int:
    """Measure, print, write."""
    options = argparse.ArgumentParser(prog="make bench-training")
    options.add_argument("--whole", action="store_true", help=f"grow all {TREES} trees with scikit-learn too")
    whole = options.parse_args().whole
    dataset = table(FOLDER / "train" / "table.csv", ROWS)
    print(f"{'':42} {'rows':>10} {'CPU s':>9} {'wall s':>9} {'accuracy':>8} {'peak MB':>9}")
    rows: list[Row] = []
    for row in [*_training(dataset, whole=whole), *_validation(dataset)]:
        print(row.line(), flush=True)
        rows.append(row)
    verdicts = _verdicts({row.stack: row for row in rows})
    print("\n".join(["", *verdicts]))
    report = {"cores": os.cpu_count(), "rows": [asdict(row) for row in rows], "verdicts": verdicts}
    target = PROJECT.built / "bench-training.json"
    target.write_text(json.dumps(report, indent=1) + "\n")
    print(f"\nWritten to {PROJECT.told(target)}")
    return 0


def table(path: Path, rows: int) -> Path:
    """Twenty columns of noise of which eight, alone and in pairs, decide about the label; made once."""
    if path.is_file():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    chance = np.random.default_rng(SEED)
    values = chance.normal(size=(rows, COLUMNS)).round(6)
    score = values[:, :4].sum(axis=1) + 2 * values[:, 4] * values[:, 5] + np.abs(values[:, 6]) - values[:, 7] ** 2
    labels = (score + chance.normal(size=rows) > 0).astype(int)
    frame = pl.DataFrame({"label": labels, **{f"column {i}": values[:, i] for i in range(COLUMNS)}})
    part = path.with_suffix(".part")
    frame.write_csv(part, include_header=False)
    part.rename(path)
    return path


def _training(dataset: Path, *, whole: bool) -> Iterator[Row]:
    cpus = str(os.cpu_count() or 1)
    trees = TREES if whole else FEW_TREES
    peer = _run("pandas + scikit-learn", [str(PEER_PYTHON), "tests/bench/training/peer.py", dataset, trees, cpus])
    yield peer if whole else replace(peer, stack=f"{peer.stack}, {FEW_TREES} trees")
    if not whole:
        # What is the same for any number of trees is reading and splitting: a second run tells it apart.
        double = _run("", [str(PEER_PYTHON), "tests/bench/training/peer.py", dataset, 2 * trees, cpus])
        yield _extrapolated(peer, double)
        yield _run(f"ours, {FEW_TREES} trees", [*_ours("train"), dataset, FEW_TREES, cpus])
    yield _run("ours", [*_ours("train"), dataset, TREES, cpus])
    yield _run("ours, the whole job", [*_ours("job"), dataset, TREES, cpus])


def _extrapolated(few: Row, double: Row) -> Row:
    def at(trees: int, value: Callable[[Row], float]) -> float:
        return value(few) + (value(double) - value(few)) / FEW_TREES * (trees - FEW_TREES)

    return replace(
        few,
        stack="pandas + scikit-learn",
        cpu_seconds=at(TREES, lambda row: row.cpu_seconds),
        wall_seconds=at(TREES, lambda row: row.wall_seconds),
        accuracy=None,
        trees=TREES,
        extrapolated_from_trees=FEW_TREES,
    )


def _validation(dataset: Path) -> Iterator[Row]:
    large = _large(dataset)
    turns: dict[str, list[Row]] = {"polars, bare scan": [], "ours, validation": []}
    for _ in range(REPEATS):
        turns["polars, bare scan"].append(_run("", [*_ours("scan", "validation"), dataset]))
        turns["ours, validation"].append(_run("", [*_ours("judge", "validation"), dataset]))
    for stack, measured in turns.items():
        middle = sorted(measured, key=lambda row: row.wall_seconds)[REPEATS // 2]
        cpu = statistics.median(row.cpu_seconds for row in measured)
        yield replace(middle, stack=stack, cpu_seconds=cpu)
    yield _run("ours, validation of 2 GB", [*_ours("judge", "validation"), large])


def _large(dataset: Path) -> Path:
    """The table again and again, until it has two gigabytes."""
    large = FOLDER / "large.csv"
    if not large.is_file():
        content, part = dataset.read_bytes(), large.with_suffix(".part")
        with part.open("wb") as file:
            while file.tell() < LARGE_BYTES:
                file.write(content)
        part.rename(large)
    return large


def _ours(way: str, module: str = "ours") -> list[object]:
    return [sys.executable, "-m", f"tests.bench.training.{module}", way]


def _run(stack: str, command: list[object]) -> Row:
    done = subprocess.run(list(map(str, command)), cwd=PROJECT.root, check=True, stdout=subprocess.PIPE, text=True)
    told = json.loads(done.stdout.splitlines()[-1])
    told.pop("imports_mb")
    return Row(stack=stack, columns=COLUMNS, accuracy=told.pop("accuracy", None), rows=told.pop("rows", ROWS), **told)


def _verdicts(rows: dict[str, Row]) -> list[str]:
    """The ratios that matter, each within this one run."""
    ours, peer = rows["ours"], rows["pandas + scikit-learn"]
    few = (rows.get(f"ours, {FEW_TREES} trees", ours), rows.get(f"pandas + scikit-learn, {FEW_TREES} trees", peer))
    matrix_mb = ROWS * COLUMNS * 4 / 1024**2
    scan, validation = rows["polars, bare scan"], rows["ours, validation"]
    accuracies = [row.accuracy or 0.0 for row in few]
    return [
        f"training takes {peer.cpu_seconds / ours.cpu_seconds:.1f} times less CPU than pandas + scikit-learn",
        f"accuracy {accuracies[0]:.4f} against {accuracies[1]:.4f} with {few[0].trees} trees each",
        f"training's memory is {ours.peak_memory_mb / matrix_mb:.2f} times the float32 matrix ({matrix_mb:.0f} MB)",
        f"validation runs at {scan.wall_seconds / validation.wall_seconds:.2f} of the bare scan's rate",
        f"2 GB are judged within {rows['ours, validation of 2 GB'].peak_memory_mb:.0f} MB beyond the libraries",
    ]


if __name__ == "__main__":
    sys.exit(main())
