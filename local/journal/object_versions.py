"""An object version that was acknowledged keeps its content, also when a crash cuts the next write of its key short.

The emulator copies the version that a write displaces before it overwrites the key's file, and last writes what the key
then is. Cut short in between, the file holds content that was never acknowledged under the version of before. That this
version was being displaced shows in the copy, which is then the truth.
"""

from collections.abc import Callable
from typing import Any

from local.gateway.loading import after_import

ReadBody = Callable[[str, str, dict[str, Any]], bytes]


def protect() -> None:
    """Have a version's copy read wherever there is one."""

    def hook(s3: Any) -> None:
        s3._read_body = _preferring_copies(s3._read_body)

    after_import("ministack.services.s3", hook)


def _preferring_copies(original: ReadBody) -> ReadBody:
    def read_body(bucket: str, key: str, record: dict[str, Any]) -> bytes:
        from pathlib import Path

        from ministack.services import s3

        version = record.get("version_id")
        if record.get("body") is None and version and s3.S3_PERSIST and s3._version_file_exists(bucket, key, version):
            return Path(s3._version_disk_path(bucket, key, version)).read_bytes()
        return original(bucket, key, record)

    return read_body
