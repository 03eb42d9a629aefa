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

SUBNETS = ["subnet-0a1b2c3d", "subnet-1a1b2c3d"]
GROUPS = ["sg-0a1b2c3d"]
KEY = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
# A network and a key that the account brings.
ACCOUNT = Deployment.model_validate(
    {
        **LEAST,
        "name": "acme-ml",
        "kms_key_arn": KEY,
        "network": {"vpc_id": "vpc-0a1b2c3d", "subnet_ids": SUBNETS, "security_group_ids": GROUPS},
    }
)
CONNECTION = "arn:aws:{}:us-east-1:123456789012:connection/11111111-2222-3333-4444-555555555555"
SOURCES: dict[str, dict[str, Any]] = {
    "codecommit": {"source": "codecommit", "repository": "mlops-iris-model", "branch": "release/2"},
    "github": {
        "source": "github",
        "connection_arn": CONNECTION.format("codestar-connections"),
        "repository": "acme/models",
    },
    "renamed": {
        "source": "github",
        "connection_arn": CONNECTION.format("codeconnections"),
        "repository": "acme/models",
    },
}


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
