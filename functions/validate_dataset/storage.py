"""A run's frozen files on the function's own disk, and the profile beside them in S3."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tables.files import TableFile, format_of
from tables.profiles import Profile, UnreadableProfile

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_CHUNK_BYTES = 1024**2


@dataclass(frozen=True)
class Fetched:
    """Files on disk by channel, in the order in which they were named."""

    channels: Mapping[str, Sequence[TableFile]]
    size_bytes: int
    sha256: str
    """Of the one file; of several the hash of their hashes and names, so that the order of a listing plays no part."""


def fetch(s3: "S3Client", bucket: str, files: Sequence[Mapping[str, str]], folder: Path) -> Fetched:
    """Each of `files` has `key` and `channel`; only those that are tables by their name are given back."""
    channels: dict[str, list[TableFile]] = {}
    hashes, size = {}, 0
    for number, file in enumerate(files):
        name, target = file["key"].rpartition("/")[2], folder / str(number)
        hashes[f"{file['channel']}/{name}"], length = _fetch_one(s3, bucket, file["key"], target)
        size += length
        form = format_of(name)
        if form is not None:
            channels.setdefault(file["channel"], []).append(TableFile(target, name, form))
    told = "".join(f"{sha}  {name}\n" for name, sha in sorted(hashes.items()))
    sha256 = next(iter(hashes.values())) if len(hashes) == 1 else hashlib.sha256(told.encode()).hexdigest()
    return Fetched(channels, size, sha256)


def _fetch_one(s3: "S3Client", bucket: str, key: str, target: Path) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    with target.open("wb") as file:
        for chunk in s3.get_object(Bucket=bucket, Key=key)["Body"].iter_chunks(_CHUNK_BYTES):
            digest.update(chunk)
            size += file.write(chunk)
    return digest.hexdigest(), size


def read_profile(s3: "S3Client", bucket: str, key: str | None) -> Profile | None:
    """The profile of the dataset that the last release was trained on; None where there is none that can be read."""
    if key is None:
        return None
    try:
        return Profile.from_json(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    except (s3.exceptions.NoSuchKey, UnreadableProfile):
        return None


def write_profile(s3: "S3Client", bucket: str, key: str, profile: Profile) -> None:
    """Beside the run's files."""
    s3.put_object(Bucket=bucket, Key=key, Body=profile.to_json().encode(), ContentType="application/json")
