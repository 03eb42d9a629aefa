import tracemalloc
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import f1_score, log_loss, r2_score, roc_auc_score, root_mean_squared_error

from container.training.evaluation import bootstrap
from container.training.evaluation.answers import UNKNOWN, NumberAnswers
from container.training.evaluation.bootstrap import gain, interval, resample_classes, resample_numbers
from tests.container.training.evaluation.answered import answers_of
from tests.container.training.evaluation.test_evaluation_classification import drawn

ALL = ("accuracy", "f1_macro", "f1_micro", "log_loss", "roc_auc")


def plainly(score: Any, rows: int, resamples: int = 600) -> Any:
    """The same, resample by resample and row by row: what is vectorised must come to the same distribution."""
    random = np.random.default_rng(9)
    return np.array([score(random.integers(0, rows, rows)) for _ in range(resamples)])


def resembles(drawn: Any, expected: Any) -> bool:
    """Centre and width agree within four standard errors."""
    error = expected.std() / np.sqrt(len(expected))
    return bool(
        abs(drawn.mean() - expected.mean()) < 4 * error and drawn.std() == pytest.approx(expected.std(), rel=0.15)
    )


@pytest.mark.parametrize("class_count", [2, 3])
def test_resampled_metrics_are_those_of_scikit_learn_on_resampled_rows(class_count: int) -> None:
    truth, good = drawn(class_count, rows=200, seed=1)
    _, other = drawn(class_count, rows=200, seed=2)
    resampled = resample_classes(ALL, truth, [good, other], class_count)
    positions, shares = good.positions, good.probabilities[:, :class_count].astype(np.float64)
    shares /= shares.sum(axis=1, keepdims=True)
    ranked = shares[:, 1] if class_count == 2 else shares
    expected = {
        "accuracy": lambda rows: np.mean(positions[rows] == truth[rows]),
        "f1_macro": lambda rows: f1_score(truth[rows], positions[rows], average="macro"),
        "f1_micro": lambda rows: f1_score(truth[rows], positions[rows], average="micro"),
        "log_loss": lambda rows: log_loss(truth[rows], shares[rows], labels=range(class_count)),
        "roc_auc": lambda rows: roc_auc_score(truth[rows], ranked[rows], multi_class="ovr"),
    }
    assert resampled.keys() == expected.keys()
    for name, score in expected.items():
        assert resampled[name].shape == (2, bootstrap.RESAMPLES)
        assert resembles(resampled[name][0], plainly(score, len(truth))), name


def test_resampled_errors_are_those_of_scikit_learn_on_resampled_rows() -> None:
    random = np.random.default_rng(4)
    truth = 1e6 + random.normal(size=200)  # far from 0, where squares would lose their digits
    model = truth + random.normal(size=200) / 2
    resampled = resample_numbers(truth, [NumberAnswers(model), NumberAnswers(truth)])
    expected = {
        "rmse": lambda rows: root_mean_squared_error(truth[rows], model[rows]),
        "mae": lambda rows: np.abs(truth[rows] - model[rows]).mean(),
        "r2": lambda rows: r2_score(truth[rows], model[rows]),
    }
    for name, score in expected.items():
        assert resembles(resampled[name][0], plainly(score, 200)), name
    assert resampled["rmse"][1].max() == 0
    assert resampled["r2"][1].min() == 1


def test_ties_in_a_ranking_count_half() -> None:
    truth = np.array([0, 1] * 50)
    level = answers_of(np.zeros(100, dtype=int), 2, np.full((100, 2), 0.5))
    assert (resample_classes(ALL, truth, [level], 2)["roc_auc"] == 0.5).all()


def test_pairs_make_a_difference_narrower_than_its_parts() -> None:
    truth, model = drawn(3, rows=300)
    positions = model.positions.copy()
    positions[:6] = (truth[:6] + 1) % 3
    slightly_worse = answers_of(positions, 3, model.probabilities)
    accuracy = resample_classes(ALL, truth, [model, slightly_worse], 3)["accuracy"]
    assert (accuracy[0] - accuracy[1]).std() < accuracy[0].std() / 3


def test_equal_models_never_differ() -> None:
    truth, model = drawn(3)
    for name, resampled in resample_classes(ALL, truth, [model, model], 3).items():
        found = gain(name, 0.5, 0.5, resampled, 0.995)
        assert found is not None
        assert (found.value, found.interval.lower, found.interval.upper) == (0, 0, 0)


def test_an_error_that_falls_is_a_gain() -> None:
    found = gain("rmse", 2.0, 3.0, np.array([[2.0, 2.5], [3.0, 3.0]]), 0.9)
    assert found is not None
    assert (found.value, found.interval.lower, found.interval.upper) == (1.0, 0.5, 1.0)


def test_the_same_answers_give_the_same_interval() -> None:
    truth, model = drawn(3)
    first, second = (resample_classes(ALL, truth, [model], 3) for _ in range(2))
    assert all((first[name] == second[name]).all() for name in first)


def test_a_metric_that_no_resample_defines_has_no_interval() -> None:
    truth = np.zeros(20, dtype=int)
    resampled = resample_classes(ALL, truth, [answers_of(truth, 2)], 2)
    assert interval(resampled["roc_auc"][0], 0.995) is None
    assert interval(resampled["accuracy"][0], 0.995) is not None


def test_unknown_answers_are_wrong_in_every_resample() -> None:
    truth = np.array([0, 1] * 20)
    resampled = resample_classes(ALL, truth, [answers_of(np.full(40, UNKNOWN), 2)], 2)
    assert not resampled["accuracy"].any()
    assert not resampled["f1_macro"].any()
    assert (resampled["log_loss"] > 15).all()


def test_memory_does_not_grow_with_rows_times_resamples() -> None:
    truth, model = drawn(3, rows=120_000)
    tracemalloc.start()
    resample_classes(ALL, truth, [model, model], 3)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 200e6  # rows times resamples would be 1.9 GB in single bytes
