from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import f1_score, log_loss, roc_auc_score

from container.training.evaluation.answers import UNKNOWN, ClassAnswers
from container.training.evaluation.classification import calibration, confusion_matrix, score_classes
from tests.container.training.evaluation.answered import answers_of

NAMES = ("a", "b", "c")


def drawn(class_count: int = 3, rows: int = 400, seed: int = 5) -> tuple[Any, ClassAnswers]:
    """Answers that lean towards the truth."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, class_count, rows)
    probabilities = random.dirichlet(np.ones(class_count), rows)
    probabilities = (probabilities + np.eye(class_count)[truth]) / 2
    probabilities[::3] = random.dirichlet(np.ones(class_count), len(probabilities[::3]))
    return truth, answers_of(probabilities.argmax(axis=1), class_count, probabilities)


def test_two_classes_are_ranked_by_the_second() -> None:
    truth, answers = drawn(2)
    scores = score_classes(truth, answers, NAMES[:2])
    assert scores.values["roc_auc"] == roc_auc_score(truth, answers.probabilities[:, 1])
    assert scores.undefined == {}


def test_more_classes_are_each_ranked_against_the_rest() -> None:
    truth, answers = drawn()
    probabilities = answers.probabilities[:, :3].astype(np.float64)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    values = score_classes(truth, answers, NAMES).values
    assert values["roc_auc"] == pytest.approx(roc_auc_score(truth, probabilities, multi_class="ovr", average="macro"))
    assert values["log_loss"] == pytest.approx(log_loss(truth, answers.probabilities[:, :3]), rel=1e-6)
    assert values["f1_micro"] == values["accuracy"]


def test_an_unknown_answer_is_wrong() -> None:
    scores = score_classes(np.array([0, 0, 1, 1]), answers_of([0, UNKNOWN, 1, 1], 2), ("a", "b"))
    assert scores.values["accuracy"] == 0.75
    assert scores.values["f1_macro"] == pytest.approx((2 / 3 + 1) / 2)
    assert scores.values["f1_micro"] == pytest.approx(6 / 7)
    # A right class of which nothing is expected counts as the finest step of 32-bit numbers.
    assert scores.values["log_loss"] == pytest.approx(-np.log(2.0**-23) / 4, rel=1e-5)


def test_a_class_without_rows_leaves_auc_undefined_and_is_no_part_of_f1() -> None:
    truth = np.array([0, 0, 1, 1])
    scores = score_classes(truth, answers_of([0, 1, 1, 1], 3), NAMES)
    assert "roc_auc" not in scores.values
    assert scores.undefined == {"roc_auc": "no held-out row is of class 'c'"}
    assert scores.values["f1_macro"] == f1_score(truth, [0, 1, 1, 1], average="macro")


def test_each_class_has_its_scores_or_none() -> None:
    scores = score_classes(np.array([0, 0, 1, 1]), answers_of([0, 1, 1, 1], 4), (*NAMES, "d")).classes
    assert [(each.name, each.rows) for each in scores] == [("a", 2), ("b", 2), ("c", 0), ("d", 0)]
    assert (scores[0].precision, scores[0].recall, scores[0].f1) == (1.0, 0.5, pytest.approx(2 / 3))
    assert (scores[1].precision, scores[1].recall) == (pytest.approx(2 / 3), 1.0)
    assert (scores[2].precision, scores[2].recall, scores[2].f1) == (None, None, None)
    never = score_classes(np.array([0, 1]), answers_of([0, 0], 2), NAMES[:2]).classes[1]
    assert (never.precision, never.recall, never.f1) == (None, 0.0, 0.0)


def test_the_matrix_counts_classes_by_answers() -> None:
    truth = np.array([0, 0, 1, 2])
    assert confusion_matrix(truth, answers_of([0, 1, 1, UNKNOWN], 3), 3).tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 0]]


def test_calibration_is_scikit_learns_curve_with_its_rows() -> None:
    truth, answers = drawn(rows=1_000)
    bins = calibration(truth, answers)
    confidence = answers.probabilities.max(axis=1)
    shares, sure = calibration_curve(answers.positions == truth, confidence, n_bins=10, strategy="uniform")
    assert [each.accuracy for each in bins] == pytest.approx(shares.tolist())
    assert [each.confidence for each in bins] == pytest.approx(sure.tolist())
    assert sum(each.rows for each in bins) == 1_000
    off = sum(each.rows * abs(each.accuracy - each.confidence) for each in bins) / 1_000
    assert score_classes(truth, answers, NAMES).values["calibration_error"] == pytest.approx(off)


def test_a_model_that_is_always_sure_and_right_is_calibrated() -> None:
    truth = np.array([0, 1, 2] * 10)
    values = score_classes(truth, answers_of(truth, 3), NAMES).values
    assert values["calibration_error"] == 0
    assert values["log_loss"] == pytest.approx(0, abs=1e-6)
    assert values["roc_auc"] == 1


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(-1, 2)), min_size=1, max_size=30))
def test_every_metric_is_a_number_or_undefined_with_a_reason(pairs: list[tuple[int, int]]) -> None:
    truth, positions = np.array(pairs).T
    scores = score_classes(truth, answers_of(positions, 3), NAMES)
    assert scores.values.keys() | scores.undefined.keys() == {
        *("accuracy", "f1_macro", "f1_micro", "roc_auc", "log_loss", "calibration_error")
    }
    assert not scores.values.keys() & scores.undefined.keys()
    assert np.isfinite(list(scores.values.values())).all()
