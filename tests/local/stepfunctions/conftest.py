"""A Step Functions back end with a front door of its own, restartable."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local.clock import Clock
from local.configuration import Configuration
from local.context import Cloud
from local.stepfunctions import assemble
from local.stepfunctions.permissions import Permissions
from tests.local.stepfunctions.front_door import ROLE, FrontDoor

START = 1_780_000_000.0


class StatesCloud:
    """One process of the cloud. `crash` is what `kill -9` leaves; `restarted` is the next process."""

    def __init__(self, state_dir: Path | None, clock: Clock, door: FrontDoor | None = None, **settings: Any) -> None:
        self.door = door or FrontDoor()
        self.clock = clock
        self.events: list[tuple[str, str]] = []
        self.bus_answers = True
        self.state_dir = state_dir
        permissions = Permissions(lambda role, machine: role, lambda *_: None)
        self.backend, self.suspend, self.resume = assemble(
            Cloud(Configuration(state_dir=state_dir, **settings), clock),
            self.door.clients_for,
            permissions,
            self._changed,
        )
        self.door.backend = self.backend
        self.states = self.door.client("stepfunctions", "user")
        self.resume()

    def _changed(self, execution: Any, handed_on: Callable[[], None]) -> None:
        self.events.append((execution.subject.name, execution.status))
        if self.bus_answers:
            handed_on()

    def create(self, states: dict[str, Any], start: str | None = None, name: str = "machine", **top: Any) -> str:
        definition = {"QueryLanguage": "JSONata", "StartAt": start or next(iter(states)), "States": states, **top}
        answer = self.states.create_state_machine(name=name, definition=json.dumps(definition), roleArn=ROLE)
        return answer["stateMachineArn"]

    def start(self, machine: str, given: Any = None, name: str | None = None) -> str:
        named = {"name": name} if name else {}
        answer = self.states.start_execution(stateMachineArn=machine, input=json.dumps(given or {}), **named)
        return answer["executionArn"]

    def run(self, states: dict[str, Any], given: Any = None, **top: Any) -> dict[str, Any]:
        return self.ended(self.start(self.create(states, name=f"machine-{time.monotonic_ns()}", **top), given))

    def ended(self, arn: str) -> dict[str, Any]:
        self.until(lambda: self.describe(arn)["status"] != "RUNNING")
        described = self.describe(arn)
        if "output" in described:
            described["output"] = json.loads(described["output"])
        return described

    def describe(self, arn: str) -> dict[str, Any]:
        return self.states.describe_execution(executionArn=arn)

    def history(self, arn: str) -> list[dict[str, Any]]:
        return self.states.get_execution_history(executionArn=arn, maxResults=1000)["events"]

    def kinds(self, arn: str) -> list[str]:
        return [event["type"] for event in self.history(arn)]

    def until_event(self, arn: str, kind: str, times: int = 1) -> None:
        self.until(lambda: self.kinds(arn).count(kind) >= times)

    def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)

    def until(self, condition: Callable[[], Any], seconds: float = 20.0) -> Any:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := condition():
                return found
            time.sleep(0.005)
        raise AssertionError("it did not happen in time")

    def restarted(self, later_seconds: float = 0.0) -> "StatesCloud":
        """The process ends here and now, and another one starts with what is on the disk."""
        self.suspend()
        return StatesCloud(self.state_dir, Clock(start=self.clock.now() + later_seconds), self.door)


@pytest.fixture
def cloud() -> Iterator[StatesCloud]:
    made = StatesCloud(None, Clock(start=START))
    yield made
    made.suspend()


@pytest.fixture
def durable(tmp_path: Path) -> StatesCloud:
    return StatesCloud(tmp_path, Clock(start=START))


@pytest.fixture(autouse=True)
def no_fault_in_a_thread(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An execution runs on a thread of its own, where a fault would go unseen."""
    seen: list[str] = []
    monkeypatch.setattr(threading, "excepthook", lambda given: seen.append(repr(given.exc_value)))
    yield
    assert not seen
