"""The settings that docs/releases.md shows are settings, and its tables have every field."""

import re
import tomllib
from typing import get_args

import pytest
from pydantic import BaseModel

from contracts import scaling, strategy
from contracts.scaling import ScalingSettings
from contracts.settings import ModelSettings
from contracts.strategy import RollbackAlarms, StrategySettings
from infra.project import PROJECT

GUIDE = (PROJECT.root / "docs" / "releases.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```toml\n(.*?)```", GUIDE, flags=re.DOTALL)
PEOPLE = {"name": "iris", "owners": ["a@example.com"], "approval": {"approvers": ["a@example.com"]}}


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_are_settings_that_can_be_deployed(example: str) -> None:
    shown = tomllib.loads(example)
    assert shown.keys() <= {"production", "development"}
    ModelSettings.model_validate({**PEOPLE, **shown})


@pytest.mark.parametrize("model", [StrategySettings, RollbackAlarms, ScalingSettings])
def test_every_field_is_told(model: type[BaseModel]) -> None:
    told = set(re.findall(r"`(?:rollback\.)?(\w+)`", GUIDE)) | {
        word for example in EXAMPLES for word in re.findall(r"[a-z_]+", example)
    }
    assert set(model.model_fields) <= told


@pytest.mark.parametrize("kind", [*get_args(strategy.Kind), *get_args(scaling.Kind)])
def test_every_kind_has_its_row(kind: str) -> None:
    assert f"| `{kind}` |" in GUIDE
