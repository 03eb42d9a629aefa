"""A released endpoint is put under load by `make stress`, and answers under it as it did before."""

import json
import shutil

import pytest

from commands.options import make_parser
from commands.stress import asking
from infra.project import PROJECT, Project
from load.endpoint import Endpoint, Question
from load.schedule import steady
from load.traffic import Traffic
from local.demo.iris import KNOWN_ROWS

MODEL = "flow-stress"


@pytest.fixture(scope="module")
def released(product, iris):
    product.model(MODEL)
    product.drop(MODEL, iris).approve()
    return product


def test_the_last_release_is_asked_its_own_examples(released, tmp_path, monkeypatch):
    (tmp_path / "models").mkdir()
    shutil.copy(PROJECT.models / "iris-model.toml", tmp_path / "models" / f"{MODEL}.toml")
    monkeypatch.setattr(asking, "find_deployment", lambda: released.deployment)
    monkeypatch.setattr(asking, "PROJECT", Project.at(tmp_path))
    options = ["stress", "--model", MODEL, "--profile", "ramp", "--rate", "20", "--seconds", "6"]
    said = []
    status = asking.ask_for_stress(make_parser().parse_args(options), said.append)
    told = json.loads((tmp_path / "build" / "stress-report.json").read_text())
    assert told["failures"]["kinds"] == {}, told["failures"]
    assert (status, told["stopped"]["reason"]) == (0, "finished")
    assert told["asked"]["rows_from"] == "the last release"
    assert told["parts"][0]["variants"] == {"model-a": told["parts"][0]["sent"]}
    assert {each["current"] for each in told["instances"]} == {2}
    assert told["not_seen"] == {}


def test_traffic_goes_on_beside_a_test(released):
    questions = [Question(row, answer) for row, answer in KNOWN_ROWS.items()]
    with Traffic(steady(20), Endpoint.of(released.session, f"{MODEL}-production", questions)) as traffic:
        while traffic.recording.answered < 60:
            assert released.sagemaker.describe_endpoint(EndpointName=f"{MODEL}-production")
    recording = traffic.recording
    assert recording.failed == []
    assert recording.sent == recording.answered == recording.variants["model-a"]
