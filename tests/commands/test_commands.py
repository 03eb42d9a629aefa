import io
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from commands.__main__ import main
from commands.account import default_session
from commands.decide import decide
from commands.deployment import Deployment
from commands.drop import check
from commands.faults import CommandFailed
from commands.history import entered
from commands.runs import Run, describe_run, find_run, table

MODELS = Path(__file__).resolve().parents[2] / "models"
NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)


class Session:
    """Hands out one prepared client."""

    def __init__(self, client: object) -> None:
        self._client = client

    def client(self, _service: str) -> object:
        return self._client


def deployment(client: object) -> Deployment:
    return Deployment(
        Session(client), "bucket", "arn:aws:states:r:1:stateMachine:promote-model", "decide", "audit", "ledger"
    )


class Executions:
    def __init__(self, *names: str) -> None:
        self._names = names

    def get_paginator(self, _operation: str) -> "Executions":
        return self

    def paginate(self, **_: str) -> list[dict]:
        return [{"executions": [{"name": name}]} for name in self._names]


def test_a_run_is_found_by_the_start_of_its_id():
    assert find_run(deployment(Executions("abc-1", "abd-2")), "abc") == "abc-1"


def test_a_full_id_wins_over_longer_ones():
    assert find_run(deployment(Executions("abc", "abcd")), "abc") == "abc"


@pytest.mark.parametrize(("run", "says"), [("", "RUN="), ("ab", "2 runs start"), ("x", "No run starts")])
def test_an_unclear_run_is_refused(run, says):
    with pytest.raises(CommandFailed, match=says):
        find_run(deployment(Executions("abc-1", "abd-2")), run)


class Function:
    def __init__(self, answer: dict, **reply: str) -> None:
        self._answer, self._reply = answer, reply
        self.asked: dict = {}

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict:  # noqa: N803 -- boto3's names
        assert FunctionName == "decide"
        self.asked = json.loads(Payload)
        return {"Payload": io.BytesIO(json.dumps(self._answer).encode()), **self._reply}


def test_a_decision_is_handed_to_the_function():
    function = Function({"decided": True, "message": "Approved."})
    assert decide(deployment(function), "run-1", "iris-model-3", "approve", "fine") == "Approved."
    assert function.asked == {
        "run": "run-1",
        "release": "iris-model-3",
        "decision": "approve",
        "comment": "fine",
        "approver": "",
    }
    decide(deployment(function), "run-1", "iris-model-3", "approve", "fine", "anna@example.com")
    assert function.asked["approver"] == "anna@example.com"


def test_a_rejection_needs_a_reason():
    with pytest.raises(CommandFailed, match="REASON="):
        decide(deployment(Function({})), "run-1", "iris-model-3", "reject", "  ")


def test_a_decision_that_came_too_late_is_a_failure():
    with pytest.raises(CommandFailed, match="decided before"):
        decide(
            deployment(Function({"decided": False, "message": "decided before"})),
            "run-1",
            "iris-model-3",
            "approve",
            "",
        )


def test_a_broken_function_is_a_failure():
    with pytest.raises(CommandFailed, match="boom"):
        decide(
            deployment(Function({"errorMessage": "boom"}, FunctionError="Unhandled")),
            "run-1",
            "iris-model-3",
            "approve",
            "",
        )


def run(**change: object) -> Run:
    fields = {
        "id": "run-1", "arn": "arn", "model": "iris-model", "subject": "iris.csv", "status": "RUNNING", "state": "Request Approval",
        "started": NOW - timedelta(minutes=3), "ended": None, "cause": "", "release": "iris-model-3",
    }  # fmt: skip
    return Run(**{**fields, **change})


def test_a_waiting_run_says_how_to_answer():
    text = table([run()], NOW)
    assert "0:03:00" in text
    assert "make approve RUN=run-1 RELEASE=iris-model-3" in text
    assert "make reject RUN=run-1 RELEASE=iris-model-3 REASON=" in text


class History:
    """One execution that has just begun."""

    def __init__(self, detail: dict) -> None:
        self._detail = detail

    def describe_execution(self, **_: str) -> dict:
        return {"name": "r", "status": "RUNNING", "startDate": NOW, "input": json.dumps({"detail": self._detail})}

    def get_paginator(self, _operation: str) -> "History":
        return self

    def paginate(self, **_: object) -> list[dict]:
        return [{"events": []}]


@pytest.mark.parametrize(
    ("ask", "about"),
    [
        ({}, "data.csv"),
        ({"ask": {"for": "rollback", "to": "m-1"}}, "back to m-1"),
        ({"ask": {"for": "traffic", "to": "m-2"}}, "all requests to m-2"),
    ],
)
def test_a_run_is_about_a_dataset_or_about_what_is_asked(ask, about):
    found = describe_run(History({"object": {"key": "datasets/m/data.csv"}, **ask}), "arn")
    assert (found.model, found.subject) == ("m", about)


