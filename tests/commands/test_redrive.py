"""Which runs may go on, and what is said about the others."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError

from commands.deployment import Deployment
from commands.faults import CommandFailed
from commands.redrive import redrive

RUN = "6a7e8feb"
INPUT = '{"detail": {"object": {"key": "datasets/iris-model/data.csv"}}}'


class NotRedrivable(ClientError):
    pass


class Runs:
    """One run in a given status, which notes that it was redriven."""

    exceptions = SimpleNamespace(ExecutionNotRedrivable=NotRedrivable)

    def __init__(self, status: str, error: str = "", refuses: str = "") -> None:
        self.redriven: list[str] = []
        self._status, self._error, self._refuses = status, error, refuses

    def client(self, _service: str) -> "Runs":
        return self

    def describe_execution(self, **_: str) -> dict:
        described = {"name": RUN, "status": self._status, "input": INPUT, "startDate": datetime(2030, 1, 1, tzinfo=UTC)}
        return described | ({"error": self._error} if self._error else {})

    def get_paginator(self, _operation: str) -> "Runs":
        return self

    def paginate(self, **_: object) -> list[dict]:
        return [{"events": [{"stateEnteredEventDetails": {"name": "Train Model"}, "timestamp": None}]}]

    def redrive_execution(self, **named: str) -> None:
        if self._refuses:
            raise NotRedrivable({"Error": {"Code": "", "Message": self._refuses}}, "RedriveExecution")
        self.redriven.append(named["executionArn"])


def deployment(runs: Runs) -> Deployment:
    return Deployment(runs, "bucket", "arn:aws:states:r:1:stateMachine:promote-model", "decide", "audit", "ledger")


@pytest.mark.parametrize(
    ("status", "error"), [("ABORTED", ""), ("TIMED_OUT", "States.Timeout"), ("FAILED", "States.DataLimitExceeded")]
)
def test_a_run_that_no_state_ended_goes_on(status, error):
    runs = Runs(status, error)
    assert redrive(deployment(runs), RUN) == "Train Model"
    assert runs.redriven == [f"arn:aws:states:r:1:execution:promote-model:{RUN}"]


@pytest.mark.parametrize(
    ("status", "error", "says"),
    [
        ("RUNNING", "", "still runs"),
        ("SUCCEEDED", "", "ended well"),
        ("FAILED", "TrainingFailed", "TrainingFailed.*make rerun RUN=6a7e8feb"),
    ],
)
def test_any_other_run_is_refused(status, error, says):
    runs = Runs(status, error)
    with pytest.raises(CommandFailed, match=says):
        redrive(deployment(runs), RUN)
    assert runs.redriven == []


def test_when_it_is_too_late_the_command_says_what_to_do_instead():
    runs = Runs("ABORTED", refuses="Execution redrivable period exceeded")
    with pytest.raises(CommandFailed, match="period exceeded.*make rerun RUN=6a7e8feb"):
        redrive(deployment(runs), RUN)
