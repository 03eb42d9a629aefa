from typing import Any

import numpy as np
import pytest

from container.training.champion import match_columns
from container.training.evaluation.answers import ask
from container.training.evaluation.job_metrics import job_metrics
from container.training.evaluation.judging import evaluate
from container.training.split import Split
from contracts.reports import Evaluation
from contracts.settings import GateSettings
from tests.container.schemas import classifier
from tests.container.training.evaluation.answered import LinearPredictor, regression_split


def judged(split: Split, candidate: Any, rival: Any = None, **gate: Any) -> Evaluation:
    """`candidate` against `rival` as the champion, by these settings of the gate."""
    answers = ask(candidate, split.test_features)
    champion = match_columns(rival, split.schema) if rival else None
    return evaluate(split, candidate, answers, champion, GateSettings(**gate), artefact_bytes=1_234)


def iris_split(fitted: Any) -> Split:
    truth = np.repeat(np.arange(3), 50)
    return Split(classifier(4, (0, 1, 2)), fitted.rows, truth, fitted.rows, truth)


def test_candidate_and_champion_are_judged_on_the_same_rows(complete: Any) -> None:
    split = iris_split(complete)
    evaluation = judged(split, complete.predictor, complete.predictor, minimum={"accuracy": 0.9})
    assert evaluation.candidate == evaluation.champion
    assert evaluation.candidate.values["accuracy"] == pytest.approx(
        complete.forest.score(complete.rows, split.test_labels)
    )
    assert (evaluation.task, evaluation.classes) == ("classification", ("0", "1", "2"))
    assert (evaluation.train_rows, evaluation.test_rows) == (150, 150)
    assert np.trace(evaluation.confusion_matrix) == round(evaluation.candidate.values["accuracy"] * 150)
    assert evaluation.comparison is not None
    assert (evaluation.comparison.metric, evaluation.comparison.refused_rows) == ("accuracy", 0)
    assert {gain.metric for gain in evaluation.comparison.gains} == {
        *("accuracy", "f1_macro", "f1_micro", "log_loss", "roc_auc")
    }
    assert evaluation.gate_passed
    assert Evaluation.from_json(evaluation.to_json()) == evaluation


def test_metrics_lie_within_their_intervals(complete: Any) -> None:
    scores = judged(iris_split(complete), complete.predictor).candidate
    assert scores.intervals.keys() == scores.values.keys() - {"calibration_error"}
    for name, ends in scores.intervals.items():
        assert ends.lower <= scores.values[name] <= ends.upper, name


def test_a_regression_is_judged_alike() -> None:
    split = regression_split()
    candidate, champion = LinearPredictor([2.0, 0.0]), LinearPredictor([1.0, 0.5])
    evaluation = judged(split, candidate, champion, champion="better", maximum={"rmse": 0.2}, minimum={"r2": 0.9})
    assert evaluation.gate_passed
    assert [check.rule for check in evaluation.gate] == ["minimum.r2", "maximum.rmse", "champion"]
    assert evaluation.comparison is not None
    assert {gain.metric for gain in evaluation.comparison.gains} == {"rmse", "mae", "r2"}
    assert all(gain.interval.lower > 0 for gain in evaluation.comparison.gains)
    assert evaluation.confusion_matrix == ()
    assert evaluation.classes == ()
    assert Evaluation.from_json(evaluation.to_json()) == evaluation
    back = judged(split, champion, candidate, champion="not-worse")
    assert not back.gate_passed
    assert [check.rule for check in back.gate if not check.passed] == ["champion"]


def test_refused_rows_are_counted() -> None:
    split = regression_split()
    split.test_features[:7, 1] = np.nan
    strict = LinearPredictor([2.0, 0.0])
    strict.schema = type(strict.schema)(**{**vars(strict.schema), "missing_allowed": False})
    evaluation = judged(split, LinearPredictor([2.0, 0.0]), strict)
    assert evaluation.comparison is not None
    assert evaluation.comparison.refused_rows == 7


def test_the_same_rows_give_the_same_report(complete: Any) -> None:
    """But for the time that answers take."""
    first, second = (judged(iris_split(complete), complete.predictor, complete.predictor) for _ in range(2))
    assert vars(first) | {"latency_milliseconds": 0} == vars(second) | {"latency_milliseconds": 0}


def test_the_jobs_metrics_are_the_reports_numbers(complete: Any) -> None:
    evaluation = judged(
        iris_split(complete),
        complete.predictor,
        complete.predictor,
        minimum={"accuracy": 1.0},
        classes={"0": {"f1": 0.5}},
    )
    metrics = job_metrics(evaluation)
    assert metrics["candidate_accuracy"] == metrics["champion_accuracy"] == evaluation.candidate.values["accuracy"]
    assert metrics["candidate_latency_milliseconds"] == evaluation.latency_milliseconds
    assert metrics["candidate_artefact_bytes"] == 1_234
    assert (metrics["gain"], metrics["gain_lower"], metrics["gain_upper"]) == (0, 0, 0)
    assert {name: value for name, value in metrics.items() if name.startswith("gate_")} == {
        "gate_minimum_accuracy": 0,
        "gate_classes": 1,
        "gate_champion": 1,
        "gate_passed": 0,
    }
