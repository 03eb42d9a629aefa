"""One client's connection: bytes become requests, responses become bytes.

A worker has one thread for all its connections, so nothing here waits. What a client does not send or does not fetch
costs memory that is bounded and time that ends.
"""

import asyncio
from collections import deque
from enum import Enum
from http import HTTPStatus
from typing import Final, Protocol

import httptools

from container.serving.heads import KnownHeads
from container.serving.http import Request, Response

MAXIMUM_BODY_BYTES: Final = 6 * 1024**2
"""What InvokeEndpoint accepts ("Amazon SageMaker AI endpoints and quotas")."""
MAXIMUM_HEAD_BYTES: Final = 64 * 1024
# Of a body that is too large so much is read and forgotten. To close while bytes arrive would reset the connection, and
# the client would not get to see why.
_FORGOTTEN_BYTES: Final = 8 * MAXIMUM_BODY_BYTES
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class State(Enum):
    """Where a connection stands."""

    IDLE = "no request has begun"
    READING = "a request has begun and is not complete"
    WORKING = "a request is being answered elsewhere"
    LEAVING = "the last answer is out; what still comes is forgotten, until the client has closed too"


class Host(Protocol):
    """What a connection needs of its worker."""

    draining: bool
    """Whether every answer is the last of its connection."""
    heads: KnownHeads
    """Those that its connections have seen."""

    def opened(self, connection: "Connection") -> None:
        """It is there."""

    def closed(self, connection: "Connection") -> None:
        """It is gone."""

    def respond(self, request: Request, connection: "Connection") -> Response | None:
        """The response; None when it comes later, to `Connection.answer`."""

    def arrived(self, connection: "Connection", size: int) -> None:
        """So many bytes of an incomplete body are there; none: it is complete, or given up."""

    def refused(self, status: HTTPStatus) -> None:
        """What was no request has been answered."""

    def now(self) -> float:
        """Seconds of a monotonic clock."""

    def date(self) -> bytes:
        """The Date field, with its line end."""


