"""What a release is known by for good: the hash of the artefact that it serves."""

import hashlib

from contracts.reports import Stream

# Large enough to cost nothing, small enough to fit beside everything else.
_BLOCK_BYTES = 1024**2


def sha256_of(artefact: Stream) -> str:
    """The SHA-256 of a stream, read to its end in blocks: 64 hexadecimal digits."""
    digest = hashlib.sha256()
    while block := artefact.read(_BLOCK_BYTES):
        digest.update(block)
    return digest.hexdigest()