def test_a_failed_run_says_why():
    text = table([run(status="FAILED", state="Training Failed", cause="no rows\nmore\nand more\nand on")], NOW)
    assert text.endswith("    no rows\n    more\n    and more")


def test_no_runs_say_how_to_start_one():
    assert "make drop" in table([])


def test_history_yields_the_states_in_order():
    events = [{"type": "ExecutionStarted"}, {"stateEnteredEventDetails": {"name": "A"}, "timestamp": NOW}]
    assert [(step.state, step.at) for step in entered(events)] == [("A", NOW)]


def test_a_sound_drop_passes(tmp_path):
    dataset = tmp_path / "iris.csv"
    dataset.write_text("0,1\n")
    assert check(MODELS, "iris-model", dataset).name == "iris-model"


def test_what_can_be_known_before_a_drop_is_said_before_it(tmp_path):
    dataset = tmp_path / "iris.csv"
    with pytest.raises(CommandFailed, match="There is no file or folder"):
        check(MODELS, "iris-model", dataset)
    dataset.write_text("0,1\n")
    with pytest.raises(CommandFailed, match="There are: iris-model"):
        check(MODELS, "unknown", dataset)
    with pytest.raises(CommandFailed, match="Which model"):
        check(MODELS, "", dataset)
    wrong = tmp_path / "iris.txt"
    wrong.write_text("0,1\n")
    with pytest.raises(CommandFailed, match="ends in .csv"):
        check(MODELS, "iris-model", wrong)


def folder_drop(folder, run_file=None, **files):
    for name, text in {"train/a.csv": "0,1\n", **files}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    if run_file is not None:
        (folder / "run.json").write_text(run_file)
    return folder


def test_a_sound_folder_passes(tmp_path):
    said = {"hyperparameters": {"max_depth": 3}, "overrides": {"data": {"minimum_rows": 2}}, "reason": "a try"}
    folder = folder_drop(tmp_path / "drop", json.dumps(said), **{"validation/b.parquet": "x"})
    assert check(MODELS, "iris-model", folder).name == "iris-model"


@pytest.mark.parametrize(
    ("run_file", "files", "said"),
    [
        ("{", {}, "run.json: not JSON"),
        ("[]", {}, "run.json: holds no object"),
        ('{"hyperparameter": {}}', {}, "run.json: hyperparameter: Extra inputs"),
        ('{"overrides": {"gate": {"champion": "off"}}}', {}, "`overrides` may hold `data` and `training`, not `gate`"),
        ('{"overrides": {"data": {"label": -1}}}', {}, "run.json: data: file: Value error, a column's position"),
        ('{"overrides": {"data": {"maximum_bytes": 3}}}', {}, "has 4 bytes; models/iris-model.toml allows 3"),
        (None, {"train/notes.txt": "x"}, "notes.txt: a dataset ends in .csv, .csv.gz or .parquet"),
    ],
)
def test_what_can_be_known_of_a_folder_is_said_before_it_is_dropped(tmp_path, run_file, files, said):
    with pytest.raises(CommandFailed, match=re.escape(said)):
        check(MODELS, "iris-model", folder_drop(tmp_path / "drop", run_file, **files))


def test_a_folder_without_training_files_is_no_dataset(tmp_path):
    (tmp_path / "drop" / "validation").mkdir(parents=True)
    (tmp_path / "drop" / "validation" / "a.csv").write_text("0,1\n")
    with pytest.raises(CommandFailed, match="`files` names no file under train/"):
        check(MODELS, "iris-model", tmp_path / "drop")


def test_invalid_settings_are_found_when_dropping(tmp_path):
    (tmp_path / "broken.toml").write_text("owners = []\n")
    dataset = tmp_path / "data.csv"
    dataset.write_text("0,1\n")
    with pytest.raises(CommandFailed, match=r"broken.toml: owners: .*\n.*broken.toml: approval: "):
        check(tmp_path, "broken", dataset)


def test_a_file_over_the_limit_is_not_uploaded(tmp_path):
    (tmp_path / "small.toml").write_text(
        'owners = ["a@example.com"]\n[data]\nmaximum_bytes = 3\n[approval]\napprovers = ["a@example.com"]\n'
    )
    dataset = tmp_path / "data.csv"
    dataset.write_text("0,1\n")
    with pytest.raises(CommandFailed, match="4 bytes.*allows 3"):
        check(tmp_path, "small", dataset)


def test_without_a_region_the_command_says_what_to_set(monkeypatch, capsys):
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    assert main(["runs"]) == 1
    assert "make local" in capsys.readouterr().err


def test_nobody_listening_is_said_plainly(monkeypatch, capsys):
    for name, value in {
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_MAX_ATTEMPTS": "1",
    }.items():
        monkeypatch.setenv(name, value)
    assert main(["runs"]) == 1
    assert "cannot be reached" in capsys.readouterr().err


def test_the_region_is_that_of_aws_region_as_for_the_cdk(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    assert default_session().region_name == "us-east-1"
    monkeypatch.delenv("AWS_REGION")
    assert default_session().region_name == "eu-west-1"
