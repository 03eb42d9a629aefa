"""Responses of the function URL (payload format 2.0), with headers that keep a page where it belongs."""

import base64
import hashlib
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

_HEADERS = {
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "x-robots-tag": "noindex, nofollow",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "strict-transport-security": "max-age=31536000",
}


def respond(status: HTTPStatus, html: str, style: str, cookies: Sequence[str] = ()) -> dict[str, Any]:
    """A page whose only style is `style`; nothing else is loaded or run, and its form goes nowhere else."""
    return {
        "statusCode": int(status),
        "headers": {**_HEADERS, "content-security-policy": _content_security_policy(style)},
        "cookies": list(cookies),
        "body": html,
        "isBase64Encoded": False,
    }


def without_body(response: dict[str, Any]) -> dict[str, Any]:
    """The answer to HEAD."""
    return {**response, "body": ""}


def _content_security_policy(style: str) -> str:
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
