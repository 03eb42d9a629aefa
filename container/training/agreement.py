"""The proof that what is exported answers as the estimator does."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from container.predictor import Rows
from container.schema import Schema
from container.training.export import TIE
from container.training.faults import ExportDiffers, ModelDiverged

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


class Exported(Protocol):
    """What is compared: `Predictor` and `GraphPredictor`, which say more of what these return."""

    schema: Schema

    def answer_with_probabilities(self, rows: Rows) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Of a classifier: positions of classes and probabilities."""

    def values(self, rows: Rows) -> NDArray[np.float32]:
        """Of a regression."""


@dataclass(frozen=True)
class Agreement:
    """How an export's answers agreed with the estimator's."""

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


def compare(estimator: Estimator, exported: Exported, rows: Rows) -> Agreement:
    """Check that the exported model answers every row as the estimator does.

    Raises:
        ExportDiffers: it does not; names the first row.
        ModelDiverged: the estimator itself has no answer.
    """
    return compare_all(estimator, {"the exported model": exported}, rows)["the exported model"]


def compare_all(estimator: Estimator, exported: Mapping[str, Exported], rows: Rows) -> dict[str, Agreement]:
    """The same with several exports, by the names that faults call them: the estimator, which takes longest, is asked
    once. Takes the rows in parts, to bound the memory.
    """
    totals = dict.fromkeys(exported, Agreement())
    schema = next(iter(exported.values())).schema
    for start in range(0, len(rows), _CHUNK_ROWS):
        part = rows[start : start + _CHUNK_ROWS]
        expected = _ask(estimator, schema, part, start)
        for name, model in exported.items():
            check = _compare_classes if schema.task == "classification" else _compare_values
            totals[name] += check(expected, model, part, (name, start))
    return totals


def _ask(estimator: Estimator, schema: Schema, rows: Rows, start: int) -> NDArray[np.float64]:
    ask = estimator.probabilities if schema.task == "classification" else estimator.values
    return _finite(ask(rows), start)


def _compare_classes(
    expected: NDArray[np.float64], exported: Exported, rows: Rows, where: tuple[str, int]
) -> Agreement:
    answers, given = exported.answer_with_probabilities(rows)
    differences = np.abs(given - expected).max(axis=1)
    _refuse(~(differences <= TOLERANCE), "probabilities", where)
    best = expected.max(axis=1, keepdims=True)
    equal = best - expected < EQUAL
    near = best - expected <= TIE
    ties = np.count_nonzero(equal, axis=1) > 1
    close = np.count_nonzero(near, axis=1) > np.count_nonzero(equal, axis=1)
    right = np.where(close, near[np.arange(len(rows)), answers], answers == equal.argmax(axis=1))
    _refuse(~right, "class", where)
    return Agreement(len(rows), int((ties & ~close).sum()), int(close.sum()), float(differences.max()))


def _compare_values(expected: NDArray[np.float64], exported: Exported, rows: Rows, where: tuple[str, int]) -> Agreement:
    given = exported.values(rows)
    sizes = np.abs(expected)
    scales = np.maximum(sizes + _CANCELLED * sizes.max(), np.finfo(np.float32).tiny)
    shares = np.abs(given - expected) / scales
    _refuse(~(shares <= TOLERANCE), "value", where)
    return Agreement(len(rows), worst=float(shares.max()))


def _finite(answers: NDArray[np.float64], start: int) -> NDArray[np.float64]:
    broken = np.flatnonzero(~np.isfinite(answers.reshape(len(answers), -1)).all(axis=1))
    if len(broken):
        raise ModelDiverged(
            f"the fitted model answers row {start + broken[0] + 1} with no finite number: the hyperparameters let its "
            "sums grow without bound; a smaller eta, a larger lambda or min_child_weight, or another objective helps"
        )
    return answers


def _refuse(differing: NDArray[np.bool_], what: str, where: tuple[str, int]) -> None:
    places = np.flatnonzero(differing)
    if len(places):
        name, start = where
        raise ExportDiffers(
            f"{name} gives {len(places)} of {len(differing)} rows another {what} than the estimator, "
            f"first row {start + places[0] + 1}; the model is not safe to serve"
        )
