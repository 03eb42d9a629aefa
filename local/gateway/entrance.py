"""The ASGI application: perimeter, the cloud's own pages, then the emulator."""

import threading
from collections.abc import Awaitable, Callable
from typing import Any

from local.context import Cloud
from local.faults import calls
from local.gateway import perimeter
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
            if cloud.faults.about_calls:
                await calls.serve(emulator.app, cloud.faults, scope, receive, send)
                return
        await emulator.app(scope, receive, send)

    return enter
