from pathlib import Path

import pytest

from contracts.settings import InvalidSettings, load_all_settings, load_settings

MODELS = Path(__file__).resolve().parents[2] / "models"
MINIMAL = 'owners = ["team@example.com"]\n[approval]\napprovers = ["a@example.com"]\n'


def write(folder: Path, text: str, name: str = "some-model") -> Path:
    path = folder / f"{name}.toml"
    path.write_text(text)
    return path


def test_every_model_of_the_repository_is_valid():
    assert "iris-model" in load_all_settings(MODELS)


def test_defaults_are_those_of_the_course(tmp_path):
    settings = load_settings(write(tmp_path, MINIMAL))
    scaling = settings.production.scaling
    assert (scaling.minimum, scaling.maximum, scaling.target) == (2, 10, 200.0)
    assert (scaling.scale_in_cooldown_seconds, scaling.scale_out_cooldown_seconds) == (30, 60)
    assert (settings.data.label, settings.data.header, settings.data.test_fraction, settings.data.seed) == (
        0,
        None,
        0.33,
        42,
    )
    assert settings.production.instance_count == 2
    assert settings.development.instance_count == 1
    assert settings.development.capture_percent == settings.production.capture_percent == 100
    assert settings.development_endpoint == "some-model-development"
    assert settings.production_endpoint == "some-model-production"


def test_hyperparameters_travel_as_strings(tmp_path):
    text = MINIMAL + "[training.hyperparameters]\nn_estimators = 120\nmax_depth = 10\nbootstrap = true\n"
    resolved = load_settings(write(tmp_path, text)).resolved()
    assert resolved["training"]["hyperparameters"] == {"n_estimators": "120", "max_depth": "10", "bootstrap": "true"}


def test_the_gate_travels_with_what_it_asks_for(tmp_path):
    text = MINIMAL + "[gate.minimum]\naccuracy = 0.9\n[gate.classes.'a, b']\nrecall = 0.5\n"
    assert load_settings(write(tmp_path, text)).resolved()["gate"] == {
        "minimum": {"accuracy": 0.9},
        "maximum": {},
        "classes": {"a, b": {"recall": 0.5}},
        "champion": "not-worse",
        "margin": 0.02,
        "confidence": 0.999,
    }


@pytest.mark.parametrize(
    ("text", "task", "rules"),
    [
        ("[gate]\nmaximum.artefact_bytes = 5\nmaximum.latency_milliseconds = 1\n", "classification", ()),
        (
            "[gate]\nminimum.accuracy = 0\nmaximum.log_loss = 1\n",
            "classification",
            ("minimum.accuracy", "maximum.log_loss"),
        ),
        ("[gate]\nmetric = 'r2'\nmaximum.rmse = 1\n", "regression", ("maximum.rmse", "metric")),
        ("[gate.classes.a]\nf1 = 1\n", "classification", ("classes",)),
    ],
)
def test_rules_belong_to_a_task_or_to_both(tmp_path, text, task, rules):
    gate = load_settings(write(tmp_path, MINIMAL + text)).gate
    other = "regression" if task == "classification" else "classification"
    assert (gate.rules_of(task), gate.rules_of(other)) == (rules, ())


