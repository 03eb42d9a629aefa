"""Small fits that tests speak of."""

import json
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import make_classification

from container.predictor import Predictor, Rows
from container.schema import Schema, number_columns
from container.training.ensemble import Ensemble
from container.training.export import export_ensemble
from container.training.fitting import Fitted, fit
from container.training.forest import FittedForest, Forest
from container.training.graph import GraphPredictor
from container.training.hyperparameters import Hyperparameters, parse_hyperparameters
from container.training.packing import pack_trees
from container.training.split import Split


def exported(forest: Forest) -> bytes:
    return pack_trees(FittedForest(forest).ensemble()).to_bytes()


def served(ensemble: Ensemble, schema: Schema) -> Predictor:
    return Predictor(pack_trees(ensemble).to_bytes(), schema)


def graph(ensemble: Ensemble, schema: Schema) -> GraphPredictor:
    return GraphPredictor(export_ensemble(ensemble), schema)


FORMS = (served, graph)
"""What training exports: both have to answer as the estimator does."""


def table(rows: int, classes: int, missing: float = 0.0, seed: int = 0) -> tuple[Rows, NDArray[np.int64]]:
    """Ten features, six of which tell something, and the classes."""
    features, labels = make_classification(
        rows, 10, n_informative=6, n_classes=classes, random_state=seed, flip_y=0.1, shift=1.0
    )
    features = features.astype(np.float32)
    features[np.random.default_rng(seed).random(features.shape) < missing] = np.nan
    return features, labels.astype(np.int64)


def split_of(rows: Rows, labels: NDArray[np.int64] | NDArray[np.float64]) -> Split:
    """The last quarter is held out. Whole numbers are classes, others a regression's labels."""
    regression = labels.dtype.kind == "f"
    classes = () if regression else tuple(range(int(labels.max()) + 1))
    schema = Schema(
        number_columns(rows.shape[1]),
        "regression" if regression else "classification",
        classes,
        "number" if regression else "integer",
        missing_allowed=bool(np.isnan(rows).any()),
    )
    kept = len(rows) * 3 // 4
    return Split(schema, rows[:kept], labels[:kept], rows[kept:], labels[kept:])


def classification(rows: int = 600, classes: int = 3, missing: float = 0.0, seed: int = 0) -> Split:
    return split_of(*table(rows, classes, missing, seed))


def regression(rows: int = 600, missing: float = 0.0, seed: int = 0) -> Split:
    """Positive values between 50 and 200."""
    features, labels = table(rows, 3, missing, seed)
    known = np.nan_to_num(features)
    return split_of(features, 100 + 5.0 * known[:, 0] - known[:, 1] * known[:, 2] + 10.5 * labels)


def hyperparameters(**given: object) -> Hyperparameters:
    """One thread, unless another number is given."""
    texts = {name.rstrip("_"): str(value) for name, value in given.items()}
    return parse_hyperparameters(json.dumps(texts), cpus=1)


def fitted(split: Split, say: Callable[[str], None] = lambda _line: None, **given: object) -> tuple[Fitted, Predictor]:
    """The estimator, and what is served of it."""
    estimator = fit(split, hyperparameters(**given), say)
    return estimator, served(estimator.ensemble(), split.schema)
