import json
from pathlib import Path

import pytest

from commands.__main__ import COSTS, PRICES
from commands.costs import Prices, build, idle, load_prices, model, report, run
from commands.deployment import deployment_name
from commands.faults import CommandFailed
from contracts.serving import DevelopmentSettings, ProductionSettings
from contracts.settings import load_all_settings
from infra.deployment_names import CONCERNS
from infra.project import PROJECT
from infra.synthesise import synthesise

PRICES_TABLE = {
    "hosting": {"ml.m5.large": 0.1, "ml.c5.large": 0.2},
    "training": {"ml.m5.large": 0.6},
    "resources": {"AWS::KMS::Key": 1.0, "AWS::CloudWatch::Alarm": 0.1},
    "storage": {"images": 0.1, "data": 0.02},
    "usage": {"transition": 0.001, "invocation": 0.01, "gigabyte_second": 0.1, "mail": 0.5, "build_minute": 0.005},
    "run": {
        "transitions": 50,
        "watching_transitions": 25,
        "invocations": 4,
        "invocation_seconds": 2,
        "invocation_gigabytes": 0.5,
        "mails": 2,
        "training_minutes": 6,
    },
    "image": {"build_minutes": 8, "gigabytes": 0.5},
    "assumed": {"data_gigabytes": 1, "images": 2, "scaling_alarms": 2, "hours_a_month": 100},
}  # fmt: skip


@pytest.fixture
def prices() -> Prices:
    return Prices(PRICES_TABLE)


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """Templates: in each stack a key, which costs something, and a role, which does not; in each endpoint an alarm."""
    for concern in CONCERNS:
        write(tmp_path / "cloud-assembly" / f"mlops-{concern}.template.json", "AWS::KMS::Key", "AWS::IAM::Role")
    for stage in ("dev", "prd"):
        write(tmp_path / "models" / "iris-model" / f"{stage}.json", "AWS::CloudWatch::Alarm")
    return tmp_path


def write(template: Path, *kinds: str) -> None:
    template.parent.mkdir(parents=True, exist_ok=True)
    template.write_text(json.dumps({"Resources": {kind: {"Type": kind} for kind in kinds}}))


def test_an_idle_deployment_costs_what_its_templates_resources_cost(prices, built):
    lines = idle(prices, "mlops", built / "cloud-assembly")
    assert [(line.what, line.monthly) for line in lines] == [
        (f"{len(CONCERNS)} KMS::Key", len(CONCERNS)),
        ("2 images in ECR", pytest.approx(0.1)),
        ("1 GB in S3", pytest.approx(0.02)),
    ]


def test_a_model_costs_its_instances_and_alarms(prices, built):
    settings = load_all_settings(PROJECT.models)["iris-model"]
    development, production, alarms = model(prices, settings, built / "models")
    assert development.monthly == pytest.approx(1 * 0.1 * 100)
    assert production.monthly == pytest.approx(2 * 0.2 * 100)
    assert alarms.monthly == pytest.approx((2 + 2) * 0.1)


def with_production(settings, **changes):
    production = settings.production.model_dump(exclude_unset=True) | changes
    return settings.model_copy(update={"production": ProductionSettings.model_validate(production)})


def test_two_releases_side_by_side_cost_two_fleets_and_their_scaling(prices, built):
    settings = with_production(load_all_settings(PROJECT.models)["iris-model"], strategy={"kind": "ab"})
    _, production, alarms = model(prices, settings, built / "models")
    assert production.monthly == pytest.approx(2 * 2 * 0.2 * 100)
    assert production.what == "production endpoint, 4 ml.c5.large (at most 20)"
    assert alarms.monthly == pytest.approx((2 + 2 * 2) * 0.1)


def test_steps_have_their_alarms_in_the_template(prices, built):
    step = {
        "out": {"threshold": 9, "steps": [{"lower": 0, "adjustment": 1}]},
        "back": {"threshold": 1, "steps": [{"upper": 0, "adjustment": -1}]},
    }
    settings = with_production(load_all_settings(PROJECT.models)["iris-model"], scaling={"kind": "step", "step": step})
    assert model(prices, settings, built / "models")[2].monthly == pytest.approx(2 * 0.1)


def test_a_serverless_endpoint_costs_nothing_without_requests(prices, built):
    settings = load_all_settings(PROJECT.models)["iris-model"]
    serverless = DevelopmentSettings.model_validate({"serverless": {}})
    development = model(prices, settings.model_copy(update={"development": serverless}), built / "models")[0]
    assert (development.what, development.monthly) == ("development endpoint, without requests", 0.0)


def test_a_run_costs_training_transitions_functions_and_mails(prices):
    parts = run(prices, load_all_settings(PROJECT.models)["iris-model"])
    assert list(parts.values()) == pytest.approx([0.06, 0.1, 4 * 0.01 + 4 * 0.1, 1.0])
    assert build(prices) == pytest.approx(0.04)


def test_an_instance_without_a_price_says_where_to_add_it(prices, built):
    settings = load_all_settings(PROJECT.models)["iris-model"]
    other = settings.model_copy(update={"training": settings.training.model_copy(update={"instance_type": "ml.x"})})
    with pytest.raises(CommandFailed, match=r"no ml.x under \[training\]"):
        run(prices, other)


def test_without_templates_the_command_that_makes_them_is_named(prices, tmp_path):
    with pytest.raises(CommandFailed, match="make synth"):
        idle(prices, "mlops", tmp_path)


def test_the_document_is_what_make_costs_computes():
    synthesise(PROJECT)
    text = report(load_prices(PRICES), deployment_name(), PROJECT.built, load_all_settings(PROJECT.models))
    assert COSTS.read_text() == text, "run: make costs"


@pytest.mark.full
def test_the_counts_of_a_run_are_those_that_are_measured(tmp_path):
    from tests.bench.transitions import count_approved_run, count_slow_creation

    measured, prices = count_approved_run(tmp_path / "cloud.log"), load_prices(PRICES)
    # A poll more or less is a matter of how fast this machine is.
    assert prices.of("run", "transitions") == pytest.approx(measured["transitions"], abs=6)
    assert prices.of("run", "invocations") == measured["invocations"] + 3
    assert prices.of("run", "watching_transitions") == pytest.approx(
        count_slow_creation(tmp_path / "slow.log")["watch"], abs=6
    )
