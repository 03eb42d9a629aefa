"""Asks the endpoint over as many connections as are needed, and judges what comes back. Nothing is asked again."""

import asyncio
import itertools
import ssl
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from load.connection import Answer, Connection
from load.tally import Tally

if TYPE_CHECKING:
    from load.signing import PreparedRequest

REFUSED, LOST, TIMED_OUT, WRONG = "connection refused", "connection lost", "timed out", "wrong answer"
_LOOKS_FOR_TIMEOUTS_EVERY_SECONDS = 0.05


@dataclass(frozen=True)
class Place:
    """Where connections lead to."""

    host: str
    port: int
    tls: ssl.SSLContext | None


@dataclass(slots=True)
class _Request:
    planned: float
    question: int
    done: Callable[[], None] | None


class Client:
    """``ask`` sends at once, or as soon as there is a connection: a stalled endpoint does not hold the next one up.

    ``right`` has the answers that are right for each question, None where any is. ``begun`` is the monotonic time from
    which planned times count. At ``most_connections``, requests wait for one, and the wait counts.
    """

    def __init__(
        self,
        place: Place,
        right: Sequence[frozenset[bytes] | None],
        tally: Tally,
        *,
        begun: float,
        timeout_seconds: float,
        most_connections: int,
    ) -> None:
        self.requests: Sequence[PreparedRequest] = ()
        self._place, self._right, self._tally = place, right, tally
        self._begun, self._timeout, self._most = begun, timeout_seconds, most_connections
        self._turns = itertools.cycle(range(len(right)))
        self._free: list[Connection] = []
        self._busy: dict[Connection, _Request] = {}
        self._waiting: deque[_Request] = deque()
        self._opening: set[asyncio.Task[None]] = set()
        self._closing = False

    @property
    def outstanding(self) -> int:
        """Requests that have not come to an end."""
        return len(self._busy) + len(self._waiting)

    def ask(self, planned: float, done: Callable[[], None] | None = None) -> None:
        """The next question, for a planned time; ``done`` is called when the request has come to an end."""
        late = max(time.monotonic() - self._begun - planned, 0.0)
        self._tally.sent(planned, late)
        request = _Request(planned, next(self._turns), done)
        while self._free:
            connection = self._free.pop()
            if connection.usable:
                self._send(connection, request)
                return
        self._waiting.append(request)
        self._open()

    async def watch(self) -> None:
        """Give up what takes too long; for ever."""
        while True:
            await asyncio.sleep(_LOOKS_FOR_TIMEOUTS_EVERY_SECONDS)
            oldest = time.monotonic() - self._begun - self._timeout
            while self._waiting and self._waiting[0].planned < oldest:
                self._fail(self._waiting.popleft(), TIMED_OUT, "no connection became free")
            for connection in [each for each, request in self._busy.items() if request.planned < oldest]:
                self._fail(self._busy.pop(connection), TIMED_OUT, "no answer")
                connection.abort()

    def close(self) -> None:
        """Give up what is on its way, and all connections."""
        self._closing = True
        for task in self._opening:
            task.cancel()
        while self._waiting:
            self._fail(self._waiting.popleft(), TIMED_OUT, "no connection until the end")
        for connection in [*self._busy, *self._free]:
            if request := self._busy.pop(connection, None):
                self._fail(request, TIMED_OUT, "no answer until the end")
            connection.abort()

    # What connections say.
    def answered(self, connection: Connection, answer: Answer) -> None:
        """As `Keeper` has it."""
        request = self._busy.pop(connection, None)
        if request is None:  # an answer that nobody asked for
            connection.abort()
            return
        if self._waiting and connection.usable:
            self._send(connection, self._waiting.popleft())
        elif connection.usable:
            self._free.append(connection)
        self._judge(request, answer)

    def lost(self, connection: Connection, fault: Exception | None) -> None:
        """As `Keeper` has it."""
        if request := self._busy.pop(connection, None):
            self._fail(request, LOST, str(fault or "closed by the other side before the answer"))
        elif connection in self._free:
            self._free.remove(connection)
        self._open()

    def _judge(self, request: _Request, answer: Answer) -> None:
        right = self._right[request.question]
        if answer.status != 200:
            kind = f"{answer.status} {answer.error_type.split(':')[0]}".strip()
            self._fail(request, kind, answer.body.decode(errors="replace"))
        elif right is not None and answer.body.strip() not in right:
            self._fail(request, WRONG, answer.body.decode(errors="replace"))
        else:
            self._tally.answered(request.planned, self._since(request), answer.variant)
            self._done(request)

    def _fail(self, request: _Request, kind: str, detail: str) -> None:
        self._tally.failed(request.planned, self._since(request), kind, detail, request.question)
        self._done(request)

    def _done(self, request: _Request) -> None:
        if request.done is not None and not self._closing:
            request.done()

    def _since(self, request: _Request) -> float:
        return max(time.monotonic() - self._begun - request.planned, 0.0)

    def _send(self, connection: Connection, request: _Request) -> None:
        self._busy[connection] = request
        connection.send(self.requests[request.question].at(time.time()))

    def _open(self) -> None:
        """One connection more, where those that are being opened are fewer than the requests that wait for one."""
        there = len(self._busy) + len(self._free) + len(self._opening)
        if not self._closing and len(self._opening) < len(self._waiting) and there < self._most:
            self._opening.add(asyncio.get_running_loop().create_task(self._connect()))

    async def _connect(self) -> None:
        connection = Connection(self)
        fault = await self._opened(connection)
        self._opening.discard(cast("asyncio.Task[None]", asyncio.current_task()))
        if fault is not None:
            if self._waiting:
                self._fail(self._waiting.popleft(), REFUSED, str(fault) or type(fault).__name__)
            self._open()
        elif self._waiting and connection.usable:
            self._send(connection, self._waiting.popleft())
        elif connection.usable:
            self._free.append(connection)

    async def _opened(self, connection: Connection) -> Exception | None:
        """What kept it from opening."""
        loop, place = asyncio.get_running_loop(), self._place
        try:
            async with asyncio.timeout(self._timeout):
                await loop.create_connection(lambda: connection, place.host, place.port, ssl=place.tls)
        except (OSError, TimeoutError) as fault:
            return fault
        return None
