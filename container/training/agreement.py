"""The proof that the exported graph answers as the estimator does."""

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from container.predictor import Predictor, Rows
from container.training.export import TIE
from container.training.faults import ExportDiffers

# How far a probability may be off, and a regression's value as a share of itself.
TOLERANCE: Final = 1e-6
# Classes whose 64-bit probabilities differ by less are equally probable: what remains is rounding.
EQUAL: Final = 1e-7
# Where large values cancel out, the small one that is left has a rounding of those: this share of the largest value
# is added to each before its tolerance is taken of it.
_CANCELLED: Final = 1e-6
_CHUNK_ROWS: Final = 50_000


class Estimator(Protocol):
    """What is compared with."""

    def probabilities(self, rows: Rows) -> NDArray[np.float64]:
        """Of a classifier: shape (rows, classes)."""

    def values(self, rows: Rows) -> NDArray[np.float64]:
        """Of a regression: shape (rows,)."""


@dataclass(frozen=True)
class Agreement:
    """How the graph's answers agreed with the estimator's."""

    rows: int = 0
    ties: int = 0
    """Rows whose best classes are equally probable; the first of them is the answer."""
    close: int = 0
    """Rows whose best classes differ by more than that, but not by more than `TIE`: either is right."""
    worst: float = 0.0
    """The largest difference of a probability, or of a value as a share of itself."""

    def __add__(self, other: "Agreement") -> "Agreement":
        return Agreement(
            self.rows + other.rows,
            self.ties + other.ties,
            self.close + other.close,
            max(self.worst, other.worst),
        )


def compare(estimator: Estimator, predictor: Predictor, rows: Rows) -> Agreement:
    """Check that the graph answers every row as the estimator does. Takes the rows in parts, to bound the memory.

    Raises:
        ExportDiffers: it does not; names the first row.
    """
    total = Agreement()
    check = _compare_classes if predictor.schema.task == "classification" else _compare_values
    for start in range(0, len(rows), _CHUNK_ROWS):
        total += check(estimator, predictor, rows[start : start + _CHUNK_ROWS], start)
    return total


def _compare_classes(estimator: Estimator, predictor: Predictor, rows: Rows, start: int) -> Agreement:
    expected = estimator.probabilities(rows)
    answers, given = predictor.answer_with_probabilities(rows)
    differences = np.abs(given - expected).max(axis=1)
    _refuse(~(differences <= TOLERANCE), "probabilities", start)
    best = expected.max(axis=1, keepdims=True)
    equal = best - expected < EQUAL
    near = best - expected <= TIE
    ties = np.count_nonzero(equal, axis=1) > 1
    close = np.count_nonzero(near, axis=1) > np.count_nonzero(equal, axis=1)
    right = np.where(close, near[np.arange(len(rows)), answers], answers == equal.argmax(axis=1))
    _refuse(~right, "class", start)
    return Agreement(len(rows), int((ties & ~close).sum()), int(close.sum()), float(differences.max()))


def _compare_values(estimator: Estimator, predictor: Predictor, rows: Rows, start: int) -> Agreement:
    expected = estimator.values(rows)
    given = predictor.values(rows)
    sizes = np.abs(expected)
    scales = np.maximum(sizes + _CANCELLED * sizes.max(), np.finfo(np.float32).tiny)
    shares = np.abs(given - expected) / scales
    _refuse(~(shares <= TOLERANCE), "value", start)
    return Agreement(len(rows), worst=float(shares.max()))


def _refuse(differing: NDArray[np.bool_], what: str, start: int) -> None:
    places = np.flatnonzero(differing)
    if len(places):
        raise ExportDiffers(
            f"the exported model gives {len(places)} of {len(differing)} rows another {what} than the estimator, "
            f"first row {start + places[0] + 1}; the model is not safe to serve"
        )
