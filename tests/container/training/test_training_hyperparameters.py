import json

import pytest

from container.training.faults import InvalidHyperparameters
from container.training.hyperparameters import INTEGERS, parse_hyperparameters
from contracts.settings import DataSettings, GateSettings


def test_defaults() -> None:
    parsed = parse_hyperparameters("{}", cpus=3)
    assert (parsed.n_estimators, parsed.max_depth, parsed.n_jobs) == (120, 10, 3)
    assert (parsed.data, parsed.gate) == (DataSettings(), GateSettings())


def test_reads_strings_as_sagemaker_writes_them() -> None:
    given = {"max_depth": "20", "n_jobs": "4", "n_estimators": "120", "data": '{"seed": 7}', "gate": '{"margin": 0.5}'}
    parsed = parse_hyperparameters(json.dumps(given), cpus=1)
    assert (parsed.n_estimators, parsed.max_depth, parsed.n_jobs) == (120, 20, 4)
    assert (parsed.data.seed, parsed.gate.margin) == (7, 0.5)


def test_reads_values_that_a_local_run_did_not_quote() -> None:
    parsed = parse_hyperparameters('{"max_depth": 20, "data": {"seed": 7}}', cpus=1)
    assert (parsed.max_depth, parsed.data.seed) == (20, 7)


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
        ('{"trees": "3"}', "Known: n_estimators, max_depth, n_jobs, data, gate"),
        ('{"dta": "{}", "gat": "{}"}', "'dta' is unknown; did you mean data? 'gat' is unknown; did you mean gate?"),
        ('{"max_depth": "deep"}', "max_depth is 'deep', not an integer"),
        ('{"max_depth": "1.5"}', "max_depth is '1.5', not an integer"),
        ('{"max_depth": null}', "max_depth is 'null', not an integer"),
        ('{"max_depth": "0"}', "max_depth is 0, allowed are 1 to 64"),
        ('{"n_estimators": "10001"}', "n_estimators is 10001, allowed are 1 to 10000"),
        ('{"n_jobs": "-1"}', "n_jobs is -1, allowed are 1 to 1024"),
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


@pytest.mark.parametrize("name", INTEGERS)
def test_both_ends_of_a_range_are_allowed(name: str) -> None:
    for value in (INTEGERS[name].minimum, INTEGERS[name].maximum):
        assert getattr(parse_hyperparameters(json.dumps({name: str(value)}), cpus=1), name) == value
