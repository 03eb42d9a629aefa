"""What the generator's process is told, as JSON lines: first everything, then new credentials, or to stop."""

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from load.schedule import Level, Schedule, Stretch
from load.signing import Credentials

Plan = Schedule | Level


@dataclass(frozen=True)
class AskedQuestion:
    """A question as it goes over the wire."""

    headers: dict[str, str]
    body: str
    answers: Sequence[str] | None


@dataclass(frozen=True)
class Order:
    """One traffic."""

    url: str
    path: str
    region: str
    certificates: str
    questions: Sequence[AskedQuestion]
    plan: Plan
    timeout_seconds: float
    most_connections: int


def write_order(given: Order) -> str:
    """As one line."""
    return json.dumps(dataclasses.asdict(given))


def read_order(line: str) -> Order:
    """Of a line."""
    told: dict[str, Any] = json.loads(line)
    plan = told.pop("plan")
    questions = [AskedQuestion(**each) for each in told.pop("questions")]
    return Order(questions=questions, plan=_plan(plan), **told)


def write_credentials(credentials: Credentials) -> str:
    """As one line."""
    return json.dumps(dataclasses.asdict(credentials))


def read_credentials(line: str) -> Credentials:
    """Of a line."""
    return Credentials(**json.loads(line))


def _plan(told: dict[str, Any]) -> Plan:
    if "threads" in told:
        return Level(**told)
    return Schedule(tuple(Stretch(**each) for each in told["stretches"]), told["seed"])
