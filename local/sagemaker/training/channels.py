"""Brings the objects of an input channel into the container's folder."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from local.sagemaker.json_rpc import Json
from local.sagemaker.objects import ObjectFault, Objects, S3Uri, contained_path
from local.sagemaker.training.faults import client_error

# A manifest lists objects; one of this size lists about a million.
_MOST_MANIFEST_BYTES = 64 * 1024**2


class NoObjects(Exception):
    """Nothing lies under the channel's S3 prefix, or the role may not see it. The message is AWS's."""


def objects_of(channel: Json, objects: Objects) -> Iterator[tuple[S3Uri, str]]:
    """Every object of the channel with its path below the channel's folder.

    Raises ObjectFault, and ValueError for a manifest that is none.
    """
    source = channel["DataSource"]["S3DataSource"]
    uri = S3Uri.parse(source["S3Uri"])
    if source["S3DataType"] == "ManifestFile":
        yield from _manifest(objects.read(uri, _MOST_MANIFEST_BYTES))
        return
    for key in objects.keys(uri):
        yield S3Uri(uri.bucket, key), _below(uri.key, key)


def _below(prefix: str, key: str) -> str:
    """A key's path as the container sees it: below the last folder that the prefix names."""
    folder = prefix if key.startswith(prefix.rstrip("/") + "/") else prefix.rpartition("/")[0]
    return key.removeprefix(folder).lstrip("/")


def _manifest(content: bytes) -> Iterator[tuple[S3Uri, str]]:
    """``[{"prefix": "s3://bucket/folder/"}, "relative/path", …]``"""
    document = json.loads(content)
    if not isinstance(document, list) or not document or not isinstance(document[0], dict):
        raise ValueError("a manifest is a JSON list that begins with an object with a prefix")
    prefix = S3Uri.parse(str(document[0].get("prefix")))
    for name in document[1:]:
        if not isinstance(name, str):
            raise ValueError(f"a manifest lists paths, not {name!r}")  # noqa: TRY004 - a fault of the content
        yield S3Uri(prefix.bucket, prefix.key + name), name


def check_not_empty(channels: Iterable[Json], objects: Objects, role_arn: str, region: str) -> None:
    """What CreateTrainingJob refuses at once. Raises NoObjects."""
    for channel in channels:
        uri = channel["DataSource"]["S3DataSource"]["S3Uri"]
        bucket = S3Uri.parse(uri).bucket
        try:
            if next(objects.keys(S3Uri.parse(uri)), None) is not None:
                continue
            cause = ""
        except ObjectFault as fault:
            cause = f" Error message from S3: {fault}"
        raise NoObjects(
            f'No S3 objects found under S3 URL "{uri}" given in input data source. Please ensure that the bucket '
            f"exists in the selected region ({region}), that objects exist under that S3 prefix, and that the role "
            f'"{role_arn}" has "s3:ListBucket" permissions on bucket "{bucket}".{cause}'
        )


def download(channel: Json, objects: Objects, folder: Path) -> Iterator[Path]:
    """Download the channel, one object at each step, so that the caller may stop in between. Raises JobFault."""
    folder.mkdir(parents=True, exist_ok=True)
    found = False
    try:
        for uri, relative in objects_of(channel, objects):
            target = contained_path(folder, relative)
            objects.download(uri, target)
            found = True
            yield target
    except (ObjectFault, ValueError, OSError) as fault:
        raise client_error(f"Data download failed:{fault}") from fault
    if not found:
        uri_ = channel["DataSource"]["S3DataSource"]["S3Uri"]
        raise client_error(f"Data download failed:No objects found under {uri_}")
