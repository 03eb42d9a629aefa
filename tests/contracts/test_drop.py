import json

import pytest

from contracts.drop import InvalidRunFile, merged_settings, parse_run_file
from contracts.settings import DataSettings, TrainingSettings

FILES = {"train/a.csv": 10, "validation/b.csv.gz": 5}
SETTINGS = {
    "data": DataSettings().resolved(),
    "training": TrainingSettings(hyperparameters={"max_depth": 4, "n_jobs": 2}).resolved(),
}


def run_file(**said):
    return parse_run_file(json.dumps({"files": FILES, **said}).encode())


def test_files_and_words_are_read():
    read = run_file(reason="why", requester="somebody")
    assert (read.files, read.size_bytes, read.reason, read.requester) == (FILES, 15, "why", "somebody")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"files": {}}, "files: Dictionary should have at least 1 item"),
        ({"files": {"validation/a.csv": 1}}, "names no file under train/"),
        ({"files": {"test/a.csv": 1}}, "files.test/a.csv"),
        ({"files": {"train/../a.csv": 1}}, "files.train/../a.csv"),
        ({"files": {"train/a/b.csv": 1}}, "files.train/a/b.csv"),
        ({"files": {"train/a\n.csv": 1}}, "files.train/a\\n.csv"),
        ({"files": {"train/..": 1}}, "files.train/.."),
        ({"files": {"train/a.xlsx": 1}}, "files.train/a.xlsx"),
        ({"files": {"train/a.csv": -1}}, "greater than or equal to 0"),
        ({"files": ["train/a.csv"]}, "files: Input should be"),
        ({"file": {}}, "file: Extra inputs are not permitted"),
        ({"reason": "x" * 1001}, "reason: String should have at most 1000"),
        ({"overrides": {"production": {"instance_count": 1}}}, "not `production`"),
        ({"hyperparameters": {"a": None}}, "hyperparameters.a"),
    ],
)
def test_what_breaks_a_rule_is_named(said, told):
    with pytest.raises(InvalidRunFile) as fault:
        run_file(**said)
    assert told in str(fault.value)
    assert all(line.startswith("run.json: ") for line in str(fault.value).splitlines())


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"\xff", b"null"])
def test_what_is_no_run_file_is_refused(text):
    with pytest.raises(InvalidRunFile):
        parse_run_file(text)


def test_one_run_may_differ_from_the_settings():
    said = run_file(
        hyperparameters={"max_depth": 6, "n_estimators": 30},
        overrides={"training": {"instance_type": "ml.c5.xlarge"}, "data": {"seed": 7}},
    )
    merged = merged_settings(SETTINGS, said)
    assert merged["data"] == {**SETTINGS["data"], "seed": 7}
    assert merged["training"]["instance_type"] == "ml.c5.xlarge"
    assert merged["training"]["hyperparameters"] == {"max_depth": "6", "n_jobs": "2", "n_estimators": "30"}


def test_without_overrides_the_settings_stay_as_they_are():
    assert merged_settings(SETTINGS, run_file()) == SETTINGS


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        ({"data": {"seed": -1}}, "run.json: data: seed: "),
        ({"training": {"instance_type": "large"}}, "run.json: training: instance_type: "),
        ({"training": {"hyperparameter": {}}}, "run.json: training: hyperparameter: Extra inputs"),
    ],
)
def test_an_override_keeps_the_rules_of_the_settings(overrides, told):
    with pytest.raises(InvalidRunFile, match=told):
        merged_settings(SETTINGS, run_file(overrides=overrides))
