import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.metrics import COMPARED_BY_DEFAULT, METRICS, metrics_of
from contracts.scores import Score, finite_metrics, read_scores, shown, summary


@pytest.mark.parametrize(
    ("metrics", "champion", "said"),
    [
        (
            {"candidate_accuracy": 0.96, "test_rows": 50.0},
            None,
            "Of 50 rows that it had not seen in training, the candidate answers 48 right.",
        ),
        (
            {"candidate_accuracy": 0.96, "champion_accuracy": 0.94, "test_rows": 50.0},
            "m-2",
            "The champion m-2 answers 47, which is 1 fewer.",
        ),
        (
            {"candidate_accuracy": 0.90, "champion_accuracy": 0.94, "test_rows": 50.0},
            "m-2",
            "answers 47, which is 2 more.",
        ),
        (
            {"candidate_accuracy": 0.96, "champion_accuracy": 0.96, "test_rows": 50.0},
            None,
            "The champion answers just as many.",
        ),
        ({"candidate_accuracy": 0.96}, None, "the candidate answers 96.0% right"),
        (
            {"candidate_mae": 12.3456, "champion_mae": 15.0, "test_rows": 50.0},
            "m-2",
            "the candidate is off by 12.35 on average. The champion m-2 is off by 15.",
        ),
        (
            {"candidate_mae": 1_234_567.8},
            None,
            "On the rows that it had not seen in training, the candidate is off by 1,234,568 on average.",
        ),
        ({}, None, "reported neither an accuracy nor an error"),
    ],
)
def test_a_summary_counts_rows_or_tells_the_error(metrics, champion, said):
    assert said in summary(metrics, champion)


@pytest.mark.parametrize(
    ("metric", "candidate", "champion", "said", "verdict"),
    [
        ("accuracy", 0.96, 0.94, "2.0 points better", "better"),
        ("accuracy", 0.94, 0.96, "2.0 points worse", "worse"),
        ("accuracy", 0.9600004, 0.96, "the same", "the same"),
        ("accuracy", 0.9, None, "", ""),
        ("roc_auc", 0.95, 0.9, "0.05 better", "better"),
        ("log_loss", 0.5, 0.4, "0.1 worse", "worse"),
        ("rmse", 8.0, 10.0, "2 better", "better"),
        ("rmse", 12.0, 10.0, "2 worse", "worse"),
        ("rmse", 1_000_000.0, 1_000_100.0, "the same", "the same"),
        ("rmse", 0.0, 0.0, "the same", "the same"),
        ("r2", -0.5, 0.5, "1 worse", "worse"),
    ],
)
def test_a_difference_is_told_in_words(metric, candidate, champion, said, verdict):
    score = Score(METRICS[metric], candidate, champion)
    assert (score.difference, score.verdict) == (said, verdict)


@pytest.mark.parametrize(
    ("metric", "candidate", "champion", "bars"),
    [
        ("accuracy", 0.96, 0.5, (96, 50)),
        ("accuracy", 0.96, None, (96, 0)),
        ("rmse", 5.0, 10.0, (50, 100)),
        ("rmse", 0.0, 0.0, (0, 0)),
        ("r2", -3.0, 0.5, (0, 50)),
    ],
)
def test_bars_stay_in_their_room(metric, candidate, champion, bars):
    assert Score(METRICS[metric], candidate, champion).bars == bars


@pytest.mark.parametrize(
    ("value", "reading", "text"),
    [
        (0.96, "percentage", "96.0 %"),
        (0.98765, "number", "0.988"),
        (0.000123456, "label", "0.0001235"),
        (12.5, "label", "12.5"),
        (2806.4, "label", "2,806"),
        (-123456.7, "label", "-123,457"),
        (1.5e12, "label", "1.5e+12"),
    ],
)
def test_values_are_shown_with_their_units(value, reading, text):
    assert shown(value, reading) == text


def test_scores_are_those_that_were_reported():
    scores = read_scores(
        {"candidate_accuracy": 0.9, "champion_accuracy": 0.8, "candidate_f1_macro": 0.7, "candidate_f1_micro": 0.9}
    )
    assert [(score.name, score.candidate_shown, score.champion_shown) for score in scores] == [
        ("Accuracy", "90.0 %", "80.0 %"),
        ("F1, macro", "70.0 %", ""),
    ]


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_three_scores_tell_most_of_a_task(task):
    assert len(read_scores({f"candidate_{metric.name}": 0.5 for metric in metrics_of(task)})) == 3


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_the_default_comparison_is_by_a_comparable_metric_of_the_task(task):
    metric = METRICS[COMPARED_BY_DEFAULT[task]]
    assert (metric.task, metric.comparable) == (task, True)


@given(st.dictionaries(st.text(), st.one_of(st.floats(), st.text(), st.none(), st.booleans(), st.integers(-9, 9))))
def test_only_finite_numbers_are_metrics(raw):
    metrics = finite_metrics(raw)
    assert all(math.isfinite(value) for value in metrics.values())
    assert not [name for name in metrics if isinstance(raw[name], bool | str)]