@pytest.mark.parametrize(
    ("text", "key", "rule"),
    [
        (MINIMAL + "[data]\nminimum_rows = 1\n", "data.minimum_rows", "greater than or equal to 2"),
        (MINIMAL + '[data]\nlabel = "species"\nheader = false\n', "data", "a label given by name needs a header"),
        (MINIMAL + "[data]\nignore = [-1]\n", "data", "a column's position counts from 0"),
        (MINIMAL + '[data]\nlabel = "id"\nignore = ["id"]\n', "data", "the label cannot be ignored"),
        (MINIMAL + "[data.columns.1]\nminimum = 2\nmaximum = 1\n", "data.columns.1", "`maximum` is below `minimum`"),
        (MINIMAL + '[data.columns.1]\ntype = "category"\nminimum = 2\n', "data.columns.1", "are for numbers"),
        (MINIMAL + '[data.columns.1]\ntype = "number"\nallowed = ["a"]\n', "data.columns.1", "holds a text"),
        (MINIMAL + "[data]\nlabel = -1\n", "data", "counts from 0"),
        (MINIMAL + "[data]\nmaximum_bytes = 6000000000\n", "data.maximum_bytes", "less than or equal"),
        (MINIMAL + "[production]\ninstance_count = 1\n", "production.instance_count", "greater than or equal to 2"),
        (MINIMAL + "[production]\ninstance_count = 11\n", "production", "scaling.maximum"),
        (
            MINIMAL + "[production.alarms]\nserver_errors = 0\n",
            "production.alarms.server_errors",
            "greater than or equal",
        ),
        (
            MINIMAL + "[production.alarms]\nlatency_milliseconds = 0\n",
            "production.alarms.latency_milliseconds",
            "greater than 0",
        ),
        (MINIMAL + "[production.scaling]\nminimum = 5\nmaximum = 4\n", "production.scaling", "below `minimum`"),
        (MINIMAL + "[production]\ninstance_typ = 'ml.c5.large'\n", "production.instance_typ", "Extra inputs"),
        (MINIMAL + "[training]\ninstance_type = 'c5.large'\n", "training.instance_type", "pattern"),
        (MINIMAL + "[training]\nalgorithm = 'forest'\n", "training.algorithm", "'random-forest' or 'xgboost'"),
        (MINIMAL + "[training.hyperparameters]\nn_estimators = 0\n", "training", "an integer from 1 to 10000"),
        (MINIMAL + "[training.hyperparameters]\neta = 0.3\n", "training", "'eta' is unknown; did you mean"),
        (MINIMAL + "[training]\nalgorithm = 'xgboost'\nhyperparameters = {criterion = 'gini'}", "training", "unknown"),
        (MINIMAL + "[gate]\nchampion = 'equal'\n", "gate.champion", "better"),
        (MINIMAL + "[gate]\nminimum_accuracy = 0.9\n", "gate.minimum_accuracy", "Extra inputs"),
        (MINIMAL + "[gate.minimum]\naccuracy = 1.1\n", "gate.minimum.accuracy", "less than or equal to 1"),
        (MINIMAL + "[gate.minimum]\nr2 = -inf\n", "gate.minimum.r2", "finite"),
        (MINIMAL + "[gate.minimum]\nrecall = 0.9\n", "gate.minimum.recall", "Extra inputs"),
        (MINIMAL + "[gate.maximum]\nrmse = nan\n", "gate.maximum.rmse", "finite"),
        (MINIMAL + "[gate.maximum]\nlatency_milliseconds = 0\n", "gate.maximum.latency_milliseconds", "than 0"),
        (MINIMAL + "[gate.classes.setosa]\n", "gate.classes.setosa", "name at least one of recall"),
        (MINIMAL + "[gate]\nmetric = 'calibration_error'\n", "gate.metric", "accuracy"),
        (MINIMAL + "[gate]\nconfidence = 1.0\n", "gate.confidence", "0.999"),
        (
            MINIMAL + "[gate]\nmetric = 'mae'\nminimum.accuracy = 0.9\n",
            "gate",
            "`minimum.accuracy` is for classes and `metric` for a regression",
        ),
        ('[approval]\napprovers = ["a@example.com"]\n', "owners", "required"),
        ('owners = ["team@example.com"]\n[approval]\napprovers = []\n', "approval.approvers", "at least 1"),
        ('owners = ["team"]\n[approval]\napprovers = ["a@example.com"]\n', "owners.0", "pattern"),
        (MINIMAL + "expires_after_seconds = 40000000\n", "approval.expires_after_seconds", "300 days"),
        ("owners = [\n", "", "not valid TOML"),
    ],
)
def test_a_broken_rule_is_named_with_file_and_key(tmp_path, text, key, rule):
    path = write(tmp_path, text)
    with pytest.raises(InvalidSettings) as caught:
        load_settings(path)
    message = str(caught.value)
    assert str(path) in message
    assert f"{key}: " in message
    assert rule in message


@pytest.mark.parametrize("name", ["Iris", "iris_model", "-iris", "a" * 41, "iris--model"])
def test_a_name_must_fit_into_endpoint_names(tmp_path, name):
    with pytest.raises(InvalidSettings, match="name"):
        load_settings(write(tmp_path, MINIMAL, name))


def test_a_name_must_be_the_files(tmp_path):
    with pytest.raises(InvalidSettings, match="must be the file's name 'some-model'"):
        load_settings(write(tmp_path, 'name = "other"\n' + MINIMAL))


def test_the_faults_of_all_files_come_together(tmp_path):
    write(tmp_path, MINIMAL + "[data]\nseed = -1\n", "first")
    write(tmp_path, MINIMAL + "[data]\nseed = -1\n", "second")
    with pytest.raises(InvalidSettings) as caught:
        load_all_settings(tmp_path)
    assert "first.toml: data.seed" in str(caught.value)
    assert "second.toml: data.seed" in str(caught.value)


def test_no_settings_at_all_are_a_fault(tmp_path):
    with pytest.raises(InvalidSettings, match="one TOML file per model"):
        load_all_settings(tmp_path)
