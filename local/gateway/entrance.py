"""The ASGI application: perimeter, the cloud's own pages, then the emulator."""

import threading
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

from local.context import Cloud
from local.faults import calls
from local.gateway import deciding, perimeter
from local.gateway.control import PREFIX, ControlPages
from local.gateway.decisions import DecisionLog

Application = Callable[..., Awaitable[None]]


def application(cloud: Cloud, decisions: DecisionLog, ready: threading.Event) -> Application:
    """The front door of one cloud."""
    from ministack import app as emulator

    pages = ControlPages(cloud, decisions, ready)
    # Plain HTTP on loopback stands for TLS: policies that demand aws:SecureTransport must hold here too.
    pin = emulator.pin_request_origin
    emulator.pin_request_origin = lambda source_ip, _secure: pin(source_ip, True)

    async def enter(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            reason = perimeter.refusal(scope["path"], scope.get("headers", []))
            if reason is not None:
                await perimeter.refuse(send, reason)
                return
            if scope["path"].startswith(PREFIX):
                await pages(scope, receive, send)
                return
            call = f"{scope['method']} {scope['path']}"
            if cloud.faults.about_calls:
                served = calls.serve(emulator.app, cloud.faults, scope, receive, send)
            else:
                served = emulator.app(scope, receive, send)
            await deciding.watched(served, _access_key_id(scope), call, cloud.clock, decisions)
            return
        await emulator.app(scope, receive, send)

    return enter


def _access_key_id(scope: dict[str, Any]) -> str:
    from ministack.core.router import extract_access_key_id

    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope.get("headers", [])}
    return str(extract_access_key_id(headers, parse_qs(scope.get("query_string", b"").decode("latin-1"))))
