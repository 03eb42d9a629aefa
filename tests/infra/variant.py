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


STEPS: dict[str, Any] = {
    "metric": "invocations",
    "out": {
        "threshold": 100,
        "periods": 2,
        "steps": [{"lower": 0, "upper": 50, "adjustment": 1}, {"lower": 50, "adjustment": 3}],
    },
    "back": {"threshold": 20, "periods": 10, "steps": [{"upper": 0, "adjustment": -1}]},
}
SCHEDULE: list[dict[str, Any]] = [
    {"cron": "0 7 ? * MON-FRI *", "minimum": 4, "maximum": 20, "timezone": "Europe/Berlin"},
    {"at": "2030-01-01T08:00:00", "minimum": 2, "maximum": 5},
]
# By a word for each: every way of releasing and of scaling, and development without instance.
KINDS: dict[str, dict[str, Any]] = {
    "usual": {},
    "watched": {"production": {"strategy": {"rollback": {"invocation_errors": 3}}}},
    "canary": {"production": {"strategy": {"kind": "canary"}}},
    "linear": {"production": {"strategy": {"kind": "linear", "linear_instances": 1, "wait_seconds": 120}}},
    "rolling": {"production": {"strategy": {"kind": "rolling", "rollback": {"latency_milliseconds": 50}}}},
    "ab": {"production": {"strategy": {"kind": "ab"}}},
    "ab-step": {"production": {"strategy": {"kind": "ab"}, "scaling": {"kind": "step", "step": STEPS}}},
    "concurrency": {"production": {"scaling": {"kind": "concurrency"}}},
    "cpu": {"production": {"scaling": {"kind": "step", "step": {**STEPS, "metric": "cpu"}}}},
    "step": {"production": {"scaling": {"kind": "step", "step": {**STEPS, "metric": "concurrency"}}}},
    "scheduled": {"production": {"scaling": {"kind": "scheduled", "schedule": SCHEDULE}}},
    "serverless": {"development": {"serverless": {}}},
}


def endpoints_of_every_kind(deployment: Deployment) -> dict[str, dict[str, str]]:
    """The text of both endpoint templates by the words of `KINDS`, then by stage."""
    use_node()
    from infra.endpoint_plan import plans
    from infra.endpoint_template import endpoint_templates

    planned = {f"{kind}-{plan.stage}": plan for kind, each in KINDS.items() for plan in plans(model("iris", **each))}
    made = endpoint_templates(planned, deployment)
    return {kind: {stage: made[f"{kind}-{stage}"] for stage in ("dev", "prd")} for kind in KINDS}


def evaluated(expression: str, **variables: Any) -> Any:
    """What a definition's `{% … %}` comes to; it asks neither the time nor chance."""
    surroundings = Surroundings(lambda: 0.0, random.Random(0))
    return evaluate(expression.removeprefix("{%").removesuffix("%}"), variables, surroundings)
