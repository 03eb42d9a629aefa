"""The cookie that ties a page to the browser it was given to."""

import re
from collections.abc import Mapping

from functions.decide_release.nonce import LIFETIME_SECONDS

_VALUE = re.compile(r"[A-Za-z0-9_-]{32}", re.ASCII)


def cookie_name(link_hash: str) -> str:
    """One name per link, so that two open links do not spoil each other's pages."""
    return f"__Host-release-{link_hash[:16]}"


def known_browser(cookies: Mapping[str, str], link_hash: str) -> str:
    """The browser's text, or an empty one for a browser that was not here before."""
    value = cookies.get(cookie_name(link_hash), "")
    return value if _VALUE.fullmatch(value) else ""


def set_cookie(link_hash: str, browser: str) -> str:
    """Sent over TLS only, to this host only, to no script, and not along with requests from other sites."""
    return f"{cookie_name(link_hash)}={browser}; Path=/; Max-Age={LIFETIME_SECONDS}; Secure; HttpOnly; SameSite=Strict"
