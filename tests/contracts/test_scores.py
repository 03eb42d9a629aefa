import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.scores import Score, finite_metrics, read_scores, summary


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
        ({}, None, "reported no accuracy"),
    ],
)
def test_a_summary_counts_rows(metrics, champion, said):
    assert said in summary(metrics, champion)


@pytest.mark.parametrize(
    ("candidate", "champion", "said"),
    [
        (0.96, 0.94, "2.0 points better"),
        (0.94, 0.96, "2.0 points worse"),
        (0.9600004, 0.96, "the same"),
        (0.9, None, ""),
    ],
)
def test_differences_are_told_in_points(candidate, champion, said):
    assert Score("Accuracy", "", candidate, champion).difference == said


def test_scores_are_those_that_were_reported():
    scores = read_scores({"candidate_accuracy": 0.9, "champion_accuracy": 0.8, "candidate_f1_macro": 0.7})
    assert [(score.name, score.candidate, score.champion) for score in scores] == [
        ("Accuracy", 0.9, 0.8),
        ("F1, macro", 0.7, None),
    ]


@given(st.dictionaries(st.text(), st.one_of(st.floats(), st.text(), st.none(), st.booleans(), st.integers(-9, 9))))
def test_only_finite_numbers_are_metrics(raw):
    metrics = finite_metrics(raw)
    assert all(math.isfinite(value) for value in metrics.values())
    assert not [name for name in metrics if isinstance(raw[name], bool | str)]
