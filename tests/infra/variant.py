"""Other settings than the project's own, synthesised in this process."""

import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from contracts.settings import ModelSettings
from infra.deployment import Deployment
from infra.node import use_node
from infra.project import Project
from local.stepfunctions.jsonata.evaluator import evaluate
from local.stepfunctions.jsonata.functions import Surroundings
from tests.infra.template import Template

PEOPLE = {"owners": ["ml-team@example.com"], "approval": {"approvers": ["approver@example.com"]}}
LEAST: dict[str, Any] = {"sender": "release@ml.example.com", "operators": ["one@example.com"]}


def model(name: str, **settings: Any) -> ModelSettings:
    return ModelSettings.model_validate({"name": name, **PEOPLE, **settings})


def compose_into(project: Project, name: str, deployment: Deployment, models: Mapping[str, ModelSettings]) -> Path:
    """The cloud assembly's folder."""
    use_node()
    from infra.composition import compose

    outdir = project.built / name
    compose(project, deployment, models, outdir).synth()
    return outdir


def read_endpoints(project: Project, name: str) -> dict[str, Template]:
    """A model's endpoint templates by stage, as they are published."""
    folder = project.staged_models / name
    return {stage: Template(json.loads((folder / f"{stage}.json").read_text()), {}) for stage in ("dev", "prd")}


def evaluated(expression: str, **variables: Any) -> Any:
    """What a definition's `{% … %}` comes to; it asks neither the time nor chance."""
    surroundings = Surroundings(lambda: 0.0, random.Random(0))
    return evaluate(expression.removeprefix("{%").removesuffix("%}"), variables, surroundings)