class Connection(asyncio.Protocol):
    """HTTP/1.1 with keep-alive and pipelining; answers leave in the order of their requests."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport
        self.state = State.IDLE
        self.since = 0.0
        """When `state` was entered, by the host's clock."""
        self.stalled_since: float | None = None
        """Since when the client has not fetched what was written."""
        self._queue: deque[tuple[Request | Response, bool]] = deque()
        """What came while a request was worked on, each with whether the connection is kept after it."""
        self._keep_alive = True
        """Whether it is kept after the request that is worked on."""
        self._client_ended = False
        """Whether the client has said that it sends no more."""
        self._number = 0
        self._begun = False
        self._in_head = False
        self._head_bytes = 0
        self._parts: list[bytes] = []
        self._missing = 0
        """How many bytes of a body are still to come, where its length is known."""
        self._last: Request | None = None
        """The request that was completed by the bytes that are being read, if its head may be remembered."""
        self._counted = False
        """Whether the host has been told of this body."""
        self._held = False
        """Whether the host wants nothing read for now."""

    # --- What the transport calls (asyncio.Protocol).

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is there."""
        self._transport = transport  # type: ignore[assignment]
        self.since = self._host.now()
        self._host.opened(self)

    def connection_lost(self, _fault: Exception | None) -> None:
        """The connection is gone, whoever closed it."""
        self._enter(State.LEAVING)
        self._forget_body()
        self._queue.clear()
        self._host.closed(self)

    def data_received(self, data: bytes) -> None:
        """Bytes of requests, cut anywhere."""
        if self._missing:
            data = self._read_body(data)
        if data:
            self._read(data)

    def _read(self, data: bytes) -> None:
        if self.state is State.LEAVING:
            return
        idle = self.state is State.IDLE
        if idle and (known := self._host.heads.find(data)):
            self._take(known, keep_alive=True)
            if self.state is State.IDLE:
                self.since = self._host.now()
            return
        in_head, number = self._in_head, self._number
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # see on_message_complete
        except httptools.HttpParserError:
            self._refuse(HTTPStatus.BAD_REQUEST, "this is not HTTP/1.1")
        else:
            if self._parts:
                self._expect_body()
            elif in_head and self._in_head and number == self._number:
                self._count_head(len(data))
            elif idle and self._last is not None and self._number == number + 1:
                self._host.heads.learn(data, self._last)
        self._last = None  # a connection that waits for the next request holds nothing of this one

    def _expect_body(self) -> None:
        """A part of a body is there. Of what still comes the parser has nothing to find out, and would copy it."""
        self._count_body()
        if b"transfer-encoding" not in self._fields:
            self._missing = self._announced() - self._body_bytes

    def _read_body(self, data: bytes) -> bytes:
        """Returns what is not of this body."""
        part, rest = data[: self._missing], data[self._missing :]
        self._missing -= len(part)
        self.on_body(part)
        if self._missing:
            self._count_body()
        else:
            self.on_message_complete()
            self._last = None
            self._parser = httptools.HttpRequestParser(self)
        return rest

    def eof_received(self) -> bool:
        """The client sends no more. Whether the connection stays, for an answer that is still to come."""
        self._client_ended = True
        return self.state is State.WORKING

    def pause_writing(self) -> None:
        """The client does not fetch its answers. Until it does nothing is read from it."""
        self.stalled_since = self._host.now()
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """It fetches them again."""
        self.stalled_since = None
        self._read_on()

    # --- What the parser calls (httptools). An exception would be lost in it, so none is raised.

    def on_message_begin(self) -> None:
        """Another request."""
        if self.state is State.IDLE:
            self._enter(State.READING)
        self._number += 1
        self._begun = self._in_head = True
        self._head_bytes = self._body_bytes = 0
        self._target = b""
        self._fields: dict[bytes, bytes] = {}
        self._refused = False

    def on_url(self, part: bytes) -> None:
        """The request's target, perhaps in parts."""
        self._target += part

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header field; what comes twice is a list (RFC 9110, 5.3)."""
        name = name.lower()
        fields = self._fields
        fields[name] = value if name not in fields else fields[name] + b", " + value

    def on_headers_complete(self) -> None:
        """The head is there; what is too large is refused before it is sent."""
        self._in_head = False
        expects = b"expect" in self._fields and self._fields[b"expect"].lower() == b"100-continue"
        if self._announced() > MAXIMUM_BODY_BYTES:
            self._refuse_body(keep_alive=not expects)
        elif expects:
            self._transport.write(_CONTINUE)

    def on_body(self, part: bytes) -> None:
        """A part of the body."""
        self._body_bytes += len(part)
        if self._refused:
            if self._body_bytes > _FORGOTTEN_BYTES:
                self.abort()
        elif self._body_bytes > MAXIMUM_BODY_BYTES:
            self._refuse_body(keep_alive=True)
        else:
            self._parts.append(part)

    def on_message_complete(self) -> None:
        """The request is complete."""
        self._begun = False
        if not self._refused:
            if self._parser.should_upgrade():
                self._take_upgrade()
            else:
                request, keeps = self._request(), self._keeps()
                self._last = request if keeps and self._is_usual() else None
                self._take(request, keep_alive=keeps)
        if self.state is State.READING:
            self._enter(State.IDLE)

    def _request(self) -> Request:
        fields, parts = self._fields, self._parts
        body = parts[0] if len(parts) == 1 else b"".join(parts)
        self._forget_body()
        return Request(
            self._parser.get_method(),
            self._target,
            fields.get(b"content-type"),
            fields.get(b"accept"),
            fields.get(b"content-encoding"),
            body,
        )

    def _take_upgrade(self) -> None:
        # The parser takes a body for the other protocol's. Without one the request is answered as if it had not asked
        # for another.
        if self._announced():
            self._refuse(HTTPStatus.BAD_REQUEST, "there is only HTTP/1.1 here; send the body without an Upgrade")
        else:
            self._take(self._request(), keep_alive=False)

    def _announced(self) -> int:
        # The parser has refused what is no number.
        return int(self._fields.get(b"content-length", b"0"))

    def _is_usual(self) -> bool:
        """Whether another request with this head could be told by its bytes alone."""
        fields = self._fields
        return b"transfer-encoding" not in fields and b"expect" not in fields

    def _keeps(self) -> bool:
        """Whether the client keeps the connection. One of HTTP/1.0 that does has to say so, and is not obliged."""
        if not self._parser.should_keep_alive():
            return False
        return b"connection" not in self._fields or self._parser.get_http_version() == "1.1"

    # --- Answers.

    def answer(self, response: Response) -> None:
        """The response to the request that is worked on elsewhere."""
        if self.state is not State.WORKING:  # the client has gone meanwhile
            return
        self._enter(State.IDLE)
        self._write(response, keep_alive=self._keep_alive)
        while self._queue and self.state not in (State.WORKING, State.LEAVING):
            message, keep_alive = self._queue.popleft()
            self._take(message, keep_alive=keep_alive)
        if self.state in (State.WORKING, State.LEAVING):
            return
        if self._client_ended:
            self.close()
            return
        if self._begun:
            self._enter(State.READING)
        self._read_on()

    def time_out(self) -> None:
        """Refuse the request that has begun and does not end."""
        self._refuse(HTTPStatus.REQUEST_TIMEOUT, "the request was not complete in time")

    def hold(self) -> None:
        """Read nothing for now."""
        self._held = True
        self._transport.pause_reading()

    def release(self) -> None:
        """Read on, as far as the host is concerned."""
        self._held = False
        self._read_on()

    def close(self) -> None:
        """Close it once what was written is out."""
        self._transport.close()

    def abort(self) -> None:
        """Close it at once."""
        self._transport.abort()

    def _read_on(self) -> None:
        """Unless there is a reason not to."""
        reasons = self._held or self.state is State.WORKING or self.stalled_since is not None
        if not reasons and not self._transport.is_closing():
            self._transport.resume_reading()

    def _take(self, message: Request | Response, *, keep_alive: bool) -> None:
        """Answer it, or put it in the queue behind what is worked on."""
        if self.state is State.WORKING:
            self._queue.append((message, keep_alive))
            return
        if self.state is State.LEAVING:
            return
        response = message if isinstance(message, Response) else self._host.respond(message, self)
        if response is None:
            self._keep_alive = keep_alive
            self._enter(State.WORKING)
            self._transport.pause_reading()
        else:
            self._write(response, keep_alive=keep_alive, with_body=not self._is_head(message))

    def _write(self, response: Response, *, keep_alive: bool, with_body: bool = True) -> None:
        kept = keep_alive and not self._host.draining
        self._transport.write(response.render(self._host.date(), keep_alive=kept, with_body=with_body))
        if not kept:
            self._leave()

    @staticmethod
    def _is_head(message: Request | Response) -> bool:
        return isinstance(message, Request) and message.method == b"HEAD"

    def _count_head(self, count: int) -> None:
        # The parser keeps a field until its end, however long it is.
        self._head_bytes += count
        if self._head_bytes > MAXIMUM_HEAD_BYTES:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"more than {MAXIMUM_HEAD_BYTES} bytes of header")

    def _count_body(self) -> None:
        """Of a body that is not complete: a whole one is answered before anybody else gets to say anything."""
        self._counted = True
        self._host.arrived(self, self._body_bytes)

    def _refuse_body(self, *, keep_alive: bool) -> None:
        self._forget_body()
        self._refused = True
        self._host.refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        self._take(_TOO_LARGE, keep_alive=keep_alive)

    def _refuse(self, status: HTTPStatus, reason: str) -> None:
        """Answer what is no request, or none that will be complete, and leave."""
        self._refused = True
        self._host.refused(status)
        self._take(Response(status, reason.encode()), keep_alive=False)

    def _forget_body(self) -> None:
        self._parts = []
        self._missing = 0
        if self._counted:
            self._counted = False
            self._host.arrived(self, 0)

    def _leave(self) -> None:
        """Say that nothing more comes, and wait for the client to do the same.

        To close at once would reset the connection when bytes of the client are still on their way, and the last answer
        might be lost with it.
        """
        self._enter(State.LEAVING)
        self._forget_body()
        if self._client_ended:
            self._transport.close()
        elif self._transport.can_write_eof():
            self._transport.write_eof()

    def _enter(self, state: State) -> None:
        self.state = state
        self.since = self._host.now()


_TOO_LARGE: Final = Response(
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body is larger than {MAXIMUM_BODY_BYTES} bytes; send fewer rows".encode()
)
