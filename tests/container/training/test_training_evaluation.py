from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score
from sklearn.metrics import confusion_matrix as sklearn_confusion_matrix

from container.training.evaluation import (
    UNKNOWN,
    champion_answers,
    check_gate,
    choose_examples,
    confusion_matrix,
    evaluate,
    format_row,
    score,
)
from container.training.split import Split
from contracts.reports import Evaluation, Scores
from contracts.settings import GateSettings
from tests.container.schemas import classifier

CLASSES = 4
ANSWERED = st.lists(st.tuples(st.integers(0, CLASSES - 1), st.integers(0, CLASSES - 1)), min_size=1)


@settings(max_examples=30)
@given(ANSWERED)
def test_scores_are_those_of_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    truth, answers = np.array(pairs).T
    scores = score(truth, answers, CLASSES)
    present = np.unique(truth)
    assert scores.accuracy == pytest.approx(accuracy_score(truth, answers))
    assert scores.f1_macro == pytest.approx(f1_score(truth, answers, labels=present, average="macro", zero_division=0))
    assert scores.f1_micro == pytest.approx(f1_score(truth, answers, average="micro"))
    expected = sklearn_confusion_matrix(truth, answers, labels=range(CLASSES))
    assert confusion_matrix(truth, answers, CLASSES).tolist() == expected.tolist()


def test_an_unknown_answer_is_wrong() -> None:
    scores = score(np.array([0, 0, 1, 1]), np.array([0, UNKNOWN, 1, 1]), 2)
    assert scores.accuracy == 0.75
    assert scores.f1_macro == pytest.approx((2 / 3 + 1) / 2)
    assert scores.f1_micro == pytest.approx(6 / 7)


def scores_of(accuracy: float, f1_macro: float = 1.0) -> Scores:
    return Scores(accuracy, f1_macro, accuracy)


@pytest.mark.parametrize(
    ("candidate", "champion", "gate", "failed"),
    [
        (0.9, None, {}, []),
        (0.9, None, {"minimum_accuracy": 0.9, "minimum_f1_macro": 1.0}, []),
        (0.89, None, {"minimum_accuracy": 0.9}, ["minimum_accuracy"]),
        (0.9, None, {"champion": "better"}, []),
        (0.9, 0.95, {"margin": 0.05}, []),
        (0.3, 0.4, {"margin": 0.1}, []),
        (0.9, 0.96, {"margin": 0.05}, ["not_worse_than_champion"]),
        (0.9, 0.9, {"champion": "better"}, ["better_than_champion"]),
        (0.91, 0.9, {"champion": "better"}, []),
        (0.1, 0.9, {"champion": "off"}, []),
        (0.1, 0.9, {"minimum_accuracy": 0.5}, ["minimum_accuracy", "not_worse_than_champion"]),
    ],
)
def test_gate(candidate: float, champion: float | None, gate: dict[str, Any], failed: list[str]) -> None:
    checks = check_gate(scores_of(candidate), None if champion is None else scores_of(champion), GateSettings(**gate))
    assert [check.rule for check in checks if not check.passed] == failed


def test_gate_checks_show_what_was_compared() -> None:
    better = check_gate(scores_of(0.9, 0.8), scores_of(0.7), GateSettings(minimum_f1_macro=0.6, champion="better"))
    assert [(check.rule, check.value, check.threshold) for check in better] == [
        ("minimum_accuracy", 0.9, 0.0),
        ("minimum_f1_macro", 0.8, 0.6),
        ("better_than_champion", 0.9, 0.7),
    ]
    not_worse = check_gate(scores_of(0.9), scores_of(0.75), GateSettings(margin=0.25))[-1]
    assert (not_worse.rule, not_worse.value, not_worse.threshold) == ("not_worse_than_champion", 0.9, 0.5)


def split_of(fitted: Any, classes: tuple[int, ...] | tuple[str, ...], *, missing_allowed: bool) -> Split:
    schema = classifier(4, classes, missing_allowed=missing_allowed)
    truth = np.repeat(np.arange(3), 50)
    return Split(schema, fitted.rows, truth, fitted.rows, truth)


def test_evaluates_candidate_and_champion_on_the_same_rows(complete: Any) -> None:
    split = split_of(complete, ("0", "1", "2"), missing_allowed=False)
    evaluation = evaluate(split, complete.predictor, complete.predictor, GateSettings())
    accuracy = complete.forest.score(complete.rows, split.test_labels)
    assert evaluation.candidate.accuracy == pytest.approx(accuracy)
    assert evaluation.champion == evaluation.candidate
    assert (evaluation.train_rows, evaluation.test_rows) == (150, 150)
    assert np.trace(evaluation.confusion_matrix) == round(accuracy * 150)
    assert evaluation.gate_passed
    assert Evaluation.from_json(evaluation.to_json()) == evaluation
    assert evaluate(split, complete.predictor, None, GateSettings()).champion is None


def test_a_champion_is_right_where_its_class_has_the_same_name(complete: Any) -> None:
    truth = np.repeat(np.arange(3), 50)
    same = champion_answers(complete.predictor, complete.rows, ("2", "1", "0"))
    assert (same == 2 - champion_answers(complete.predictor, complete.rows, (0, 1, 2))).all()
    unknown = champion_answers(complete.predictor, complete.rows, ("0", "1", "other"))
    assert set(unknown[truth == 2].tolist()) <= {UNKNOWN, 1}


def test_a_champion_is_wrong_on_rows_that_it_would_refuse(complete: Any) -> None:
    rows = complete.rows.copy()
    rows[::2, 1] = np.nan
    answers = champion_answers(complete.predictor, rows, (0, 1, 2))
    assert (answers[::2] == UNKNOWN).all()
    assert (answers[1::2] != UNKNOWN).all()


def test_examples_come_in_turn_from_every_class() -> None:
    truth = np.repeat([0, 1, 2], [50, 3, 7])
    clear = np.tile(np.array([0.7, 0.2, 0.1], dtype=np.float32), (60, 1))
    chosen = choose_examples(truth, clear, count=20)
    assert chosen[:6] == [0, 50, 53, 1, 51, 54]
    assert len(chosen) == len(set(chosen)) == 20
    assert np.bincount(truth[chosen]).tolist() == [10, 3, 7]
    assert len(choose_examples(truth, clear, count=100)) == 60


def test_examples_are_no_ties() -> None:
    probabilities = np.array([[0.5, 0.5], [0.6, 0.4], [0.5, 0.5000005]], dtype=np.float32)
    assert choose_examples(np.array([0, 1, 1]), probabilities) == [1]


def test_the_served_model_answers_an_example_as_recorded(sparse: Any) -> None:
    split = split_of(sparse, sparse.predictor.schema.classes, missing_allowed=True)
    evaluation = evaluate(split, sparse.predictor, None, GateSettings())
    assert len(evaluation.examples) == 20
    for example in evaluation.examples:
        answer = sparse.client.invoke(example.row)
        assert answer.status == 200
        assert answer.body.strip('"').replace('""', '"') == example.answer


@given(st.lists(st.floats(width=32, allow_infinity=False), min_size=1, max_size=5))
def test_a_row_as_text_is_read_back_exactly(values: list[float]) -> None:
    from container.serving.rows import read_csv

    row = np.array(values, dtype=np.float32)
    schema = classifier(len(values), missing_allowed=True)
    np.testing.assert_array_equal(read_csv(format_row(row), schema), row[None])


def test_a_row_as_text_is_short() -> None:
    assert format_row(np.array([5.1, 3.5, np.nan, 0.2], dtype=np.float32)) == "5.1,3.5,,0.2"
