"""The state that reads the job's verdict, with what a job may have reported."""

import random
from typing import Any

import pytest

from contracts.settings import GateSettings
from local.stepfunctions.jsonata.evaluator import evaluate
from local.stepfunctions.jsonata.functions import Surroundings
from statemachine.loader import PROMOTE_MODEL, read_definition

STATES = read_definition(PROMOTE_MODEL)["States"]
# What a run knows besides; a variable may hide a function of its name.
RUN = dict.fromkeys(STATES["Identify Dataset"]["Assign"], 1)
SURROUNDINGS = Surroundings(lambda: 0.0, random.Random(0))
ASKED = {"minimum": {"accuracy": 0.85}, "maximum": {"log_loss": 0.5}, "classes": {"a": {"recall": 0.5}}}
MET = {"gate_minimum_accuracy": 1, "gate_maximum_log_loss": 1, "gate_classes": 1, "gate_champion": 1, "gate_passed": 1}
MEASURED = {"candidate_accuracy": 0.8999999761581421, "candidate_log_loss": 0.3, "gain": 0.01}


def inner(expression: str) -> str:
    return expression.strip().removeprefix("{%").removesuffix("%}")


def read(metrics: dict[str, Any], gate: dict[str, Any]) -> dict[str, Any]:
    resolved = GateSettings(**gate).model_dump(mode="json", exclude_none=True)
    variables = RUN | {"metrics": metrics, "settings": {"gate": resolved}}
    verdict: dict[str, Any] = evaluate(inner(STATES["Read Verdict"]["Assign"]["verdict"]), variables, SURROUNDINGS)
    return verdict


def cause(verdict: dict[str, Any]) -> str:
    (_, rejected) = STATES["Candidate Good Enough?"]["Choices"]
    told: str = evaluate(inner(rejected["Assign"]["outcome"]["cause"]), RUN | {"verdict": verdict}, SURROUNDINGS)
    return told


def test_every_rule_is_shown_with_its_numbers() -> None:
    assert read(MET | MEASURED, ASKED) == {
        "passed": True,
        "rules": [
            {"rule": "minimum_accuracy", "value": 0.8999999761581421, "asked": 0.85, "met": True},
            {"rule": "maximum_log_loss", "value": 0.3, "asked": 0.5, "met": True},
            {"rule": "classes", "value": None, "asked": "a", "met": True},
            {"rule": "champion", "value": 0.01, "asked": "not-worse", "met": True},
        ],
    }


@pytest.mark.parametrize("missing", MET)
def test_what_was_not_reported_is_a_no(missing: str) -> None:
    reported = {name: value for name, value in MET.items() if name != missing}
    assert not read(reported | MEASURED, ASKED)["passed"]


@pytest.mark.parametrize("contradicting", MET)
@pytest.mark.parametrize("value", [0, 0.9999999, 2, -1, "1", None])
def test_only_a_one_is_a_yes(contradicting: str, value: Any) -> None:
    assert not read(MET | MEASURED | {contradicting: value}, ASKED)["passed"]


def test_nothing_at_all_is_a_no() -> None:
    verdict = read({}, {"champion": "off"})
    assert verdict == {"passed": False, "rules": []}
    assert cause(verdict) == (
        "The candidate does not reach what the gate asks for: the training job has not said that it does."
    )


def test_a_gate_that_asks_for_nothing_takes_the_jobs_word() -> None:
    assert read({"gate_passed": 1}, {"champion": "off"}) == {"passed": True, "rules": []}


def test_a_single_rule_is_a_list_too() -> None:
    assert len(read({"gate_passed": 1, "gate_champion": 1}, {})["rules"]) == 1
    assert len(read({"gate_passed": 1}, {"champion": "off", "maximum": {"rmse": 3}})["rules"]) == 1


def test_the_cause_names_every_rule_that_was_not_met() -> None:
    reported = MET | MEASURED | {"gate_minimum_accuracy": 0, "gate_classes": 0, "gate_champion": 0, "gate_passed": 0}
    assert cause(read(reported, ASKED)) == (
        "The candidate does not reach what the gate asks for: "
        "minimum_accuracy (0.9, asked for 0.85); classes (asked for a); champion (0.01, asked for not-worse)."
    )


@pytest.mark.parametrize(("value", "told"), [(-12345.678, "-12345.678"), (1e-7, "0"), (1.5e9, "1500000000"), (0, "0")])
def test_numbers_are_told_without_exponents(value: float, told: str) -> None:
    reported = {"gate_maximum_rmse": 0, "gate_passed": 0, "candidate_rmse": value}
    assert f"maximum_rmse ({told}, asked for 1)" in cause(read(reported, {"champion": "off", "maximum": {"rmse": 1}}))


def test_an_undefined_metric_is_named_without_a_value() -> None:
    reported = {"gate_maximum_log_loss": 0, "gate_passed": 0}
    assert "maximum_log_loss (asked for 0.5)" in cause(read(reported, ASKED | {"champion": "off"}))
