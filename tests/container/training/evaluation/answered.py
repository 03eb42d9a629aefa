"""Answers, stand-ins and splits that the evaluation's tests speak of."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from container.schema import Schema, number_columns
from container.training.evaluation.answers import ClassAnswers
from container.training.split import Split


def answers_of(positions: Any, class_count: int, probabilities: Any = None) -> ClassAnswers:
    """With these answers, and all of the probability on each unless other `probabilities` are given."""
    positions = np.asarray(positions)
    if probabilities is None:
        probabilities = np.eye(class_count + 1)[positions]
    shares = np.asarray(probabilities, dtype=np.float32)
    if shares.shape[1] == class_count:
        shares = np.hstack([shares, np.zeros((len(shares), 1), dtype=np.float32)])
    return ClassAnswers(positions, shares)


def regression_schema(features: int = 2, **changed: Any) -> Schema:
    fields = {"columns": number_columns(features), "missing_allowed": True} | changed
    return Schema(task="regression", classes=(), label_type="number", **fields)


@dataclass
class LinearPredictor:
    """Stands for an exported regression: a weighted sum of the features, and NaN counts as 0."""

    weights: Any
    schema: Schema = field(default_factory=regression_schema)

    def values(self, rows: Any) -> Any:
        return (np.nan_to_num(rows) @ np.asarray(self.weights)).astype(np.float32)


def regression_split(rows: int = 300, noise: float = 0.1, seed: int = 3) -> Split:
    """Labels are twice the first feature plus noise; the second tells nothing."""
    random = np.random.default_rng(seed)
    features = random.normal(size=(2 * rows, 2)).astype(np.float32)
    labels = 2.0 * features[:, 0] + noise * random.normal(size=2 * rows)
    return Split(regression_schema(), features[:rows], labels[:rows], features[rows:], labels[rows:])
