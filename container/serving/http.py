"""HTTP's messages as plain values."""

from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import Final

PLAIN: Final = "text/plain"


@dataclass(slots=True)
class Request:
    """A whole request, as it was sent. Header fields are None where there were none."""

    method: bytes
    target: bytes
    content_type: bytes | None = None
    accept: bytes | None = None
    content_encoding: bytes | None = None
    body: bytes = b""


@dataclass(slots=True)
class Response:
    """What is sent back; `media` is the body's content type, `fields` are more header fields, with their line ends."""

    status: HTTPStatus
    body: bytes = b""
    media: str = PLAIN
    fields: bytes = b""

    def render(self, date: bytes, *, keep_alive: bool, with_body: bool = True) -> bytes:
        """The bytes of the message; `date` is the Date field with its line end."""
        head = _head(self.status, self.media)
        close = b"" if keep_alive else b"connection: close\r\n"
        body = self.body if with_body else b""
        return b"%b%b%b%bcontent-length: %d\r\n\r\n%b" % (head, date, close, self.fields, len(self.body), body)


@cache
def _head(status: HTTPStatus, media: str) -> bytes:
    """Media types are the application's own, so there are few."""
    return f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: {media}\r\n".encode("latin-1")
