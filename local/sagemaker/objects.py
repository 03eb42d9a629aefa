"""S3 objects as jobs and endpoints use them: addressed by URI, moved to and from files."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

_CHUNK_BYTES = 1024 * 1024


class ObjectFault(Exception):
    """An object could not be listed, read or written. ``code`` is S3's, such as ``AccessDenied`` or ``NoSuchKey``."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class S3Uri:
    """``s3://bucket/key``; the key may be empty or a prefix."""

    bucket: str
    key: str

    @classmethod
    def parse(cls, uri: str) -> "S3Uri":
        """Raises ValueError when it is no S3 URI."""
        scheme, _, rest = uri.partition("://")
        bucket, _, key = rest.partition("/")
        if scheme != "s3" or not bucket:
            raise ValueError(f"{uri!r} is not an S3 URI")
        return cls(bucket, key)

    def __truediv__(self, name: str) -> "S3Uri":
        return S3Uri(self.bucket, f"{self.key.rstrip('/')}/{name}".lstrip("/"))

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


class Objects:
    """S3 through one client, that is, under one role."""

    def __init__(self, s3: Any) -> None:
        self._s3 = s3

    def keys(self, prefix: S3Uri) -> Iterator[str]:
        """Every key that starts with the prefix, except folder markers. Raises ObjectFault."""
        try:
            pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=prefix.bucket, Prefix=prefix.key)
            for page in pages:
                yield from (item["Key"] for item in page.get("Contents", ()) if not item["Key"].endswith("/"))
        except (ClientError, BotoCoreError) as fault:
            raise _object_fault(fault) from fault

    def size(self, uri: S3Uri) -> int:
        """Bytes. Raises ObjectFault."""
        try:
            length: int = self._s3.head_object(Bucket=uri.bucket, Key=uri.key)["ContentLength"]
        except (ClientError, BotoCoreError) as fault:
            raise _object_fault(fault) from fault
        return length

    def read(self, uri: S3Uri, most_bytes: int) -> bytes:
        """A small object. Raises ObjectFault, also when it is larger than ``most_bytes``."""
        try:
            content: bytes = self._s3.get_object(Bucket=uri.bucket, Key=uri.key)["Body"].read(most_bytes + 1)
        except (ClientError, BotoCoreError) as fault:
            raise _object_fault(fault) from fault
        if len(content) > most_bytes:
            raise ObjectFault("EntityTooLarge", f"{uri} has more than {most_bytes} bytes")
        return content

    def download(self, uri: S3Uri, target: Path) -> None:
        """Into a file whose folder is made when missing. Raises ObjectFault."""
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            body = self._s3.get_object(Bucket=uri.bucket, Key=uri.key)["Body"]
            with target.open("wb") as file:
                shutil.copyfileobj(body, file, _CHUNK_BYTES)
        except (ClientError, BotoCoreError) as fault:
            raise _object_fault(fault) from fault

    def upload(self, source: Path, uri: S3Uri, kms_key: str | None) -> None:
        """At most 5 GiB, S3's limit for one call. Raises ObjectFault."""
        encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key} if kms_key else {}
        try:
            with source.open("rb") as file:
                self._s3.put_object(Bucket=uri.bucket, Key=uri.key, Body=file, **encryption)
        except (ClientError, BotoCoreError) as fault:
            raise _object_fault(fault) from fault


def _object_fault(fault: Exception) -> ObjectFault:
    if isinstance(fault, ClientError):
        error = fault.response["Error"]
        status = fault.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return ObjectFault(error["Code"], f"{error['Code']} ({status}): {error.get('Message', '')}")
    return ObjectFault(type(fault).__name__, str(fault))


def contained_path(folder: Path, relative: str) -> Path:
    """Where ``relative``, a key somebody else chose, lies inside the folder.

    Raises ValueError for a name that would lead outside.
    """
    parts = PurePosixPath(relative).parts
    if not parts or relative.startswith("/") or ".." in parts or "\0" in relative:
        raise ValueError(f"{relative!r} is no path inside a folder")
    return folder.joinpath(*parts)
