"""One worker: an event loop, the connections that the supervisor hands over, and one thread for large requests."""

import asyncio
import contextlib
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from http import HTTPStatus
from typing import Final

from container.serving.application import Application
from container.serving.bodies import Bodies
from container.serving.connection import MAXIMUM_BODY_BYTES, Connection, State
from container.serving.heads import KnownHeads
from container.serving.http import Request, Response
from container.serving.log import Log, Tally

CONNECTION: Final = b"c"
"""On the channel: a client's socket comes with it."""
DRAIN: Final = b"d"
"""On the channel: from now on every answer is the last of its connection."""

_MOST_BODY_BYTES: Final = 8 * MAXIMUM_BODY_BYTES
_SWEEP_SECONDS: Final = 2.0
_DRAINING_SWEEP_SECONDS: Final = 0.25
# Longer than SageMaker's 60 seconds for a request, so that the server is never the first to close a connection in use.
_IDLE_SECONDS: Final = 75.0
_REQUEST_SECONDS: Final = 60.0
_STALLED_SECONDS: Final = 60.0
_LEAVING_SECONDS: Final = 5.0
_REFUSED_FROM: Final = int(HTTPStatus.BAD_REQUEST)
# So long a draining worker waits for the next request of a connection: it may be on its way.
_DRAINING_IDLE_SECONDS: Final = 1.0


class Worker:
    """Answers what arrives on its connections until the channel ends and all that had begun is done."""

    def __init__(
        self,
        application: Application,
        channel: socket.socket,
        loop: asyncio.AbstractEventLoop,
        most_connections: int,
        log: Log,
    ) -> None:
        self.draining = False
        self.heads = KnownHeads()
        self.now = loop.time
        self._application = application
        self._channel = channel
        self._loop = loop
        self._most_connections = most_connections
        self._refusals = Tally(log, loop.time)
        # What takes long is worked on here, so that /ping is answered meanwhile. One thread: more would only take
        # turns on the worker's core.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="large")
        self._connections: set[Connection] = set()
        self._arriving: set[asyncio.Task[object]] = set()
        self._bodies = Bodies(_MOST_BODY_BYTES)
        self._ended = False
        self._sweep: asyncio.TimerHandle | None = None
        self._second = 0
        self._date = b""

    def run(self) -> None:
        """Work until there is nothing left to do."""
        self._channel.settimeout(0)
        self._loop.add_reader(self._channel.fileno(), self._listen)
        self._loop.run_forever()
        self._refusals.tell(at_once=True)
        self._thread.shutdown()

    # --- What connections call.

    def opened(self, connection: Connection) -> None:
        """A connection is there."""
        if len(self._connections) >= self._most_connections:
            self._make_room()
        self._connections.add(connection)
        self._sweep_later()

    def closed(self, connection: Connection) -> None:
        """A connection is gone."""
        self._connections.discard(connection)
        self._stop_when_done()

    def respond(self, request: Request, connection: Connection) -> Response | None:
        """The response; None when it comes later."""
        if not self._application.takes_long(request):
            return self._counted(self._application.respond(request))

        size = len(request.body)

        def pass_on(done: "asyncio.Future[Response]") -> None:
            self._bodies.end(size)
            connection.answer(self._counted(done.result()))

        self._bodies.begin(size)
        self._loop.run_in_executor(self._thread, self._application.respond, request).add_done_callback(pass_on)
        return None

    def refused(self, status: HTTPStatus) -> None:
        """What was no request has been answered."""
        self._refusals.count(status)
        self._sweep_later()

    def arrived(self, connection: Connection, size: int) -> None:
        """So many bytes of an incomplete body are there; none: it is complete, or given up."""
        self._bodies.arrive(connection, size)

    def date(self) -> bytes:
        """The Date field, with its line end."""
        second = int(time.time())
        if second != self._second:
            self._second = second
            self._date = f"date: {formatdate(second, usegmt=True)}\r\n".encode()
        return self._date

    # --- What the supervisor says.

    def _listen(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while not self._ended:
                message, descriptors, _, _ = socket.recv_fds(self._channel, 1, 1)
                for descriptor in descriptors:
                    self._adopt(socket.socket(fileno=descriptor))
                if not message:
                    self._end()
                elif message == DRAIN:
                    self._drain()

    def _adopt(self, client: socket.socket) -> None:
        client.settimeout(0)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        arrival = self._loop.create_task(self._loop.connect_accepted_socket(lambda: Connection(self), client))
        self._arriving.add(arrival)
        arrival.add_done_callback(self._arrived)

    def _arrived(self, arrival: "asyncio.Task[object]") -> None:
        self._arriving.discard(arrival)
        arrival.exception()  # a client that has gone already is no fault
        self._stop_when_done()

    def _drain(self) -> None:
        self.draining = True
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        self._sweep_later()

    def _end(self) -> None:
        """The supervisor has closed the channel, or is dead: nothing more comes."""
        self._ended = True
        self._loop.remove_reader(self._channel.fileno())
        self._drain()
        self._stop_when_done()

    def _stop_when_done(self) -> None:
        if self._ended and not self._connections and not self._arriving:
            self._loop.stop()

    # --- Time.

    def _sweep_later(self) -> None:
        """Without connections nothing ticks: an idle worker takes no CPU."""
        if self._sweep is None and (self._connections or self._refusals.pending):
            seconds = _DRAINING_SWEEP_SECONDS if self.draining else _SWEEP_SECONDS
            self._sweep = self._loop.call_later(seconds, self._sweep_now)

    def _sweep_now(self) -> None:
        self._sweep = None
        for connection in list(self._connections):
            self._check(connection)
        self._refusals.tell()
        self._sweep_later()

    def _check(self, connection: Connection) -> None:
        now = self.now()
        passed = now - connection.since
        if connection.stalled_since is not None and now - connection.stalled_since > _STALLED_SECONDS:
            connection.abort()
        elif connection.state is State.IDLE and passed > (_DRAINING_IDLE_SECONDS if self.draining else _IDLE_SECONDS):
            connection.close()
        elif connection.state is State.READING and passed > _REQUEST_SECONDS:
            connection.time_out()
        elif connection.state is State.LEAVING and passed > (
            _DRAINING_IDLE_SECONDS if self.draining else _LEAVING_SECONDS
        ):
            connection.abort()

    def _make_room(self) -> None:
        """Close the connection that has waited longest, rather than turn the new one away."""
        waiting = [connection for connection in self._connections if connection.state is not State.WORKING]
        if waiting:
            min(waiting, key=lambda connection: connection.since).abort()

    def _counted(self, response: Response) -> Response:
        if response.status >= _REFUSED_FROM:
            self.refused(response.status)
        return response
