"""Our own ways through the same work: `python -m tests.bench.training.ours train|job FILE TREES CPUS`."""

import importlib.util
import json
import os
import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from container.layout import Layout
from container.training import job
from container.training.dataset import read_dataset
from container.training.fitting import fit
from container.training.hyperparameters import parse_hyperparameters
from container.training.memory import return_freed_memory, set_aside
from container.training.split import split_dataset
from tests.bench.training.measured import measure
from tests.bench.training.validation import SETTINGS


def train(file: Path, trees: int, cpus: int) -> dict[str, object]:
    """As far as the peer goes: read, split, grow, ask for the held-out rows."""
    given = {"n_estimators": str(trees), "max_depth": "11", "n_jobs": str(cpus), "data": SETTINGS.model_dump_json()}
    hyperparameters = parse_hyperparameters(json.dumps(given), cpus)
    split = split_dataset(read_dataset(file.parent, None, SETTINGS), SETTINGS)
    split = replace(split, test_features=set_aside(split.test_features))
    fitted = fit(split, hyperparameters, lambda _: None)
    answers = fitted.probabilities(split.test_features).argmax(axis=1)
    return {"accuracy": float(np.mean(answers == split.test_labels)), "trees": trees}


def whole_job(file: Path, trees: int, cpus: int) -> dict[str, object]:
    """The training job itself: with the export and its proof, the evaluation and all files."""
    with tempfile.TemporaryDirectory() as folder:
        layout = Layout(Path(folder))
        given = {"n_estimators": str(trees), "max_depth": "11", "n_jobs": str(cpus), "data": SETTINGS.model_dump_json()}
        layout.hyperparameters.parent.mkdir(parents=True)
        layout.hyperparameters.write_text(json.dumps(given))
        layout.channel("train").mkdir(parents=True)
        shutil.copy(file, layout.channel("train"))
        with (layout.base / "said").open("w") as said:
            sys.stdout, stdout = said, sys.stdout
            job.run(layout)
            sys.stdout = stdout
        report = json.loads((layout.output_data / "evaluation.json").read_text())
    return {"accuracy": report["candidate"]["values"]["accuracy"], "trees": trees}


def _use_libraries(cpus: int) -> None:
    """What a library loads and allocates at its first use is its own, whatever the table's size."""
    rows = np.random.default_rng(0).normal(size=(200, 2)).astype(np.float32)
    pl.read_csv(b"1,2\n3,4\n", has_header=False).sum()
    if importlib.util.find_spec("sklearnex") is not None:
        from sklearnex.ensemble import RandomForestClassifier

        RandomForestClassifier(n_estimators=2, n_jobs=cpus).fit(rows, rows[:, 0] > 0)


def main() -> None:
    """Run what the command line names."""
    return_freed_memory()
    _use_libraries(os.cpu_count() or 1)
    way, file, *numbers = sys.argv[1:]
    works = {"train": train, "job": whole_job}
    measure(lambda: works[way](Path(file), *map(int, numbers)))


if __name__ == "__main__":
    main()
