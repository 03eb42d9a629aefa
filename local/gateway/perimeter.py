"""Who may reach the cloud at all: programs on this machine, not web pages that a browser on it has open.

The account's root key is public and unsigned calls exist, so a page could otherwise act in the cloud: by a cross-site
form (refused by its Origin) or by a name that resolves to 127.0.0.1 (refused by its Host).
"""

import re
from typing import Any
from urllib.parse import urlsplit

_OUR_HOSTS = re.compile(r"(?:[\w.-]+\.)?localhost|127\.0\.0\.1|\[::1\]|[\w.-]+\.(?:amazonaws\.com|on\.aws)", re.ASCII)
# A function URL is a web page; who may post to it is the function's business, as on AWS.
_FUNCTION_URL_PATH = "/_aws/lambda-url/"
# They wipe or change the whole cloud without credentials.
_CLOSED_PATHS = ("/_ministack/reset", "/_ministack/config", "/_localstack")


def refusal(path: str, headers: list[tuple[bytes, bytes]]) -> str | None:
    """Why a request is refused, or None."""
    values = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers}
    host = values.get("host", "").lower()
    if not _OUR_HOSTS.fullmatch(re.sub(r":\d+$", "", host)):
        return f"The embedded cloud does not answer for the host {host[:100]!r}"
    if path.startswith(_CLOSED_PATHS):
        return "This page of the emulator is closed"
    origin = values.get("origin")
    if origin is None or path.startswith(_FUNCTION_URL_PATH) or ".lambda-url." in host:
        return None
    return None if _is_ours(origin) else f"The embedded cloud does not answer pages of {origin[:100]!r}"


def _is_ours(origin: str) -> bool:
    return bool(_OUR_HOSTS.fullmatch((urlsplit(origin).hostname or "").lower()))


async def refuse(send: Any, reason: str) -> None:
    """Answer 403 with the reason."""
    body = reason.encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": body})
