"""Page nonces: proof that a form was sent from a page that this browser was given for this link.

A nonce is the time it was issued and a MAC over link, browser and that time, made by a KMS key that never leaves
KMS. Nothing is stored, so that reading a page changes nothing.
"""

import base64
import binascii
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_kms.literals import MacAlgorithmSpecType

# A page that was left open over a working day still decides.
LIFETIME_SECONDS = 8 * 3_600

_ALGORITHM: "MacAlgorithmSpecType" = "HMAC_SHA_256"
_FORM = re.compile(r"(\d{1,12})\.([A-Za-z0-9_-]{43})", re.ASCII)


class Nonces:
    """Issues nonces and checks them. `browser` is the random text in the page's cookie; times are epoch seconds."""

    def __init__(self, kms: "KMSClient", key_id: str) -> None:
        self._kms = kms
        self._key_id = key_id

    def issue(self, link_hash: str, browser: str, now: float) -> str:
        """A nonce for a page that is made at `now`."""
        issued_at = int(now)
        made = self._kms.generate_mac(
            KeyId=self._key_id, MacAlgorithm=_ALGORITHM, Message=message(link_hash, browser, issued_at)
        )
        return f"{issued_at}.{base64.urlsafe_b64encode(made['Mac']).decode().rstrip('=')}"

    def holds(self, nonce: str, link_hash: str, browser: str, now: float) -> bool:
        """Whether `nonce` was issued for this link and browser within the last `LIFETIME_SECONDS`."""
        parts = read_nonce(nonce)
        if parts is None or not browser or not 0 <= now - parts[0] <= LIFETIME_SECONDS:
            return False
        issued_at, mac = parts
        try:
            self._kms.verify_mac(
                KeyId=self._key_id, MacAlgorithm=_ALGORITHM, Message=message(link_hash, browser, issued_at), Mac=mac
            )
        except self._kms.exceptions.KMSInvalidMacException:
            return False
        return True


def message(link_hash: str, browser: str, issued_at: int) -> bytes:
    """What the MAC is made over. No part can hold a line break, so no two inputs give the same message."""
    return "\n".join(("decide-release", link_hash, browser, str(issued_at))).encode()


def read_nonce(nonce: str) -> tuple[int, bytes] | None:
    """The time of issue and the MAC, or None when the text has another form."""
    parts = _FORM.fullmatch(nonce)
    if parts is None:
        return None
    try:
        return int(parts[1]), base64.urlsafe_b64decode(f"{parts[2]}=")
    except binascii.Error:
        return None
