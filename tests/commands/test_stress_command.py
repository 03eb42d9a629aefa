"""`make stress` against an endpoint that behaves as a test wants it to."""

import io
import itertools
import json

import boto3
import pytest
from botocore.exceptions import ClientError

from commands.deployment import Deployment
from commands.faults import CommandFailed
from commands.model_files import model_settings
from commands.options import make_parser
from commands.stress import asking, profiles, running
from commands.stress.stopping import Stop
from commands.stress.target import find_target
from infra.project import PROJECT, Project
from load.schedule import Level
from load.traffic import GeneratorFailed, Traffic
from tests.commands.test_stress_watch import Cloud
from tests.evaluations import evaluation, packed
from tests.load.stub import KEY, REGION, RIGHT, SECRET, Stub, answer

VARIANT_HEADER = "x-amzn-Invoked-Production-Variant"


class Everything(Cloud):
    """All services but the runtime."""

    status, released, names = "InService", None, ("model-a",)

    def describe_endpoint(self, *, EndpointName):  # noqa: N803 -- boto3's names
        if EndpointName != "iris-model-production":
            raise ClientError({"Error": {"Code": "ValidationException", "Message": "Could not find endpoint"}}, "x")
        counts = {"CurrentInstanceCount": self.count, "DesiredInstanceCount": self.wanted}
        variants = [{"VariantName": name} | counts for name in self.names]
        return {"EndpointStatus": self.status, "ProductionVariants": variants}

    def describe_scaling_activities(self, **_):
        return {"ScalingActivities": []}

    def get_caller_identity(self):
        return {"Account": "123456789012"}

    def get_item(self, *, TableName, Key):  # noqa: N803
        assert (TableName, Key["pk"]["S"]) == ("mlops-ledger", "model#iris-model")
        manifest = json.dumps({"report_uri": "s3://bucket/job/output.tar.gz"})
        return {"Item": {"release": {"S": manifest}}} if self.released else {}

    def get_object(self, *, Bucket, Key):  # noqa: N803
        assert (Bucket, Key) == ("bucket", "job/output.tar.gz")
        return {"Body": self.released}


class Session(boto3.Session):
    def __init__(self, cloud, url):
        super().__init__(KEY, SECRET, None, REGION)
        self._cloud, self._url = cloud, url

    def client(self, service_name, **options):
        if service_name == "sagemaker-runtime":
            return super().client(service_name, endpoint_url=self._url, **options)
        return self._cloud


@pytest.fixture
def cloud():
    return Everything()


@pytest.fixture
def stub():
    with Stub() as stub:
        yield stub


@pytest.fixture
def deployment(cloud, stub):
    return Deployment(Session(cloud, stub.url), "bucket", "arn", "decide", "audit", "ledger")


