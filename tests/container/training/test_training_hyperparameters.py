import json

import pytest

from container.training.faults import InvalidHyperparameters
from container.training.hyperparameters import parse_hyperparameters
from contracts.settings import DataSettings, GateSettings


def test_defaults() -> None:
    parsed = parse_hyperparameters("{}", cpus=3)
    assert parsed.algorithm == "random-forest"
    expected = {"n_estimators": 120, "max_depth": 10, "n_jobs": 3, "seed": 42}
    assert {name: parsed.values[name] for name in expected} == expected
    assert (parsed.data, parsed.gate) == (DataSettings(), GateSettings())


def test_reads_strings_as_sagemaker_writes_them() -> None:
    given = {"max_depth": "20", "n_jobs": "4", "n_estimators": "120", "data": '{"seed": 7}', "gate": '{"margin": 0.5}'}
    parsed = parse_hyperparameters(json.dumps(given), cpus=1)
    expected = {"n_estimators": 120, "max_depth": 20, "n_jobs": 4, "seed": 7}
    assert {name: parsed.values[name] for name in expected} == expected
    assert (parsed.data.seed, parsed.gate.margin) == (7, 0.5)


def test_the_algorithm_has_its_own_hyperparameters() -> None:
    parsed = parse_hyperparameters('{"algorithm": "xgboost", "silent": "0", "reg_lambda": "10", "seed": "5"}', cpus=2)
    assert parsed.algorithm == "xgboost"
    assert (parsed.values["lambda"], parsed.values["nthread"], parsed.values["seed"]) == (10.0, 2, 5)
    assert parsed.values["num_class"] is None
    assert len(parsed.warnings) == 1


def test_reads_values_that_a_local_run_did_not_quote() -> None:
    parsed = parse_hyperparameters('{"max_depth": 20, "data": {"seed": 7}}', cpus=1)
    assert (parsed.values["max_depth"], parsed.data.seed) == (20, 7)


def test_reads_the_settings_of_a_run() -> None:
    data = DataSettings(label="species", header=True, test_fraction=0.25)
    gate = GateSettings(minimum={"accuracy": 0.9}, champion="better")
    given = {"data": data.model_dump_json(), "gate": gate.model_dump_json()}
    parsed = parse_hyperparameters(json.dumps(given), cpus=1)
    assert (parsed.data, parsed.gate) == (data, gate)


def test_ignores_what_the_platform_adds() -> None:
    given = {"_tuning_objective_metric": "candidate_accuracy", "sagemaker_job_name": '"job"'}
    assert parse_hyperparameters(json.dumps(given), cpus=1) == parse_hyperparameters("{}", cpus=1)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ('{"max-depth": "3"}', "'max-depth' is unknown; did you mean max_depth?"),
        ('{"trees": "3"}', "random-forest knows n_estimators, max_depth, "),
        ('{"eta": "0.3"}', "'eta' is unknown"),
        ('{"algorithm": "xgboost", "criterion": "gini"}', "xgboost knows num_round, "),
        ('{"algorithm": "forest"}', "algorithm is 'forest'; there are random-forest and xgboost"),
        ('{"max_depth": null}', "max_depth is 'null'; allowed is an integer from 1 to 64"),
        ('{"n_estimators": "10001"}', "n_estimators is '10001'; allowed is an integer from 1 to 10000"),
        ('{"data": "{"}', "hyperparameter data: text: Invalid JSON"),
        ('{"data": "{\\"sead\\": 1}"}', "hyperparameter data: sead: Extra inputs are not permitted"),
        ('{"gate": "{\\"margin\\": 2}"}', "hyperparameter gate: margin: Input should be less than 1"),
        ("[]", "holds no object"),
        ("{", "is not JSON"),
        ("", "is not JSON"),
    ],
)
def test_refuses_with_the_reason(given: str, reason: str) -> None:
    with pytest.raises(InvalidHyperparameters) as fault:
        parse_hyperparameters(given, cpus=1)
    assert reason in str(fault.value)


def test_the_settings_file_goes_before_hyperparameters() -> None:
    settings = json.dumps({"data": {"seed": 9}, "gate": {"champion": "off"}})
    parsed = parse_hyperparameters('{"max_depth": "3", "data": "{\\"seed\\": 7}"}', 1, settings)
    assert (parsed.data.seed, parsed.gate.champion, parsed.values["max_depth"]) == (9, "off", 3)


@pytest.mark.parametrize(
    ("settings", "told"), [("{", "settings.json is not JSON"), ("[]", "settings.json holds no object")]
)
def test_a_damaged_settings_file_is_told(settings: str, told: str) -> None:
    with pytest.raises(InvalidHyperparameters, match=told):
        parse_hyperparameters("{}", 1, settings)
