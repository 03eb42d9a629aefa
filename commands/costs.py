"""What the deployment of this project costs, computed from its templates, its settings and `docs/prices.toml`."""

import json
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from commands.faults import CommandFailed
from contracts.settings import ModelSettings
from infra.deployment_names import CONCERNS

_DEPLOYMENTS = 2


@dataclass(frozen=True)
class Prices:
    """The price table, by section and key, in US dollars."""

    table: Mapping[str, Mapping[str, Any]]

    def of(self, section: str, key: str) -> float:
        """One price or quantity.

        Raises:
            CommandFailed: the table does not have it.
        """
        try:
            return float(self.table[section][key])
        except KeyError as fault:
            raise CommandFailed(
                f"docs/prices.toml has no {key} under [{section}]. Look its price up and add it there."
            ) from fault

    def resources(self, kinds: Counter[str]) -> float:
        """What resources of these types cost a month when nothing happens."""
        return sum(float(self.table["resources"].get(kind, 0)) * number for kind, number in kinds.items())


@dataclass(frozen=True)
class Line:
    """One line of the table: what, and US dollars a month."""

    what: str
    monthly: float


def load_prices(path: Path) -> Prices:
    """Read the price table."""
    return Prices(tomllib.loads(path.read_text(encoding="utf-8")))


def idle(prices: Prices, deployment: str, assembly: Path) -> list[Line]:
    """A deployment without models, from the resources of its templates."""
    kinds = sum((_kinds(assembly / f"{deployment}-{concern}.template.json") for concern in CONCERNS), Counter[str]())
    priced = prices.table["resources"]
    lines = [
        Line(f"{kinds[kind]} {kind.removeprefix('AWS::')}", float(price) * kinds[kind])
        for kind, price in priced.items()
        if kinds[kind]
    ]
    images = prices.of("assumed", "images") * prices.of("image", "gigabytes") * prices.of("storage", "images")
    data = prices.of("assumed", "data_gigabytes") * prices.of("storage", "data")
    return [
        *lines,
        Line(f"{prices.of('assumed', 'images'):.0f} images in ECR", images),
        Line(f"{prices.of('assumed', 'data_gigabytes'):g} GB in S3", data),
    ]


def model(prices: Prices, settings: ModelSettings, templates: Path) -> list[Line]:
    """A model whose endpoints run, not scaled out. `templates` has the endpoint templates of all models."""
    hours = prices.of("assumed", "hours_a_month")
    development, production = settings.development, settings.production
    alarms = sum((_kinds(file) for file in _endpoint_templates(templates / settings.name)), Counter[str]())
    if production.scaling.kind != "step":
        # Those of steps are in the template.
        alarms["AWS::CloudWatch::Alarm"] += production.variants * int(prices.of("assumed", "scaling_alarms"))
    fleet, most = (production.variants * each for each in (production.instance_count, production.scaling.most))

    def instances(number: int, kind: str) -> float:
        return number * prices.of("hosting", kind) * hours

    return [
        Line("development endpoint, without requests", 0.0)
        if development.serverless
        else Line(
            f"development endpoint, {development.instance_count} {development.instance_type}",
            instances(development.instance_count, development.instance_type),
        ),
        Line(
            f"production endpoint, {fleet} {production.instance_type} (at most {most})",
            instances(fleet, production.instance_type),
        ),
        Line(f"{alarms['AWS::CloudWatch::Alarm']} alarms", prices.resources(alarms)),
    ]


def run(prices: Prices, settings: ModelSettings) -> dict[str, float]:
    """One run of a model to production, in US dollars by what is paid for."""
    hours = prices.of("run", "training_minutes") / 60
    transitions = prices.of("run", "transitions") + _DEPLOYMENTS * prices.of("run", "watching_transitions")
    invocations, seconds = prices.of("run", "invocations"), prices.of("run", "invocation_seconds")
    memory_seconds = invocations * seconds * prices.of("run", "invocation_gigabytes")
    return {
        f"training, {prices.of('run', 'training_minutes'):g} minutes on {settings.training.instance_type}": (
            hours * settings.training.instance_count * prices.of("training", settings.training.instance_type)
        ),
        f"{transitions:.0f} state transitions": transitions * prices.of("usage", "transition"),
        f"{invocations:.0f} Lambda invocations": (
            invocations * prices.of("usage", "invocation") + memory_seconds * prices.of("usage", "gigabyte_second")
        ),
        f"{prices.of('run', 'mails'):.0f} mails": prices.of("run", "mails") * prices.of("usage", "mail"),
    }


def build(prices: Prices) -> float:
    """One build of the image."""
    return prices.of("image", "build_minutes") * prices.of("usage", "build_minute")


def report(prices: Prices, deployment: str, built: Path, models: Mapping[str, ModelSettings]) -> str:
    """`docs/costs.md`."""
    return "\n".join(
        [
            "# What it costs",
            "",
            "Computed by `make costs` from the templates, the settings under `models/` and the list prices in",
            "[prices.toml](prices.toml): US dollars, us-east-1. Check them for your region before you rely on a sum.",
            "",
            "## A month without a run and without a model",
            "",
            *_table(idle(prices, deployment, built / "cloud-assembly")),
            "",
            "Everything else is paid by use: Step Functions, Lambda, DynamoDB, EventBridge, SES, CodeBuild, logs.",
            f"One build of the image costs {_usd(build(prices))}.",
            *_models(prices, built / "models", models),
            "",
        ]
    )


def _models(prices: Prices, templates: Path, models: Mapping[str, ModelSettings]) -> Iterator[str]:
    for name, settings in models.items():
        lines = model(prices, settings, templates)
        hourly = sum(line.monthly for line in lines) / prices.of("assumed", "hours_a_month")
        yield from ("", f"## {name}: a month while its endpoints run", "", *_table(lines), "")
        yield f"That is {_usd(hourly)} an hour."
        yield from ("", f"## {name}: one run to production", "", "| What | USD |", "|---|---|")
        parts = run(prices, settings)
        yield from (f"| {what} | {cost:.4f} |" for what, cost in parts.items())
        yield f"| **together** | **{sum(parts.values()):.4f}** |"
        yield ""
        yield "The transitions are those of a run whose two deployments wait 8 minutes each for their endpoints."


def _table(lines: list[Line]) -> Iterator[str]:
    yield from ("| What | USD a month |", "|---|---|")
    yield from (f"| {line.what} | {line.monthly:.2f} |" for line in lines)
    yield f"| **together** | **{sum(line.monthly for line in lines):.2f}** |"


def _usd(amount: float) -> str:
    return f"{amount:.2f} USD"


def _kinds(template: Path) -> Counter[str]:
    try:
        resources = json.loads(template.read_text(encoding="utf-8"))["Resources"]
    except FileNotFoundError as fault:
        raise CommandFailed(f"{template} is missing. Make the templates: make synth") from fault
    return Counter(each["Type"] for each in resources.values())


def _endpoint_templates(folder: Path) -> list[Path]:
    return sorted(file for file in folder.glob("*.json") if file.name != "settings.json")
