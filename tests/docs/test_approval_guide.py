"""The settings that docs/approval.md shows are settings."""

import re
import tomllib

from contracts.settings import ModelSettings
from infra.deployment import load_deployment
from infra.project import PROJECT

GUIDE = (PROJECT.root / "docs" / "approval.md").read_text(encoding="utf-8")


def examples() -> list[dict]:
    return [tomllib.loads(block) for block in re.findall(r"```toml\n(.*?)```", GUIDE, flags=re.DOTALL)]


def test_the_models_settings_are_valid_and_complete() -> None:
    shown = examples()[0]
    settings = ModelSettings.model_validate({"name": "iris", "owners": ["a@example.com"], **shown}).approval
    assert shown["approval"].keys() == type(settings).model_fields.keys()
    # What is not an example of people is the default.
    defaults = {name: field.default for name, field in type(settings).model_fields.items()}
    told = {name: value for name, value in shown["approval"].items() if name not in ("approvers", "escalation")}
    assert told == {name: defaults[name] for name in told}


def test_the_deployments_settings_are_valid() -> None:
    deployment = load_deployment(PROJECT.deployment_file)
    assert type(deployment).model_validate({**deployment.model_dump(), **examples()[2]}).signing_keys == (1, 2)
    assert type(deployment).model_validate({**deployment.model_dump(), **examples()[1]}).mails_by_sns
