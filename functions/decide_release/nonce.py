"""Page nonces: proof that a form was sent from a page that this browser was given for this link, once.

A nonce is the signing key's number, the time it was issued, random text, and a MAC over link, browser and these.
Nothing is stored when it is issued, so that reading a page changes nothing; what is stored is which ones were used.
"""

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass
from typing import Final, Protocol

from approvals.signing import Signer

# A page that was left open over a working day still decides.
LIFETIME_SECONDS: Final = 8 * 3_600

_FORM = re.compile(r"(\d{1,3})\.(\d{1,12})\.([A-Za-z0-9_-]{16})\.([A-Za-z0-9_-]{43})", re.ASCII)


class UsedNonces(Protocol):
    """Which nonces have been used."""

    def use(self, digest: str, now: float) -> bool:
        """Whether this is the first time."""


@dataclass(frozen=True)
class Nonces:
    """Issues nonces and checks them. `browser` is the random text in the page's cookie; times are epoch seconds."""

    signer: Signer
    used: UsedNonces

    def issue(self, link_hash: str, browser: str, now: float) -> str:
        """A nonce for a page that is made at `now`."""
        number, issued_at, random = self.signer.newest, int(now), secrets.token_urlsafe(12)
        mac = self.signer.sign("nonce", message(link_hash, browser, issued_at, random), number)
        return f"{number}.{issued_at}.{random}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"

    def redeem(self, nonce: str, link_hash: str, browser: str, now: float) -> bool:
        """Whether `nonce` was issued for this link and browser within the last `LIFETIME_SECONDS`, and never used."""
        parts = _FORM.fullmatch(nonce)
        if parts is None or not browser:
            return False
        number, issued_at, random = int(parts[1]), int(parts[2]), parts[3]
        if not 0 <= now - issued_at <= LIFETIME_SECONDS:
            return False
        mac = base64.urlsafe_b64decode(f"{parts[4]}=")
        if not self.signer.signed("nonce", message(link_hash, browser, issued_at, random), mac, number):
            return False
        # Not the text itself: the last letter has bits that no decoder looks at.
        return self.used.use(hashlib.sha256(mac).hexdigest(), now)


def message(link_hash: str, browser: str, issued_at: int, random: str) -> bytes:
    """What the MAC is made over. No part can hold a line break, so no two inputs give the same message."""
    return "\n".join((link_hash, browser, str(issued_at), random)).encode()
