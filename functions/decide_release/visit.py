"""One HTTP request to the function URL (payload format 2.0), read without trusting any of it."""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from approvals.links import LINK_CHARACTERS

# The form has four short fields; percent-encoding may triple a comment of 1,000 four-byte characters.
MAXIMUM_BODY_BYTES = 16 * 1024

_LINK_PATH = re.compile(rf"/([A-Za-z0-9_-]{{{LINK_CHARACTERS}}})", re.ASCII)


@dataclass(frozen=True)
class Visit:
    """`now` is the request's time in epoch seconds; `body` is None when it is too large or cannot be decoded."""

    method: str
    now: float
    content_type: str
    source: str
    """The visitor's address, as AWS saw it."""
    # These three let somebody act as the visitor, so they stay out of anything printed.
    link_id: str | None = field(repr=False)
    cookies: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(repr=False)

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> "Visit":
        """From the event of a function URL."""
        headers = {str(name).lower(): str(value) for name, value in (event.get("headers") or {}).items()}
        path = _LINK_PATH.fullmatch(str(event.get("rawPath", "")))
        return cls(
            method=str(event["requestContext"]["http"]["method"]).upper(),
            now=int(event["requestContext"]["timeEpoch"]) / 1000,
            source=str(event["requestContext"]["http"].get("sourceIp", "")),
            content_type=headers.get("content-type", ""),
            link_id=path[1] if path else None,
            cookies=_cookies(event.get("cookies") or headers.get("cookie", "").split(";")),
            body=_body(event),
        )


def is_visit(event: Mapping[str, Any]) -> bool:
    """Whether an event came through the function URL; callers of the URL cannot leave this part out."""
    context = event.get("requestContext")
    return isinstance(context, dict) and isinstance(context.get("http"), dict)


def _cookies(pairs: list[str]) -> dict[str, str]:
    split = (str(pair).partition("=") for pair in pairs)
    return {name.strip(): value.strip() for name, equals, value in split if equals}


def _body(event: Mapping[str, Any]) -> bytes | None:
    body = str(event.get("body") or "")
    if len(body) > 2 * MAXIMUM_BODY_BYTES:
        return None
    try:
        content = base64.b64decode(body, validate=True) if event.get("isBase64Encoded") else body.encode()
    except (binascii.Error, ValueError):
        return None
    return content if len(content) <= MAXIMUM_BODY_BYTES else None
