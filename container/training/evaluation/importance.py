"""Which features the candidate's answers hang on, measured on the exported model and the held-out rows.

A forest's own importances are of the rows it was fitted on, and favour features with many values; shuffling a feature
and looking at what it costs is honest, and the same for every algorithm. Features that tell the same share their
importance: shuffling one of them costs little.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.inspection import permutation_importance
from sklearn.metrics import accuracy_score, root_mean_squared_error

from container.predictor import Predictor, Rows
from container.schema import Schema
from contracts.reports import Importance

_SHUFFLES: Final = 5
_SEED: Final = 42
# So many rows are answered in all: about ten seconds of a forest of 120 trees.
_ANSWERS: Final = 500_000
_ROWS: Final = 2_000
_LEAST_ROWS: Final = 50
# More in a report would be read by nobody.
_REPORTED: Final = 100


class _Exported(BaseEstimator):  # type: ignore[misc]
    """What scikit-learn wants to see of a model that is fitted already."""

    def fit(self) -> None:
        """It is never called."""


def feature_importance(predictor: Predictor, rows: Rows, truth: NDArray[Any]) -> tuple[Importance, ...]:
    """The most important features, the most important first. Of many rows some are drawn."""
    features = predictor.schema.feature_count
    regression = predictor.schema.task == "regression"

    def score(_: object, shuffled: Rows, labels: NDArray[Any]) -> float:
        if regression:
            return -float(root_mean_squared_error(labels, predictor.values(shuffled)))
        return float(accuracy_score(labels, predictor.answer(shuffled)))

    found = permutation_importance(
        _Exported(),
        rows,
        truth,
        scoring=score,
        n_repeats=_SHUFFLES,
        random_state=_SEED,
        max_samples=min(len(rows), max(_LEAST_ROWS, min(_ROWS, _ANSWERS // (_SHUFFLES * features)))),
    )
    ranked = np.argsort(-found.importances_mean, kind="stable")[:_REPORTED]
    return tuple(
        Importance(
            feature_title(predictor.schema, place),
            float(found.importances_mean[place]),
            float(found.importances_std[place]),
        )
        for place in ranked
    )


def feature_title(schema: Schema, place: int) -> str:
    """Its name, or its place among the features, from 1."""
    return schema.columns[place].name or f"feature {place + 1}"
