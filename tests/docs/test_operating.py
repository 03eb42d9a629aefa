"""The operating guide names every end, status of a stack, policy and alarm that the product knows."""

import json
import re
from pathlib import Path
from typing import get_args

import pytest

from contracts.settings import LeaseSettings
from infra.project import PROJECT
from statemachine.loader import CLOSE_RUN, DEPLOY_STACK, PROMOTE_MODEL, read_definition

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "operating.md").read_text(encoding="utf-8")
ENDS = [
    name
    for path in (PROMOTE_MODEL, CLOSE_RUN)
    for name, state in read_definition(path)["States"].items()
    if state["Type"] in ("Succeed", "Fail") and name not in ("Run Goes On", "Run Closed")
]
STATUSES = sorted(
    {
        status
        for choice in read_definition(DEPLOY_STACK)["States"]["Stack Ready?"]["Choices"]
        for status in re.findall(r"'([A-Z]+_[A-Z_]+)'", choice["Condition"])
    }
    - {"IN_PROGRESS"}
)


def rows(section: str) -> list[str]:
    """The first cells of the tables below one heading."""
    text = GUIDE.split(f"\n## {section}\n")[1].split("\n## ")[0]
    return [line.split("|")[1].strip() for line in text.splitlines() if line.startswith("| ")]


@pytest.mark.parametrize("end", [end for end in ENDS if end != "Not Closed"])
def test_every_end_of_a_run_has_its_row(end):
    assert end in rows("How a run can end")


def test_the_end_that_keeps_a_lease_is_explained():
    assert "*Not Closed*" in GUIDE


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_that_a_deployment_can_meet_has_its_row(status):
    assert any(f"`{status}`" in cell for cell in rows("What a deployment does with a stack"))


@pytest.mark.parametrize("policy", get_args(LeaseSettings.model_fields["policy"].annotation))
def test_every_lease_policy_has_its_row(policy):
    assert any(f"`{policy}`" in cell for cell in rows("Runs of one model at once"))


def notices() -> set[str]:
    """The names of all alarms, and of the rules that tell the operators, less the deployment's own.

    `make test` has synthesised the templates.
    """
    templates = [*PROJECT.assembly.glob("*.template.json"), *PROJECT.staged_models.glob("iris-model/prd.json")]
    resources = [each for path in templates for each in json.loads(path.read_text())["Resources"].values()]
    names = [each["Properties"]["AlarmName"] for each in resources if each["Type"] == "AWS::CloudWatch::Alarm"]
    names += [
        each["Properties"]["Name"]
        for each in resources
        if each["Type"] == "AWS::Events::Rule"
        and "operators" in [target["Id"] for target in each["Properties"]["Targets"]]
    ]
    return {name.removeprefix("mlops-").replace("iris-model", "<model>") for name in names}


def test_everything_that_operators_hear_has_its_row_and_every_row_its_cause():
    told = {name for cell in rows("What the operators hear") for name in re.findall(r"`([^`]+)`", cell)}
    assert told == notices()
