from dataclasses import replace
from typing import Any

import pytest

from container.training.evaluation.gate import Measured, check_applies, check_gate
from container.training.faults import GateDoesNotApply
from contracts.reports import ClassScores, Comparison, Gain, Interval, Scores
from contracts.settings import GateSettings
from tests.container.schemas import classifier
from tests.container.training.evaluation.answered import regression_schema

CLASSES = (
    ClassScores("yes", 20, precision=0.8, recall=0.7, f1=0.75),
    ClassScores("rare, odd", 0, precision=None, recall=None, f1=None),
)


def classified(accuracy: float = 0.9, **values: float) -> Scores:
    every = {"f1_macro": 0.8, "f1_micro": 0.9, "log_loss": 0.3, "calibration_error": 0.05}
    return Scores(
        {"accuracy": accuracy, **every, **values}, {"roc_auc": "no held-out row is of class 'x'"}, classes=CLASSES
    )


def measured(candidate: Scores | None = None, **changed: Any) -> Measured:
    fields = {"champion": None, "comparison": None, "latency_milliseconds": 0.5, "artefact_bytes": 1_000} | changed
    return Measured("classification", candidate or classified(), **fields)


def against(champion: float, candidate: float = 0.9, lower: float | None = None) -> Measured:
    """Compared by accuracy; the interval reaches down to `lower`."""
    gain = Gain("accuracy", candidate - champion, Interval(candidate - champion - 0.01 if lower is None else lower, 1))
    return measured(
        classified(candidate), champion=classified(champion), comparison=Comparison("accuracy", (gain,), refused_rows=0)
    )


def regressed(candidate: float, champion: float | None = None, lower: float = 0.0) -> Measured:
    comparison = None
    if champion is not None:
        comparison = Comparison("rmse", (Gain("rmse", champion - candidate, Interval(lower, 9)),), refused_rows=0)
    return Measured(
        "regression",
        Scores({"rmse": candidate, "mae": candidate, "r2": 0.5}),
        None if champion is None else Scores({"rmse": champion}),
        comparison,
        latency_milliseconds=0.5,
        artefact_bytes=1_000,
    )


def failed(found: Measured, **gate: Any) -> list[str]:
    return [check.rule for check in check_gate(found, GateSettings(**gate)) if not check.passed]


@pytest.mark.parametrize(
    ("gate", "rules"),
    [
        ({"minimum": {"accuracy": 0.9, "f1_macro": 0.8, "f1_micro": 0.9}}, []),
        ({"minimum": {"accuracy": 0.91}}, ["minimum.accuracy"]),
        ({"minimum": {"f1_macro": 0.81, "f1_micro": 0.91}}, ["minimum.f1_macro", "minimum.f1_micro"]),
        ({"minimum": {"roc_auc": 0.0}}, ["minimum.roc_auc"]),
        ({"maximum": {"log_loss": 0.3, "calibration_error": 0.05}}, []),
        ({"maximum": {"log_loss": 0.29}}, ["maximum.log_loss"]),
        ({"maximum": {"calibration_error": 0.04}}, ["maximum.calibration_error"]),
        ({"maximum": {"latency_milliseconds": 0.5, "artefact_bytes": 1_000}}, []),
        (
            {"maximum": {"latency_milliseconds": 0.4, "artefact_bytes": 999}},
            ["maximum.latency_milliseconds", "maximum.artefact_bytes"],
        ),
        ({"classes": {"yes": {"recall": 0.7, "precision": 0.8, "f1": 0.75}}}, []),
        ({"classes": {"yes": {"recall": 0.71}}}, ["classes.yes.recall"]),
        ({"classes": {"yes": {"precision": 0.9, "f1": 0.8}}}, ["classes.yes.precision", "classes.yes.f1"]),
        ({"classes": {"rare, odd": {"recall": 0.0}}}, ["classes.rare, odd.recall"]),
        ({"champion": "better"}, []),
        ({}, []),
    ],
)
def test_a_candidate_without_a_champion(gate: dict[str, Any], rules: list[str]) -> None:
    assert failed(measured(), **gate) == rules


@pytest.mark.parametrize(
    ("found", "gate", "passed"),
    [
        (against(0.95), {"margin": 0.05}, True),
        (against(0.4, 0.3), {"margin": 0.1}, True),
        (against(0.96), {"margin": 0.05}, False),
        (against(0.9), {"margin": 0.0}, True),
        (against(0.9, lower=0.0), {"champion": "better"}, False),
        (against(0.8, lower=-0.001), {"champion": "better"}, False),
        (against(0.8, lower=0.001), {"champion": "better"}, True),
        (against(1.0, 0.1), {"champion": "off"}, True),
        # An error's margin is a share of the champion's: 2 % of 10.
        (regressed(10.2, 10.0), {"margin": 0.02}, True),
        (regressed(10.21, 10.0), {"margin": 0.02}, False),
        (regressed(9.0, 10.0, lower=0.1), {"champion": "better"}, True),
        (regressed(9.0, 10.0, lower=-0.1), {"champion": "better"}, False),
        (regressed(9.0), {"champion": "better"}, True),
    ],
)
def test_a_candidate_against_the_champion(found: Measured, gate: dict[str, Any], passed: bool) -> None:
    assert failed(found, **gate) == ([] if passed else ["champion"])


