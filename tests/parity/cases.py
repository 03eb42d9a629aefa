"""The estimators whose exports are looked at, fitted on tables with everything in them that makes trees differ."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import numpy as np
import xgboost
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer

from container.predictor import MODEL_FILE, Predictor, Rows
from container.schema import Column, Schema
from container.training.agreement import Exported
from container.training.ensemble import Ensemble
from container.training.export import export_ensemble
from container.training.fitting import Fitted, fit
from container.training.graph import GRAPH_FILE, GraphPredictor
from container.training.hyperparameters import parse_hyperparameters
from container.training.packing import pack_trees
from container.training.split import Split

_CATEGORIES: Final = ("east", "north", "south", "up", "west")
Labels = NDArray[np.int64] | NDArray[np.float64]


class Leaves(Protocol):
    """Says by the library's own account, not ours, which leaf of a tree rows end in: shape (rows,)."""

    def __call__(self, tree: int, rows: Rows) -> NDArray[np.int64]: ...


@dataclass(frozen=True)
class Case:
    """One algorithm and task."""

    name: str
    table: Callable[[int], Split]
    hyperparameters: Mapping[str, object]
    fewer: Mapping[str, object] = field(default_factory=dict)
    """In place of some of them, for a look that takes seconds."""


@dataclass(frozen=True)
class Subject:
    """A fitted case."""

    estimator: Fitted
    ensemble: Ensemble
    predictor: Predictor
    graph: GraphPredictor
    table: Rows
    leaves: Leaves

    @property
    def exported(self) -> Mapping[str, Exported]:
        """All forms in which training leaves the model."""
        return {MODEL_FILE: self.predictor, GRAPH_FILE: self.graph}


def fit_case(case: Case, seed: int, *, quick: bool) -> Subject:
    """Fit and export it."""
    split = case.table(seed)
    given = {**case.hyperparameters, **(case.fewer if quick else {}), "seed": seed}
    hyperparameters = parse_hyperparameters(json.dumps({name: str(value) for name, value in given.items()}), cpus=2)
    estimator = fit(split, hyperparameters, lambda _line: None)
    ensemble = estimator.ensemble()
    predictor = Predictor(pack_trees(ensemble).to_bytes(), split.schema)
    graph = GraphPredictor(export_ensemble(ensemble), split.schema)
    leaves = _leaves_of_boosted_trees(estimator) if hasattr(estimator, "_booster") else _leaves_of_a_forest(estimator)
    return Subject(estimator, ensemble, predictor, graph, split.train_features, leaves)


def _leaves_of_a_forest(estimator: Any) -> Leaves:
    trees = estimator._forest.estimators_
    return lambda tree, rows: trees[tree].tree_.apply(rows)


def _leaves_of_boosted_trees(estimator: Any) -> Leaves:
    booster = estimator._booster
    at_once = max(1, len(estimator.ensemble().trees) // booster.num_boosted_rounds())

    def leaves(tree: int, rows: Rows) -> NDArray[np.int64]:
        iteration = tree // at_once
        one_round = booster[iteration : iteration + 1]
        found = one_round.predict(xgboost.DMatrix(rows), pred_leaf=True, strict_shape=True)
        return found.reshape(len(rows), at_once)[:, tree % at_once].astype(np.int64)

    return leaves


def _table(rows: int, seed: int, *, missing: float) -> Rows:
    """Eight numbers of very different sizes, a yes or no, and a category's position."""
    random = np.random.default_rng(seed)
    numbers = random.normal(size=(rows, 8)) * 10.0 ** np.array([0, 0, 0, 1, 3, 6, -4, -38])
    numbers[:, 2] = numbers[:, 2].round(1)
    numbers[:, 3] = numbers[:, 3].round()
    table = np.column_stack([numbers, random.integers(0, 2, rows), random.integers(0, len(_CATEGORIES), rows)])
    table = table.astype(np.float32)
    table[random.random(table.shape) < missing] = np.nan
    return table


def _signal(table: Rows) -> NDArray[np.float64]:
    known = np.nan_to_num(table.astype(np.float64))
    scaled = known / np.maximum(known.std(axis=0), 1e-300)
    return scaled[:, 0] + scaled[:, 1] * scaled[:, 4] + scaled[:, 3] * scaled[:, 8] + (known[:, 9] % 2) * scaled[:, 5]


def _split(table: Rows, labels: Labels) -> Split:
    columns = (
        *(Column(f"number {place}", "number") for place in range(8)),
        Column("yes or no", "boolean"),
        Column("category", "category", _CATEGORIES),
    )
    return _split_of(columns, table, labels)


def _split_of(columns: tuple[Column, ...], table: Rows, labels: Labels) -> Split:
    regression = labels.dtype.kind == "f"
    classes = () if regression else tuple(range(int(labels.max()) + 1))
    task = "regression" if regression else "classification"
    schema = Schema(columns, task, classes, "number" if regression else "integer", missing_allowed=True)
    return Split(schema, table, labels, table[:1], labels[:1])


def _classes(count: int, rows: int, missing: float) -> Callable[[int], Split]:
    def make(seed: int) -> Split:
        table = _table(rows, seed, missing=missing)
        signal = _signal(table) + np.random.default_rng(seed + 1).normal(size=rows) * 0.5
        return _split(table, np.searchsorted(np.quantile(signal, np.arange(1, count) / count), signal))

    return make


def _values(rows: int) -> Callable[[int], Split]:
    def make(seed: int) -> Split:
        table = _table(rows, seed, missing=0.1)
        return _split(table, 1000.0 + 100.0 * _signal(table))

    return make


def _breast_cancer(_seed: int) -> Split:
    """Two classes that trees tell apart in few nodes: what half of the trees say is a tie."""
    data = load_breast_cancer()
    columns = tuple(Column(str(name), "number") for name in data.feature_names)
    return _split_of(columns, data.data.astype(np.float32), data.target.astype(np.int64))


_FOREST: Final = {"algorithm": "random-forest", "n_estimators": 120, "max_depth": 11}
_FEW_TREES: Final = {"n_estimators": 12, "max_depth": 6}
_XGBOOST: Final = {
    "algorithm": "xgboost",
    "num_round": 30,
    "max_depth": 10,
    "eta": 0.4307531922567607,
    "reg_lambda": 10,
    "alpha": 0.42495142279951414,
}
_FEW_ROUNDS: Final = {"num_round": 5, "max_depth": 6}

CASES: Final = (
    Case("random forest, three classes", _classes(3, 2_000, 0.1), _FOREST, _FEW_TREES),
    Case("random forest, two classes", _breast_cancer, _FOREST, _FEW_TREES),
    Case("random forest, grown by intelex", _classes(3, 20_000, 0), {**_FOREST, "max_depth": 8}, _FEW_TREES),
    Case("random forest, regression", _values(1_000), _FOREST, _FEW_TREES),
    Case("XGBoost, three classes", _classes(3, 5_000, 0.1), _XGBOOST, _FEW_ROUNDS),
    Case("XGBoost, two classes", _classes(2, 5_000, 0.1), _XGBOOST, _FEW_ROUNDS),
    Case("XGBoost, regression", _values(5_000), _XGBOOST, _FEW_ROUNDS),
)
