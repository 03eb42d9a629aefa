import pytest

from container.training.evaluation import check_gate
from contracts.reports import Scores
from contracts.settings import GateSettings
from functions.announce_outcome.gate import judge

METRICS = {"candidate_accuracy": 0.82, "candidate_f1_macro": 0.81, "champion_accuracy": 0.94}
GATE = {"minimum_accuracy": 0.85, "minimum_f1_macro": 0.8, "champion": "not-worse", "margin": 0.05}


def test_rules_that_are_not_met_come_first():
    assert [(rule.met, rule.text) for rule in judge(METRICS, GATE)] == [
        (False, "Accuracy is 0.820; at least 0.850 is asked for (minimum_accuracy)."),
        (
            False,
            (
                "Accuracy is 0.820 and the champion's 0.940 on the same rows; "
                'it may be 0.050 lower at most (champion = "not-worse").'
            ),
        ),
        (True, "F1 (macro) is 0.810; at least 0.800 is asked for (minimum_f1_macro)."),
    ]


def test_a_missing_metric_is_not_met():
    assert [rule.text for rule in judge({}, GATE) if not rule.met] == [
        "Accuracy was not reported; at least 0.850 is asked for (minimum_accuracy).",
        "F1 (macro) was not reported; at least 0.800 is asked for (minimum_f1_macro).",
    ]


def test_a_no_that_the_numbers_do_not_show_says_where_to_look():
    assert "evaluation.json" in judge({"candidate_accuracy": 0.9}, {"minimum_accuracy": 0.85})[0].text
    assert "evaluation.json" in judge({}, {})[0].text


@pytest.mark.parametrize("champion", ["better", "not-worse", "off"])
@pytest.mark.parametrize("candidate_accuracy", [0.5, 0.85, 0.889, 0.94, 0.95])
def test_the_explanation_agrees_with_the_training_jobs_verdict(champion, candidate_accuracy):
    settings = GateSettings(**{**GATE, "champion": champion})
    checks = check_gate(Scores(candidate_accuracy, 0.9, 0.9), Scores(0.94, 0.9, 0.9), settings)
    # What arrives as a metric is rounded to single precision.
    metrics = {
        "candidate_accuracy": candidate_accuracy + 2e-8,
        "candidate_f1_macro": 0.9,
        "champion_accuracy": 0.94 - 2e-8,
    }
    rules = judge(metrics, settings.model_dump())
    if all(check.passed for check in checks):
        assert [rule.met for rule in rules] == [False] + [True] * len(checks)  # nothing to explain: where to look
    else:
        assert sorted(rule.met for rule in rules) == sorted(check.passed for check in checks)