@pytest.mark.parametrize("champion", ["better", "not-worse"])
def test_a_comparison_by_an_undefined_metric_fails(champion: str) -> None:
    found = against(0.5)
    (check,) = check_gate(found, GateSettings(champion=champion, metric="roc_auc"))
    assert not check.passed
    assert check.reason == (
        "The candidate's ROC AUC is undefined: no held-out row is of class 'x'; they cannot be compared."
    )
    only_candidate = replace(found, candidate=classified(roc_auc=0.9))
    (check,) = check_gate(only_candidate, GateSettings(champion=champion, metric="roc_auc"))
    assert check.reason.startswith("The champion's ROC AUC is undefined")


def test_a_number_that_was_never_measured_fails() -> None:
    (check, _) = check_gate(measured(Scores({})), GateSettings(minimum={"accuracy": 0.0}))
    assert (check.passed, check.value, check.threshold) == (False, None, 0.0)


def test_checks_say_what_was_found_and_what_is_asked_for() -> None:
    gate = GateSettings(
        minimum={"accuracy": 0.95, "roc_auc": 0.9},
        maximum={"log_loss": 0.2, "latency_milliseconds": 2, "artefact_bytes": 50_000_000},
        classes={"yes": {"recall": 0.9}, "rare, odd": {"precision": 0.5}},
        margin=0.05,
    )
    checks = check_gate(against(0.96), gate)
    assert [(check.rule, check.value, check.threshold, check.reason) for check in checks] == [
        ("minimum.accuracy", 0.9, 0.95, "Accuracy is 90.0 %; at least 95.0 % is asked for."),
        (
            "minimum.roc_auc",
            None,
            0.9,
            "ROC AUC is undefined: no held-out row is of class 'x'; at least 0.900 is asked for.",
        ),
        ("maximum.log_loss", 0.3, 0.2, "Log loss is 0.300; at most 0.200 is asked for."),
        ("maximum.latency_milliseconds", 0.5, 2, "One row takes the model 0.500 ms; at most 2 ms are asked for."),
        (
            "maximum.artefact_bytes",
            1_000,
            50_000_000,
            "The model's files have 1,000 bytes; at most 50,000,000 are asked for.",
        ),
        ("classes.yes.recall", 0.7, 0.9, "Recall of class 'yes' is 70 %; at least 90 % is asked for."),
        (
            "classes.rare, odd.precision",
            None,
            0.5,
            "Precision of class 'rare, odd' is undefined: no held-out row is of it; at least 50 % is asked for.",
        ),
        (
            "champion",
            pytest.approx(-0.06),
            -0.05,
            "Accuracy is 90.0 % and the champion's 96.0 % on the same rows; it may be 5.0 % worse at most.",
        ),
    ]
    (better,) = check_gate(against(0.85, lower=-0.004), GateSettings(champion="better"))
    assert better.reason == (
        "Accuracy is 90.0 % and the champion's 85.0 % on the same rows; "
        "with a confidence of 99.9 % the gain is at least -0.004, and has to be above 0."
    )


def test_a_first_release_meets_the_comparison_and_says_so() -> None:
    (check,) = check_gate(measured(), GateSettings(champion="better"))
    assert check.passed
    assert "first release" in check.reason


def test_rounding_decides_nothing() -> None:
    assert failed(measured(classified(0.1 + 0.2)), minimum={"accuracy": 0.3}) == []
    assert failed(measured(classified(0.3)), minimum={"accuracy": 0.1 + 0.2}) == []


@pytest.mark.parametrize(
    ("schema", "gate", "said"),
    [
        (regression_schema(), {"minimum": {"accuracy": 0.9}}, "[gate] has minimum.accuracy, for a classification"),
        (regression_schema(), {"maximum": {"log_loss": 1}, "metric": "f1_macro"}, "maximum.log_loss, metric"),
        (regression_schema(), {"classes": {"a": {"f1": 1}}}, "[gate] has classes"),
        (classifier(2), {"maximum": {"rmse": 3}}, "the labels make this model a classification"),
        (classifier(2, ("setosa", "virginica")), {"classes": {"Setosa": {"f1": 1}}}, "did you mean 'setosa'?"),
        (classifier(2, (0, 1)), {"classes": {"2": {"f1": 1}}}, "names '2', and the dataset has no such class"),
    ],
)
def test_a_rule_that_can_never_be_met_is_a_fault(schema: Any, gate: dict[str, Any], said: str) -> None:
    with pytest.raises(GateDoesNotApply) as caught:
        check_applies(GateSettings(**gate), schema)
    assert said in str(caught.value)


def test_rules_that_apply_are_no_fault() -> None:
    check_applies(GateSettings(minimum={"accuracy": 1}, classes={"1": {"f1": 1}}), classifier(2, (0, 1)))
    check_applies(GateSettings(maximum={"rmse": 1, "artefact_bytes": 5}), regression_schema())
