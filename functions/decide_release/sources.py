"""Names for visitors' addresses that tell them apart without saying what they are."""

import hmac
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256

from approvals.signing import Signer


@dataclass(frozen=True)
class Sources:
    """There are few addresses: without a secret, a hash of one could be searched. KMS is asked once per process."""

    signer: Signer = field(repr=False)

    @cached_property
    def _secret(self) -> bytes:
        # The oldest key's: it stays the same while keys are added.
        return self.signer.sign("source", b"", min(self.signer.keys))

    def name(self, address: str) -> str:
        """16 hexadecimal digits, the same for the same address."""
        return hmac.new(self._secret, address.encode(), sha256).hexdigest()[:16]
