"""Link ids: what a mailed link ends in. They say until when they are good, and are signed: one that is forged or over
is turned away before anything is looked up.
"""

import base64
import secrets
import struct
from collections.abc import Callable
from typing import Final

from approvals.signing import Signer

_HEAD: Final = struct.Struct(">BI12s")  # the key's number, the end in epoch seconds, 96 random bits
_MAC_BYTES: Final = 16
LINK_CHARACTERS: Final = (_HEAD.size + _MAC_BYTES) * 4 // 3


def make_link(signer: Signer, expires_at: int, random: Callable[[int], bytes] = secrets.token_bytes) -> str:
    """An id that no other link has, `LINK_CHARACTERS` letters, digits, `-` and `_`."""
    head = _HEAD.pack(signer.newest, expires_at, random(12))
    return base64.urlsafe_b64encode(head + signer.sign("link", head)[:_MAC_BYTES]).decode()


def link_holds(signer: Signer, link_id: str, now: float) -> bool:
    """Whether it is one of ours, and its time is not over at `now` (epoch seconds)."""
    if len(link_id) != LINK_CHARACTERS:
        return False
    try:
        content = base64.b64decode(link_id.encode("ascii"), altchars=b"-_", validate=True)
    except ValueError:
        return False
    head, mac = content[: _HEAD.size], content[_HEAD.size :]
    number, expires_at, _ = _HEAD.unpack(head)
    return now < expires_at and signer.signed("link", head, mac, number)
