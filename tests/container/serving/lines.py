"""A connection without a socket, with time that passes when it is told to."""

from collections.abc import Callable
from http import HTTPStatus

from container.serving.connection import Connection
from container.serving.heads import KnownHeads
from container.serving.http import Request, Response

LATER = b"/later"


class Wire:
    """In a transport's place."""

    def __init__(self) -> None:
        self.written = b""
        self.reading = True
        self.ended = self.closed = self.aborted = False

    def write(self, data: bytes) -> None:
        assert not self.ended
        self.written += data

    def write_eof(self) -> None:
        self.ended = True

    def can_write_eof(self) -> bool:
        return True

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def is_closing(self) -> bool:
        return self.closed or self.aborted

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.aborted = True


class Desk:
    """In a worker's place: answers what it is asked; what asks for `/later` waits."""

    def __init__(self, answer: Callable[[Request], Response]) -> None:
        self._answer = answer
        self.draining = False
        self.heads = KnownHeads()
        self.time = 0.0
        self.asked: list[Request] = []
        self.refusals: list[HTTPStatus] = []
        self.bytes = 0

    def opened(self, _connection: Connection) -> None: ...

    def closed(self, _connection: Connection) -> None: ...

    def respond(self, request: Request, _connection: Connection) -> Response | None:
        self.asked.append(request)
        return None if request.target == LATER else self._answer(request)

    def arrived(self, _connection: Connection, size: int) -> None:
        self.bytes = size

    def refused(self, status: HTTPStatus) -> None:
        self.refusals.append(status)

    def now(self) -> float:
        return self.time

    def date(self) -> bytes:
        return b"date: now\r\n"


def echo(request: Request) -> Response:
    return Response(HTTPStatus.OK, request.body or request.target)


class Line:
    """A client's end, and what is at the other."""

    def __init__(self, answer: Callable[[Request], Response] = echo, heads: KnownHeads | None = None) -> None:
        self.desk = Desk(answer)
        self.desk.heads = KnownHeads() if heads is None else heads
        self.wire = Wire()
        self.connection = Connection(self.desk)
        self.connection.connection_made(self.wire)  # type: ignore[arg-type]

    def send(self, data: bytes) -> bytes:
        """What comes back at once."""
        before = len(self.wire.written)
        self.connection.data_received(data)
        return self.wire.written[before:]
