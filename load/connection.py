"""One connection to the endpoint, with one request on its way at a time."""

import asyncio
from dataclasses import dataclass
from typing import Protocol, cast

from httptools import HttpParserError, HttpResponseParser

_VARIANT = b"x-amzn-invoked-production-variant"
_ERROR_TYPE = b"x-amzn-errortype"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    body: bytes
    variant: str
    error_type: str


class Keeper(Protocol):
    """Who holds the connections."""

    def answered(self, connection: "Connection", answer: Answer) -> None:
        """The request on this connection was answered; it may take another one, unless it is closed."""

    def lost(self, connection: "Connection", fault: Exception | None) -> None:
        """The connection is gone, with whatever was on its way."""


class Connection(asyncio.Protocol):
    """HTTP/1.1, kept alive."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self._transport: asyncio.Transport | None = None
        self._fault: Exception | None = None
        self._parser = HttpResponseParser(self)
        self._begin()

    @property
    def usable(self) -> bool:
        """Whether it can take a request."""
        return self._transport is not None and not self._transport.is_closing()

    def send(self, request: bytes) -> None:
        """Send one; it must be usable and free."""
        assert self._transport is not None  # noqa: S101 -- for the type: usable says so
        self._transport.write(request)

    def abort(self) -> None:
        """Close it without a word."""
        if self._transport is not None:
            self._transport.abort()

    # What asyncio calls.
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is there."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Some of an answer; what is no HTTP ends the connection."""
        try:
            self._parser.feed_data(data)
        except HttpParserError as fault:
            self._fault = fault
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self._transport = None
        self._keeper.lost(self, exc or self._fault)

    # What the parser calls.
    def on_header(self, name: bytes, value: bytes) -> None:
        """Two of them matter."""
        lower = name.lower()
        if lower == _VARIANT:
            self._variant = value.decode("latin-1")
        elif lower == _ERROR_TYPE:
            self._error_type = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        """A piece of it."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """The whole answer is there."""
        status, stays = self._parser.get_status_code(), self._parser.should_keep_alive()
        if status < 200:  # an interim answer, such as 100: the real one follows
            return
        answer = Answer(status, b"".join(self._body), self._variant, self._error_type)
        self._begin()
        if not stays and self._transport is not None:
            self._transport.close()
        self._keeper.answered(self, answer)

    def _begin(self) -> None:
        self._body: list[bytes] = []
        self._variant = self._error_type = ""
