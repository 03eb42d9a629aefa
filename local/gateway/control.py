"""The cloud's own pages under ``/_cloud/``: health, clock, mails, IAM decisions, faults, and what parts add.

Loopback only.
"""

import json
import os
import threading
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

from local.configuration import InvalidConfiguration, time_factor
from local.context import Cloud
from local.faults.orders import InvalidOrder, read
from local.gateway.decisions import KEPT_DECISIONS, DecisionLog
from local.gateway.mails import captured_mails

PREFIX = "/_cloud/"
_MAX_BODY_BYTES = 65_536

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Page = tuple[int, dict[str, Any]]


class Refused(ValueError):
    """A request to a control page that cannot be followed; the message says what would be right."""


class ControlPages:
    """Answers ``/_cloud/*`` as JSON."""

    def __init__(self, cloud: Cloud, decisions: DecisionLog, ready: threading.Event) -> None:
        self._cloud = cloud
        self._ready = ready
        self._decisions = decisions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method, page = scope["method"], scope["path"].removeprefix(PREFIX)
        query = {name: values[-1] for name, values in parse_qs(scope.get("query_string", b"").decode()).items()}
        try:
            status, answer = self._answer(method, page, query, await _body(receive))
        except (Refused, InvalidConfiguration, InvalidOrder) as refused:
            status, answer = 400, {"message": str(refused)}
        await _send_json(send, status, answer)

    def _answer(self, method: str, page: str, query: Mapping[str, str], body: bytes) -> Page:
        if method == "GET" and page == "health":
            return (200 if self._ready.is_set() else 503), self._health()
        pages: dict[tuple[str, str], Callable[[], dict[str, Any]]] = {
            **{("GET", name): shown for name, shown in self._cloud.pages.items()},
            ("GET", "clock"): self._clock,
            ("POST", "clock"): lambda: self._set_clock(body),
            ("GET", "mails"): lambda: {"mails": captured_mails()},
            ("GET", "decisions"): lambda: self._found_decisions(query),
            ("GET", "faults"): self._faults,
            ("POST", "faults"): lambda: self._plan_fault(body),
            ("DELETE", "faults"): self._clear_faults,
        }
        if shown := pages.get((method, page)):
            return 200, shown()
        return 404, {"message": f"No such page: {method} {PREFIX}{page}"}

    def _health(self) -> dict[str, Any]:
        configuration = self._cloud.configuration
        return {
            "status": "ready" if self._ready.is_set() else "starting",
            "pid": os.getpid(),
            "endpoint": configuration.endpoint,
            "region": configuration.region,
            "account": configuration.account,
            "state_dir": str(configuration.state_dir) if configuration.state_dir else None,
        }

    def _clock(self) -> dict[str, Any]:
        clock = self._cloud.clock
        return {"now": clock.now(), "time": clock.datetime().isoformat(), "factor": clock.factor}

    def _set_clock(self, body: bytes) -> dict[str, Any]:
        wanted = _json_object(body)
        if not wanted or not wanted.keys() <= {"advance_seconds", "factor"}:
            raise Refused('Send {"advance_seconds": n} or {"factor": f}')
        if "factor" in wanted:
            self._cloud.clock.set_factor(time_factor(wanted["factor"]))
        if "advance_seconds" in wanted:
            try:
                self._cloud.clock.advance(float(wanted["advance_seconds"]))
            except (TypeError, ValueError) as error:
                raise Refused(f"advance_seconds: {error}") from error
        return self._clock()

    def _faults(self) -> dict[str, Any]:
        return {"faults": self._cloud.faults.listed()}

    def _plan_fault(self, body: bytes) -> dict[str, Any]:
        order = read(_json_object(body))
        self._cloud.faults.add(order.fault, pass_first=order.pass_first, hits=order.hits)
        return self._faults()

    def _clear_faults(self) -> dict[str, Any]:
        self._cloud.faults.clear()
        return self._faults()

    def _found_decisions(self, query: Mapping[str, str]) -> dict[str, Any]:
        limit, after = query.get("limit", str(KEPT_DECISIONS)), query.get("after", "0")
        if not limit.isdigit() or not after.isdigit():
            raise Refused("limit and after must be whole numbers")
        allowed = {"true": True, "false": False}.get(query.get("allowed", ""))
        found = self._decisions.find(
            role=query.get("role", ""),
            action=query.get("action", ""),
            allowed=allowed,
            after=int(after),
            limit=int(limit) or 1,
        )
        return {"total": self._decisions.total, "decisions": found}


async def _body(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += bytes(message.get("body", b""))
        if len(body) > _MAX_BODY_BYTES:
            raise Refused(f"The body may have at most {_MAX_BODY_BYTES} bytes")
        if not message.get("more_body", False):
            return body


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(body)
    except ValueError as error:
        raise Refused(f"The body is not JSON: {error}") from error
    if not isinstance(parsed, dict):
        raise Refused("The body must be a JSON object")
    return parsed


async def _send_json(send: Send, status: int, answer: dict[str, Any]) -> None:
    body = json.dumps(answer).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
