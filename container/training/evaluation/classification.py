"""How well classes were answered. What scikit-learn measures is measured with scikit-learn."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import (
    accuracy_score,
    f1_score,
    log_loss,
    precision_recall_fscore_support,
    roc_auc_score,
)
from sklearn.metrics import confusion_matrix as count_confusions

from container.training.evaluation.answers import ClassAnswers
from container.training.split import Positions
from contracts.reports import CalibrationBin, ClassScores, Scores

_BINS: Final = 10


def score_classes(truth: Positions, answers: ClassAnswers, classes: Sequence[str]) -> Scores:
    """All metrics of a classification, where an unknown answer is always wrong.

    F1 macro is averaged over the classes that the rows hold. ROC AUC is of the second of two classes, and of more the
    mean of each against all others. Log loss takes a probability of less than 2**-23 for that, the finest step of the
    32-bit numbers that the model answers.
    """
    everything = np.arange(len(classes))
    bins = calibration(truth, answers)
    values = {
        "accuracy": float(accuracy_score(truth, answers.positions)),
        "f1_macro": float(
            f1_score(truth, answers.positions, labels=np.unique(truth), average="macro", zero_division=0)
        ),
        "f1_micro": float(f1_score(truth, answers.positions, labels=everything, average="micro", zero_division=0)),
        "log_loss": float(log_loss(truth, answers.probabilities, labels=np.arange(len(classes) + 1))),
        "calibration_error": sum(each.rows * abs(each.accuracy - each.confidence) for each in bins) / len(truth),
    }
    undefined = {}
    absent = np.setdiff1d(everything, truth)
    if len(absent):
        undefined["roc_auc"] = f"no held-out row is of class {classes[absent[0]]!r}"
    else:
        values["roc_auc"] = float(
            np.mean([roc_auc_score(truth == each, answers.probabilities[:, each]) for each in ranked(len(classes))])
        )
    return Scores(values, undefined, classes=score_each(truth, answers, classes), calibration=bins)


def ranked(class_count: int) -> range:
    """The classes whose probabilities rank the rows for ROC AUC: of two, the second tells all."""
    return range(1 if class_count == 2 else 0, class_count)


def score_each(truth: Positions, answers: ClassAnswers, classes: Sequence[str]) -> tuple[ClassScores, ...]:
    """Each class by itself: recall and F1 of one without rows are None, precision of one that was never answered."""
    precision, recall, f1, rows = precision_recall_fscore_support(
        truth, answers.positions, labels=np.arange(len(classes)), zero_division=np.nan
    )
    return tuple(
        ClassScores(
            name,
            int(rows[place]),
            precision=_known(precision[place]),
            recall=_known(recall[place]),
            f1=_known(f1[place]) if rows[place] else None,
        )
        for place, name in enumerate(classes)
    )


def confusion_matrix(truth: Positions, answers: ClassAnswers, class_count: int) -> NDArray[np.int64]:
    """`[i][j]` counts rows of class i that were answered with class j."""
    counts: NDArray[np.int64] = count_confusions(truth, answers.positions, labels=np.arange(class_count))
    return counts


def calibration(truth: Positions, answers: ClassAnswers) -> tuple[CalibrationBin, ...]:
    """The rows by how sure the model was of its answer, in tenths; those that hold no row are left out.

    The calibration error is their mean distance between confidence and accuracy, weighted by their rows.
    """
    confidence = answers.probabilities[:, :-1].max(axis=1).astype(np.float64)
    right = answers.positions == truth
    # As scikit-learn's calibration_curve has it: a bin ends with its upper edge.
    places = np.searchsorted(np.linspace(0, 1, _BINS + 1)[1:-1], confidence)
    rows = np.bincount(places, minlength=_BINS)
    sure = np.bincount(places, weights=confidence, minlength=_BINS)
    met = np.bincount(places, weights=right, minlength=_BINS)
    return tuple(
        CalibrationBin(int(rows[place]), float(sure[place] / rows[place]), float(met[place] / rows[place]))
        for place in np.flatnonzero(rows)
    )


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