@pytest.fixture
def rows(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text("4.6,3.1,1.5,0.2\n\n7.7,2.6,6.9,2.3\n")
    return path


@pytest.fixture
def ask(deployment, rows, monkeypatch, tmp_path, said):
    """The command with options, its reports below a folder of the test."""
    monkeypatch.setattr(asking, "find_deployment", lambda: deployment)
    monkeypatch.setattr(asking, "PROJECT", Project(PROJECT.root, tmp_path))

    def asked(**options):
        given = {"model": "iris-model", "rows": str(rows)} | options
        command = ["stress", *(word for name, value in given.items() for word in (f"--{name}", value))]
        status = asking.ask_for_stress(make_parser().parse_args(command), said.append)
        return status, json.loads((tmp_path / "stress-report.json").read_text())

    return asked


def test_a_ramp_is_sent_and_told(ask, said, tmp_path):
    status, told = ask(profile="ramp", rate="100", seconds="6")
    assert status == 0
    assert told["stopped"]["reason"] == "finished"
    assert told["parts"][0]["sent"] == told["parts"][0]["answered"] == pytest.approx(300, abs=90)
    assert told["parts"][0]["variants"] == {"model-a": told["parts"][0]["sent"]}
    assert {each["current"] for each in told["instances"]} == {2}
    assert "2 rows" in said[0]
    assert any("a second  p99" in line and "2 instances" in line for line in said)
    assert "caling target" in said[-1]
    assert (tmp_path / "stress-report.html").read_text().startswith("<!doctype html>")


def test_levels_follow_one_another(ask, monkeypatch):
    monkeypatch.setattr(profiles, "LEVELS", (Level(2, 20), Level(5, 50)))
    status, told = ask()
    assert status == 0
    assert [(part["name"], part["answered"]) for part in told["parts"]] == [
        ("2 clients, 20 requests", 20),
        ("5 clients, 50 requests", 50),
    ]
    assert all(part["closed_loop"] for part in told["parts"])


def test_an_answer_that_differs_from_the_one_before_the_load_is_an_error(ask, stub, said):
    stub.answering = lambda _row: RIGHT if stub.asked <= 2 else answer("2\n")
    status, told = ask(profile="step", rate="100", seconds="30")
    assert status == 1
    assert told["stopped"]["reason"] == "errors"
    assert told["parts"][0]["sent"] < 1_000  # of 1,800
    assert set(told["failures"]["kinds"]) == {"wrong answer"}
    assert told["recommended"] is None
    assert "No scaling target" in said[-1]


def test_either_of_two_releases_side_by_side_may_answer(ask, cloud, stub, said):
    cloud.names = ("model-a", "model-b")
    turns = itertools.cycle(("model-a", "model-a", "model-b", "model-b"))  # each row meets both

    def answering(_row):
        variant = stub.headers.get("x-amzn-sagemaker-target-variant") or next(turns)
        return answer({"model-a": "1\n", "model-b": "2\n"}[variant], headers=f"{VARIANT_HEADER}: {variant}\r\n")

    stub.answering = answering
    status, told = ask(profile="ramp", rate="50", seconds="4")
    assert (status, told["failures"]["kinds"]) == (0, {})
    assert set(told["parts"][0]["variants"]) == set(cloud.names)
    assert told["recommended"] is None
    assert "model-a and model-b were counted together" in said[-1]


def test_a_variant_that_does_not_answer_is_named(ask, cloud, stub):
    cloud.names = ("model-a", "model-b")
    dead = answer("{}", "424 Failed Dependency")
    stub.answering = lambda _row: dead if stub.headers["x-amzn-sagemaker-target-variant"] == "model-b" else RIGHT
    with pytest.raises(CommandFailed, match="model-b of iris-model-production gives no answer to row 1"):
        ask()


def test_levels_may_take_only_so_long(ask, monkeypatch):
    monkeypatch.setattr(profiles, "LEVELS", (Level(1, 10**6),))
    status, told = ask(seconds="1")
    assert (status, told["stopped"]["reason"]) == (1, "time")


def test_ctrl_c_stops_with_a_report_of_what_there_was(ask, monkeypatch):
    def pressed(buckets, *_):
        if sum(bucket.answered for bucket in buckets) > 20:
            raise KeyboardInterrupt

    monkeypatch.setattr(running, "reason_to_stop", pressed)
    status, told = ask(profile="step", rate="50", seconds="600")
    assert (status, told["stopped"]["reason"]) == (1, "interrupted")
    assert told["parts"][0]["answered"] == told["parts"][0]["sent"] > 20


def press_ctrl_c(*_):
    raise KeyboardInterrupt


@pytest.fixture
def traffics(monkeypatch):
    """Every traffic that was begun."""
    begun, start = [], Traffic.start

    def started(traffic):
        begun.append(traffic)
        start(traffic)

    monkeypatch.setattr(Traffic, "start", started)
    return begun


def test_ctrl_c_while_the_last_answers_are_waited_for_does_without_them(ask, stub, monkeypatch, traffics):
    def pressed(buckets, *_):
        if sum(bucket.sent for bucket in buckets) > 20:
            raise KeyboardInterrupt

    stub.answering = lambda _row: RIGHT if stub.asked <= 2 else b""
    monkeypatch.setattr(running, "reason_to_stop", pressed)
    monkeypatch.setattr(Traffic, "stop", press_ctrl_c)
    status, told = ask(profile="step", rate="50", seconds="600")
    assert (status, told["stopped"]["reason"]) == (1, "interrupted")
    assert "not waited for" in told["stopped"]["told"]
    assert "before that" not in told["stopped"]["told"]
    assert (told["parts"][0]["sent"] > 20, told["parts"][0]["answered"], told["seconds"] > 0) == (True, 0, True)
    assert traffics[0]._process.returncode is not None


def test_ctrl_c_while_a_later_part_begins_leaves_the_report_of_the_former(ask, monkeypatch):
    start, begun = Traffic.start, []

    def started(traffic):
        if begun:
            raise KeyboardInterrupt
        begun.append(traffic)
        start(traffic)

    monkeypatch.setattr(profiles, "LEVELS", (Level(2, 20), Level(5, 50)))
    monkeypatch.setattr(Traffic, "start", started)
    status, told = ask()
    assert (status, told["stopped"]["reason"]) == (1, "interrupted")
    assert [part["answered"] for part in told["parts"]] == [20, 0]


def test_a_reason_to_stop_is_told_also_when_the_last_answers_are_not_waited_for(ask, monkeypatch):
    monkeypatch.setattr(running, "reason_to_stop", lambda *_: Stop("errors", "much has failed"))
    monkeypatch.setattr(Traffic, "stop", press_ctrl_c)
    _, told = ask(profile="step", rate="50", seconds="600")
    assert (told["stopped"]["reason"], "before that: much has failed" in told["stopped"]["told"]) == (
        "interrupted",
        True,
    )


def test_a_generator_that_dies_leaves_a_report_of_what_it_told(ask, monkeypatch, traffics):
    def dies(buckets, *_):
        if sum(bucket.answered for bucket in buckets) > 20:
            traffics[0]._process.kill()

    monkeypatch.setattr(running, "reason_to_stop", dies)
    status, told = ask(profile="step", rate="50", seconds="600")
    assert (status, told["stopped"]["reason"]) == (1, "generator failed")
    assert "status -9" in told["stopped"]["told"]
    assert (told["parts"][0]["answered"] > 20, told["seconds"] > 0) == (True, True)


@pytest.mark.parametrize("fault", [GeneratorFailed("a word\nno such module"), KeyboardInterrupt()])
def test_a_load_that_never_began_has_no_report(ask, monkeypatch, fault):
    def failing(_traffic):
        raise fault

    monkeypatch.setattr(Traffic, "start", failing)
    with pytest.raises(CommandFailed, match="Nothing was sent: .*(failed: no such module|Ctrl-C)"):
        ask(profile="step", rate="50", seconds="600")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"model": "no-model"}, "There are: iris-model"),
        ({"endpoint": "no-endpoint"}, "no endpoint no-endpoint"),
        ({"endpoint": "development"}, "no endpoint iris-model-development"),
        ({"profile": "flood"}, "PROFILE is one of"),
        ({"rate": "fast"}, "RATE=fast"),
        ({"seconds": "-1"}, "SECONDS=-1"),
        ({"objective": "nan"}, "OBJECTIVE=nan"),
        ({"factor": "2"}, "FACTOR=2"),
        ({"rows": "no-such-file.csv"}, "cannot be read"),
        ({"rows": ""}, "never released"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_what_can(ask, options, says):
    with pytest.raises(CommandFailed, match=says):
        ask(**options)


def test_an_endpoint_that_is_not_in_service_is_not_loaded(ask, cloud):
    cloud.status = "Failed"
    with pytest.raises(CommandFailed, match="is Failed"):
        ask()


def test_an_endpoint_that_does_not_answer_a_row_is_not_loaded(ask, stub):
    stub.answering = lambda _row: answer("{}", "424 Failed Dependency")
    with pytest.raises(CommandFailed, match="row 1, '4.6"):
        ask()


def test_without_rows_the_examples_of_the_last_release_are_asked(cloud, deployment, stub):
    cloud.released = io.BytesIO(packed(evaluation().to_json().encode()))
    target = find_target(deployment, model_settings(PROJECT.models, "iris-model"), "", None)
    assert {question.expected for question in target.questions} == {("1\n",)}
    assert len(target.questions) == stub.asked > 0
    assert target.rows_from == "the last release"
