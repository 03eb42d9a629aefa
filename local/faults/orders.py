"""What people and tests write to plan a fault, as JSON; everything that is no order is refused."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from local.faults.plan import (
    CAPACITY_ERROR,
    AwsError,
    CallEffect,
    CallFault,
    Fault,
    ServingFault,
    StateFault,
    TrainingFault,
)

Json = dict[str, Any]

# As long as SageMaker waits for a model's answer.
_LONGEST_DELAY_SECONDS: Final = 60
_ACTION: Final = re.compile(r"[a-z0-9-]+:[A-Za-z0-9]+")
_CODE: Final = re.compile(r"[A-Za-z][A-Za-z0-9.]*")
_WAYS: Final = (
    '{"action": "cloudformation:ExecuteChangeSet", "effect": …} for a call, {"state_machine": …, "state": …} for the '
    'end of the cloud at a state, {"training_job": …} for a training job without capacity, or {"artefact": …} for a '
    "model that misbehaves"
)


class InvalidOrder(ValueError):
    """A fault that cannot be planned; the message says what would be right."""


@dataclass(frozen=True)
class Order:
    """A fault, and which of its occasions meet it; ``hits`` None is all after the first ``pass_first``."""

    fault: Fault
    pass_first: int
    hits: int | None


def read_file(path: Path) -> list[Order]:
    """The orders of a JSON list. Raises InvalidOrder, and OSError when the file cannot be read."""
    try:
        orders = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as fault:
        raise InvalidOrder(f"FAULTS_FILE {path} is no JSON: {fault}") from fault
    if not isinstance(orders, list) or not all(isinstance(order, dict) for order in orders):
        raise InvalidOrder(f"FAULTS_FILE {path} must be a list of faults as /_cloud/faults takes them")
    return [read(order) for order in orders]


def read(order: Json) -> Order:
    """Raises InvalidOrder."""
    rest = dict(order)
    pass_first = _count(rest, "pass_first", 0, least=0)
    # A model that misbehaves does so at every request, unless it is said otherwise.
    hits = None if "artefact" in rest and "hits" not in rest else _count(rest, "hits", 1, least=1)
    if "action" in rest:
        fault: Fault = _call_fault(rest)
    elif "state" in rest:
        fault = StateFault(_text(rest, "state_machine"), _text(rest, "state"))
    elif "training_job" in rest:
        reason, instance_type = _text(rest, "failure_reason", CAPACITY_ERROR), _text(rest, "instance_type", "")
        fault = TrainingFault(_text(rest, "training_job"), reason, instance_type)
    elif "artefact" in rest:
        fault = _serving_fault(rest)
    else:
        raise InvalidOrder(f"Say where the fault is: {_WAYS}")
    if rest:
        raise InvalidOrder(f"A {type(fault).__name__} has no {', '.join(sorted(rest))}")
    return Order(fault, pass_first, hits)


def _call_fault(rest: Json) -> CallFault:
    action = _text(rest, "action")
    if not _ACTION.fullmatch(action):
        raise InvalidOrder(f"action is {action!r}; write it as /_cloud/decisions does, such as s3:GetObject")
    wanted = _text(rest, "effect")
    if wanted not in list(CallEffect):
        raise InvalidOrder(f"effect is {wanted!r}; it must be one of {', '.join(CallEffect)}")
    effect = CallEffect(wanted)
    if (effect is CallEffect.ERROR) != ("error" in rest):
        raise InvalidOrder(
            'The effect "error" needs {"error": {"code", "status", "message"}}, and no other effect has it'
        )
    error = _error(rest.pop("error")) if effect is CallEffect.ERROR else None
    where = {name: _text(rest, name, "") for name in ("principal", "resource", "body", "state_machine", "state")}
    return CallFault(action, effect, error, **where)


def _serving_fault(rest: Json) -> ServingFault:
    artefact, endpoint = _text(rest, "artefact"), _text(rest, "endpoint", "")
    wrongs = rest.keys() & {"status", "delay_seconds", "answer", "crash"}
    if not wrongs or ("crash" in wrongs and len(wrongs) > 1):
        raise InvalidOrder(
            'A model\'s fault is any of {"status": 500}, {"delay_seconds": 0.8} and {"answer": "…"}, or {"crash": true}'
        )
    if "crash" in wrongs and rest.pop("crash") is not True:
        raise InvalidOrder("crash must be true, or not there")
    status = rest.pop("status", 0)
    if "status" in wrongs and (type(status) is not int or not 400 <= status <= 599):
        raise InvalidOrder(f"status is {status!r}; it must be a whole number from 400 to 599")
    delay = rest.pop("delay_seconds", 0.0)
    if type(delay) not in (int, float) or not 0 <= delay <= _LONGEST_DELAY_SECONDS:
        raise InvalidOrder(f"delay_seconds is {delay!r}; it must be a number from 0 to {_LONGEST_DELAY_SECONDS}")
    answer = _text(rest, "answer", "") if "answer" in wrongs else None
    return ServingFault(artefact, endpoint, status, float(delay), answer, "crash" in wrongs)


def _error(order: Any) -> AwsError:
    if not isinstance(order, dict) or order.keys() != {"code", "status", "message"}:
        raise InvalidOrder('error must be {"code": "ThrottlingException", "status": 400, "message": "Rate exceeded"}')
    code, status, message = order["code"], order["status"], order["message"]
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        raise InvalidOrder(f"error.code is {code!r}; it must be a name such as ThrottlingException")
    if type(status) is not int or not 400 <= status <= 599:
        raise InvalidOrder(f"error.status is {status!r}; it must be a whole number from 400 to 599")
    if not isinstance(message, str) or not message:
        raise InvalidOrder(f"error.message is {message!r}; it must be a text with something in it")
    return AwsError(code, status, message)


def _text(rest: Json, name: str, default: str | None = None) -> str:
    value = rest.pop(name, default)
    if not isinstance(value, str) or (default is None and not value):
        raise InvalidOrder(f"{name} is {value!r}; it must be a text" + (" with something in it" if not default else ""))
    return value


def _count(rest: Json, name: str, default: int, *, least: int) -> int:
    value = rest.pop(name, default)
    if type(value) is not int or value < least:
        raise InvalidOrder(f"{name} is {value!r}; it must be a whole number from {least} on")
    return value
