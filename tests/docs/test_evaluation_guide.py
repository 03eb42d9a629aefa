"""The guide to the gate names every rule that the settings know, and its examples are settings."""

import re
import tomllib
from pathlib import Path

import pytest

from container.training.evaluation import bootstrap
from contracts.metrics import METRICS
from contracts.settings import ClassMinima, GateMaxima, GateMinima, GateSettings

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "evaluation.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```toml\n(.*?)```", GUIDE, flags=re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_are_settings(example: str) -> None:
    gate = GateSettings.model_validate(tomllib.loads(example)["gate"])
    assert gate.rules_of("classification") or gate.rules_of("regression")


@pytest.mark.parametrize("section", [GateSettings, GateMinima, GateMaxima, ClassMinima])
def test_every_key_is_in_an_example(section: type) -> None:
    written = "\n".join(EXAMPLES)
    missing = [name for name in section.model_fields if not re.search(rf"\b{name}\b", written)]
    assert missing == []


def test_every_metric_is_named() -> None:
    assert [name for name in METRICS if f"`{name}`" not in GUIDE] == []


def test_numbers_are_those_of_the_code() -> None:
    assert f"{bootstrap.RESAMPLES:,} resamples" in GUIDE
    assert f"`confidence = {GateSettings().confidence}`" in GUIDE
