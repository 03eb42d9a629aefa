"""A model's releases as a person reads them, and what going back to one starts."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import boto3
import pytest
from moto import mock_aws

from commands import __main__ as main
from commands.deployment import Deployment
from commands.faults import CommandFailed
from commands.releases.asking import Asker, rollback, shift_traffic
from commands.releases.ledger import Releases, read_releases
from commands.releases.listing import manifest_text, releases_table
from contracts.manifest import Manifest
from tests.functions.approvals import create_table

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
NOBODY = Asker("", "", NOW)
ALONE = [{"name": "model-a", "release": "iris-model-3", "weight": 1}]
SHARED = [
    {"name": "model-a", "release": "iris-model-3", "weight": 0.1},
    {"name": "model-b", "release": "iris-model-2", "weight": 0.9},
]


def told(number: int, **changed: object) -> dict:
    name = f"iris-model-{number}"
    return {
        "name": name,
        "number": number,
        "run": f"arn:run-{number}",
        "dataset_key": f"datasets/iris-model/rows-{number}.csv",
        "dataset_version": f"v{number}",
        "dataset_sha256": "d" * 64,
        "image": "repository@sha256:0",
        "training_job": f"job-{number}",
        "model_data_url": f"s3://b/runs/{number}/model.tar.gz",
        "artefact_sha256": f"{number}" * 64,
        "settings": {"bucket": "b", "key": "settings.json"},
        "template_url": "https://b/template.json",
        "code": {"commit": "c0ffee", "sources": "x"},
        "hyperparameters": {"max_depth": "10"},
        "metrics": {"candidate_accuracy": 0.96},
        "approval": {"by": "a@example.com", "at": "2029-01-01T00:00:00Z", "comment": "Two\nlines."},
        "strategy": "ab",
        "asked": None,
        "variants": [{"name": "model-a", "release": name, "weight": 1}],
        "released_at": f"2029-01-0{number}T10:00:00.000Z",
        **changed,
    }


def manifest(number: int, **changed: object) -> Manifest:
    return Manifest.from_text(json.dumps(told(number, **changed)))


def releases(*numbers: int, variants: list | None = None) -> Releases:
    made = tuple(manifest(number) for number in numbers)
    champion = manifest(numbers[-1], **({"variants": variants} if variants else {})) if numbers else None
    return Releases("iris-model", champion, made)


class Runs:
    """Step Functions that notes what is started."""

    def __init__(self) -> None:
        self.started: list[dict] = []

    def client(self, _service: str) -> "Runs":
        return self

    def start_execution(self, **asked: str) -> dict[str, str]:
        self.started.append(json.loads(asked["input"]))
        return {"executionArn": f"{asked['stateMachineArn']}:run-7"}


@pytest.fixture
def runs():
    return Runs()


@pytest.fixture
def deployment(runs):
    return Deployment(runs, "bucket", "arn:machine", "decide", "audit", "ledger")


def test_releases_are_read_from_the_ledger_with_the_one_that_serves(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        session = boto3.Session(region_name="us-east-1")
        dynamodb = session.client("dynamodb")
        create_table(dynamodb, "ledger")
        again = told(1, released_at="2029-02-01T10:00:00.000Z", asked={"requester": "o@example.com", "reason": "r"})
        for key, fields in {"champion": again, "release#000002": told(2), "release#000001": told(1),
                            "release#000001#2029": again, "lease": {}, "waiting#1": {}}.items():  # fmt: skip
            item = {"pk": {"S": "model#iris-model"}, "sk": {"S": key}, "release": {"S": json.dumps(fields)}}
            dynamodb.put_item(TableName="ledger", Item=item)
        found = read_releases(Deployment(session, "b", "m", "d", "a", "ledger"), "iris-model")
        nothing = read_releases(Deployment(session, "b", "m", "d", "a", "ledger"), "wine")
    assert [each.number for each in found.made] == [1, 2, 1]
    assert found.champion.requester == "o@example.com"
    assert nothing == Releases("wine", None, ())
    assert releases_table(nothing) == "wine has released nothing yet."
    lines = releases_table(found).splitlines()
    # Of the two times that it came to serve, the last one counts.
    assert "100 %" not in lines[1]
    assert "100 %" in lines[3]


def test_the_table_shows_who_shares_production():
    lines = releases_table(releases(1, 2, 3, variants=SHARED)).splitlines()
    assert [line.split("  ")[0] for line in lines[:4]] == ["RELEASE", "iris-model-1", "iris-model-2", "iris-model-3"]
    assert "90 %" in lines[2]
    assert "10 %" in lines[3]
    assert "333333333333" in lines[3]
    assert "make rollback MODEL=iris-model TO=" in "\n".join(lines)
    assert "make ab-promote" in "\n".join(lines)


def test_all_that_is_known_of_a_release_is_told_and_nothing_that_is_not():
    text = manifest_text(manifest(3))
    for fact in ("rows-3.csv", "v3", "d" * 64, "repository@sha256:0", "3" * 64, "s3://b/settings.json", "template.json",
                 "max_depth = 10", "96.0 %", "a@example.com at 2029", "Two / lines.", "c0ffee", "arn:run-3"):  # fmt: skip
        assert fact in text
    assert "asked for by" not in text


def test_a_manifest_from_before_strategies_is_read():
    old = told(1)
    for name in ("artefact_sha256", "strategy", "asked", "variants", "code"):
        del old[name]
    read = Manifest.from_text(json.dumps(old))
    assert (read.strategy, read.artefact_sha256, read.code) == ("all-at-once", "", "")
    assert [(each.release, each.weight) for each in read.variants] == [("iris-model-1", 1.0)]
    with pytest.raises(ValueError, match="lacks or misstates"):
        Manifest.from_text("{}")


@pytest.mark.parametrize(("to", "number"), [("", 2), ("1", 1), ("iris-model-1", 1)])
def test_going_back_starts_a_run_about_the_release_s_own_dataset(deployment, runs, to, number):
    target, run = rollback(deployment, releases(1, 2, 3), to, Asker(" o@example.com ", "It answers wrongly.", NOW))
    assert (target.number, run) == (number, "run-7")
    assert runs.started == [
        {
            "time": "2030-01-01T12:00:00Z",
            "detail": {
                "bucket": {"name": "bucket"},
                "object": {"key": f"datasets/iris-model/rows-{number}.csv", "version-id": f"v{number}", "size": 0},
                "ask": {
                    "for": "rollback",
                    "to": f"iris-model-{number}",
                    "requester": "o@example.com",
                    "reason": "It answers wrongly.",
                },
            },
        }
    ]


def test_the_one_before_is_the_next_older_release_also_after_a_roll_back():
    went_back = releases(1, 2, 3)
    went_back = replace(went_back, champion=manifest(2), made=(*went_back.made, manifest(2)))
    assert went_back.before_champion().number == 1


@pytest.mark.parametrize(
    ("known", "to", "said"),
    [
        ((), "", "has released nothing yet"),
        ((1,), "", "is the oldest release"),
        ((1, 2), "2", "serves iris-model-2 already"),
        ((1, 2), "7", "no release 7; it has iris-model-1, iris-model-2"),
        ((), "7", "it has none yet"),
    ],
)
def test_what_cannot_be_gone_back_to_is_told_and_starts_nothing(deployment, runs, known, to, said):
    with pytest.raises(CommandFailed, match=said):
        rollback(deployment, releases(*known), to, NOBODY)
    assert runs.started == []


@pytest.mark.parametrize(("to", "number"), [("newer", 3), ("older", 2)])
def test_traffic_goes_to_the_newer_or_the_older_of_two(deployment, runs, to, number):
    target, _ = shift_traffic(deployment, releases(1, 2, 3, variants=SHARED), to, NOBODY)
    assert target.number == number
    assert runs.started[0]["detail"]["ask"]["for"] == "traffic"
    assert runs.started[0]["detail"]["ask"]["to"] == f"iris-model-{number}"


def test_there_is_no_traffic_to_shift_where_one_release_serves_or_has_all(deployment, runs):
    full = [{**SHARED[0], "weight": 1}, {**SHARED[1], "weight": 0}]
    for known, said in (
        (releases(3, variants=ALONE), "serves only iris-model-3"),
        (releases(), "serves nothing yet"),
        (releases(2, 3, variants=full), "iris-model-3 has all requests already"),
    ):
        with pytest.raises(CommandFailed, match=said):
            shift_traffic(deployment, known, "newer", NOBODY)
    assert runs.started == []


@pytest.mark.parametrize("command", ["releases", "rollback", "ab-promote", "audit"])
def test_a_model_that_never_was_is_a_slip(deployment, monkeypatch, capsys, command):
    monkeypatch.setattr(main, "find_deployment", lambda: deployment)
    monkeypatch.setattr(main, "read_releases", lambda _deployment, model: Releases(model, None, ()))
    monkeypatch.setattr(main, "read_audit", lambda *_: [])
    assert main.main([command, "--model", "irs-model"]) == 1
    assert "There are: iris-model" in capsys.readouterr().err
