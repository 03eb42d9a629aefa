import numpy as np
import pytest

from container.training.evaluation.answers import NumberAnswers
from container.training.evaluation.regression import score_numbers

TRUTH = np.array([1.0, 2.0, 3.0, 6.0])


def test_errors_are_in_the_labels_unit() -> None:
    scores = score_numbers(TRUTH, NumberAnswers(np.array([1.0, 2.0, 3.0, 2.0])))
    assert scores.values == {"rmse": 2.0, "mae": 1.0, "r2": pytest.approx(1 - 16 / 14)}
    assert scores.undefined == {}


def test_r2_of_labels_that_are_all_the_same_is_undefined() -> None:
    scores = score_numbers(np.ones(3), NumberAnswers(np.array([1.0, 1.0, 2.0])))
    assert scores.undefined == {"r2": "all held-out rows have the same label"}
    assert scores.values.keys() == {"rmse", "mae"}


@pytest.mark.parametrize("answer", [np.nan, np.inf])
def test_an_answer_that_is_no_number_leaves_everything_undefined(answer: float) -> None:
    scores = score_numbers(TRUTH, NumberAnswers(np.array([1.0, answer, 3.0, 2.0])))
    assert scores.values == {}
    assert scores.undefined.keys() == {"rmse", "mae", "r2"}


def test_squares_that_no_number_can_hold_are_undefined() -> None:
    scores = score_numbers(np.array([-1e200, 1e200]), NumberAnswers(np.array([1e200, -1e200])))
    assert scores.values == {"mae": 2e200}
    assert scores.undefined.keys() == {"rmse", "r2"}
