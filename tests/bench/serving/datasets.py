"""Tables, the models that the product's own training job makes of them, and the rows that servers are asked about."""

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import joblib
import numpy as np
from sklearn.datasets import load_breast_cancer, load_iris, make_classification

from container.layout import Layout
from infra.project import PROJECT

FOLDER = PROJECT.built / "bench-serving"
SEED = 42
TREES, DEPTH = 120, 11
# More rows than any server could be thought to remember, and few enough for the processor's caches to hold.
_ASKED_ROWS = 4096
# scikit-learn leaves it to the rounding of its sums which of two classes that are equally probable it answers.
_TIE = 1e-6
_JOB_SECONDS = 600


@dataclass(frozen=True)
class Dataset:
    """A trained model and the rows to ask about: lines of text/csv, with the class that the estimator answers."""

    name: str
    layout: Layout
    lines: list[str]
    classes: list[int]

    @property
    def estimator(self) -> Path:
        """The fitted scikit-learn estimator that the job leaves beside its report."""
        return self.layout.output_data / "estimator.joblib"

    @property
    def folder(self) -> Path:
        """Where everything about this dataset is."""
        return self.layout.base


def prepare(name: str) -> Dataset:
    """Write the table, train, and ask the estimator itself. A model stays until what makes it is changed."""
    features, labels = {"breast cancer": _breast_cancer, "iris": _iris, "synthetic": _synthetic}[name]()
    layout = Layout(FOLDER / name.replace(" ", "-"))
    made_by, stamp = _sources_digest(), layout.base / "made-by"
    if not stamp.is_file() or stamp.read_text() != made_by:
        shutil.rmtree(layout.base, ignore_errors=True)
        _write_table(layout.channel("train") / "table.csv", features, labels)
        _train(layout)
        stamp.write_text(made_by)
    estimator = joblib.load(layout.output_data / "estimator.joblib")
    chosen = np.random.default_rng(SEED).permutation(len(features))[:_ASKED_ROWS]
    lines = [_line(row) for row in features[chosen]]
    asked = np.loadtxt(io.StringIO("\n".join(lines)), delimiter=",", dtype=np.float32)
    shares = np.sort(estimator.predict_proba(asked), axis=1)
    clear = np.flatnonzero(shares[:, -1] - shares[:, -2] > _TIE)
    classes = estimator.predict(asked)
    return Dataset(name, layout, [lines[i] for i in clear], [int(classes[i]) for i in clear])


def _sources_digest() -> str:
    """Of all that a model may depend on: the job's sources and libraries, and this file."""
    folders = [PROJECT.root / name for name in ("container", "tables", "contracts")]
    files = [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]
    files = [path for path in files if "__pycache__" not in path.parts]
    digest = hashlib.sha256()
    for path in [*files, PROJECT.root / "locks" / "container.txt", Path(__file__)]:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _breast_cancer() -> tuple[np.ndarray, np.ndarray]:
    return load_breast_cancer(return_X_y=True)


def _iris() -> tuple[np.ndarray, np.ndarray]:
    return load_iris(return_X_y=True)


def _synthetic() -> tuple[np.ndarray, np.ndarray]:
    features, labels = make_classification(100_000, 30, n_informative=12, n_classes=3, random_state=SEED)
    return features.round(6), labels


def _line(row: np.ndarray) -> str:
    return ",".join(f"{value:.10g}" for value in row)


def _write_table(path: Path, features: np.ndarray, labels: np.ndarray) -> None:
    path.parent.mkdir(parents=True)
    with path.open("w") as file:
        file.writelines(f"{label},{_line(row)}\n" for label, row in zip(labels, features, strict=True))


def _train(layout: Layout) -> None:
    """Whatever the job writes as its model is what is served: nothing here knows its files."""
    settings = json.dumps({"header": False})
    given = {"n_estimators": str(TREES), "max_depth": str(DEPTH), "seed": str(SEED), "data": settings}
    layout.hyperparameters.parent.mkdir(parents=True)
    layout.hyperparameters.write_text(json.dumps(given))
    command = [sys.executable, "-m", "container", "train"]
    environment = {**os.environ, "SAGEMAKER_BASE_DIR": str(layout.base)}
    with (layout.base / "training.log").open("w") as log:
        subprocess.run(
            command, cwd=PROJECT.root, env=environment, check=True, stdout=log, stderr=log, timeout=_JOB_SECONDS
        )
