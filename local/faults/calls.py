"""A call on its way through the front door, and what befalls it when a fault is planned for it."""

import asyncio
import contextlib
import contextvars
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from local.faults import origin
from local.faults.plan import CallEffect, CallFault, FaultPlan, Task
from local.faults.process import kill_cloud
from local.faults.wire import broken_connection, send_error

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_AFTER = frozenset({CallEffect.LOST_REPLY, CallEffect.KILL_AFTER_CALL})


class FaultMet(Exception):
    """Ends a call before it is carried out."""

    def __init__(self, fault: CallFault, service: str) -> None:
        super().__init__(f"{fault.action}: {fault.effect}")
        self.fault = fault
        self.service = service


class CallInFlight:
    """One request from its arrival to its answer."""

    def __init__(self, plan: FaultPlan, task: Task | None) -> None:
        self.task = task
        self.principal = ""
        self.resource = ""
        self.action = ""
        self.body = bytearray()
        self._plan = plan
        self._send: Send | None = None
        self._after: CallFault | None = None
        self._answered = False
        self._lost = False

    def authorised(self, principal: str, action: str, resource: str, service: str) -> None:
        """IAM has allowed it; asked for each action that a call takes. Raises FaultMet."""
        if self._answered or self._after is not None:
            return  # what its background work asks for is not this call
        if action == self.action:
            return  # the next part of a transaction: one call, one occasion
        self.principal, self.action, self.resource = principal, action, resource
        fault = self._plan.of_call(self)
        if fault is not None and fault.effect in _AFTER:
            self._after = fault
        elif fault is not None:
            raise FaultMet(fault, service)

    def reading(self, receive: Receive) -> Receive:
        """Keep the body while the front door reads it."""

        async def read() -> dict[str, Any]:
            message = await receive()
            if message["type"] == "http.request":
                self.body += message.get("body", b"")
            return message

        return read

    def answering(self, send: Send) -> Send:
        """Let the answer pass, or have what is planned for after the call happen instead."""

        async def answer(message: dict[str, Any]) -> None:
            self._answered = True
            if self._after is not None and not self._lost:
                self._lost = True
                if self._after.effect is CallEffect.KILL_AFTER_CALL:
                    kill_cloud(self._after)
                await broken_connection(send)
            if not self._lost:
                await send(message)

        return answer


_in_flight: contextvars.ContextVar[CallInFlight | None] = contextvars.ContextVar("call_in_flight", default=None)


def in_flight() -> CallInFlight | None:
    """The call that is being answered here, when a fault may meet it."""
    return _in_flight.get()


@contextlib.contextmanager
def aside() -> Iterator[None]:
    """What is authorised within is no call of its own, and no part of the one in flight."""
    before = _in_flight.set(None)
    try:
        yield
    finally:
        _in_flight.reset(before)


async def serve(application: Application, plan: FaultPlan, scope: Scope, receive: Receive, send: Send) -> None:
    """Have the application answer one request, with what is planned to go wrong."""
    call = CallInFlight(plan, origin.read(scope["headers"]))
    before = _in_flight.set(call)
    try:
        await application(scope, call.reading(receive), call.answering(send))
    except FaultMet as met:
        await _befall(met, plan, receive, send)
    finally:
        _in_flight.reset(before)


async def _befall(met: FaultMet, plan: FaultPlan, receive: Receive, send: Send) -> None:
    match met.fault.effect:
        case CallEffect.KILL_BEFORE_CALL:
            kill_cloud(met.fault)
        case CallEffect.ERROR:
            assert met.fault.error is not None
            await send_error(send, met.service, met.fault.error)
        case CallEffect.HANG:
            await _left_or_cleared(plan, receive)
            await broken_connection(send)
        case _:
            await broken_connection(send)


async def _left_or_cleared(plan: FaultPlan, receive: Receive) -> None:
    """Wait until the caller has gone, or the plan is cleared."""
    loop, cleared = asyncio.get_running_loop(), asyncio.Event()
    plan.when_cleared(lambda: loop.call_soon_threadsafe(cleared.set))
    waits = {asyncio.ensure_future(cleared.wait()), asyncio.ensure_future(_left(receive))}
    _, unfinished = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in unfinished:
        wait.cancel()


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
