"""Message authentication codes by keys that never leave KMS: of links, of a page's nonces, of visitors' addresses.

The deployment's settings number the keys. The newest signs; what an older one has signed stays good for as long as the
settings name that one too, so that a change of keys breaks nothing that is on its way.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hmac import compare_digest
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

Purpose = Literal["link", "nonce", "source"]


class UnknownKeys(ValueError):
    """The text that names the keys has another form."""


@dataclass(frozen=True)
class Signer:
    """`keys` are ARNs or ids of HMAC keys, by their numbers, 1 to 255."""

    kms: "KMSClient"
    keys: Mapping[int, str]

    @property
    def newest(self) -> int:
        """The number of the key that signs."""
        return max(self.keys)

    def sign(self, purpose: Purpose, message: bytes, number: int | None = None) -> bytes:
        """32 bytes. What is signed for one purpose is worth nothing for another.

        Raises:
            KeyError: there is no key of this number.
        """
        made = self.kms.generate_mac(
            KeyId=self.keys[self.newest if number is None else number],
            MacAlgorithm="HMAC_SHA_256",
            Message=purpose.encode() + b"\n" + message,
        )
        return made["Mac"]

    def signed(self, purpose: Purpose, message: bytes, mac: bytes, number: int) -> bool:
        """Whether `mac` is what the key of this number gives, or its beginning."""
        return number in self.keys and compare_digest(self.sign(purpose, message, number)[: len(mac)], mac)


def read_keys(text: str) -> dict[int, str]:
    """`1=<key> 2=<key>`, as the functions' environment has it.

    Raises:
        UnknownKeys: see there.
    """
    try:
        keys = {int(number): key for number, key in (part.split("=", 1) for part in text.split())}
    except ValueError as fault:
        raise UnknownKeys("the signing keys are not numbered ids") from fault
    if not keys or not all(0 < number < 256 and key for number, key in keys.items()):
        raise UnknownKeys("there is no signing key, or one has no number from 1 to 255")
    return keys
