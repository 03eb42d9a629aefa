import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.sagemaker.objects import ObjectFault, S3Uri, contained_path
from local.sagemaker.training.channels import download, objects_of
from local.sagemaker.training.faults import JobFault


class Bucket:
    """Objects in memory."""

    def __init__(self, *keys: str, **contents: bytes) -> None:
        self.contents = dict.fromkeys(keys, b"data") | contents

    def keys(self, prefix: S3Uri) -> Iterator[str]:
        return (key for key in sorted(self.contents) if key.startswith(prefix.key))

    def read(self, uri: S3Uri, most_bytes: int) -> bytes:
        return self.contents[uri.key]

    def download(self, uri: S3Uri, target: Path) -> None:
        if uri.key not in self.contents:
            raise ObjectFault("NoSuchKey", "NoSuchKey (404): no such key")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(self.contents[uri.key])


def channel(uri: str, data_type: str = "S3Prefix") -> dict:
    return {"ChannelName": "train", "DataSource": {"S3DataSource": {"S3DataType": data_type, "S3Uri": uri}}}


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("runs/1/train/", {"data.csv", "more/data.csv"}),
        ("runs/1/train", {"data.csv", "more/data.csv", "training.csv"}),
        ("runs/1/train/data.csv", {"data.csv"}),
        ("runs/1/train/da", {"data.csv"}),
        ("runs/1", {"train/data.csv", "train/more/data.csv", "training.csv"}),
    ],
)
def test_a_prefix_names_what_starts_with_it(prefix: str, expected: set[str]) -> None:
    bucket = Bucket("runs/1/train/data.csv", "runs/1/train/more/data.csv", "runs/1/training.csv", "other/data.csv")
    assert {relative for _, relative in objects_of(channel(f"s3://b/{prefix}"), bucket)} == expected


def test_a_manifest_lists_objects() -> None:
    manifest = json.dumps([{"prefix": "s3://other/folder/"}, "a.csv", "deep/b.csv"]).encode()
    found = list(objects_of(channel("s3://b/m", "ManifestFile"), Bucket(m=manifest)))
    assert [(str(uri), relative) for uri, relative in found] == [
        ("s3://other/folder/a.csv", "a.csv"),
        ("s3://other/folder/deep/b.csv", "deep/b.csv"),
    ]


@pytest.mark.parametrize(
    "manifest", [b"{}", b"[]", b"no json", b'["a"]', b'[{"prefix": "http://x"}, "a"]', b'[{"prefix": "s3://b/"}, 5]']
)
def test_what_is_no_manifest_fails_the_job(tmp_path: Path, manifest: bytes) -> None:
    with pytest.raises(JobFault, match="ClientError: Data download failed:"):
        list(download(channel("s3://b/m", "ManifestFile"), Bucket(m=manifest), tmp_path))


@pytest.mark.parametrize("name", ["../escaped", "a/../../escaped", "/etc/escaped"])
def test_keys_do_not_lead_outside(tmp_path: Path, name: str) -> None:
    manifest = json.dumps([{"prefix": "s3://b/"}, name]).encode()
    folder = tmp_path / "channel"
    with pytest.raises(JobFault, match="is no path inside a folder"):
        list(download(channel("s3://b/m", "ManifestFile"), Bucket(name, m=manifest), folder))
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_contained_paths() -> None:
    assert contained_path(Path("/f"), "a//b") == Path("/f/a/b")
    for name in ("", "..", "a/..", "/a", "a\0b"):
        with pytest.raises(ValueError, match="is no path"):
            contained_path(Path("/f"), name)


def test_an_empty_channel_fails_the_job(tmp_path: Path) -> None:
    with pytest.raises(JobFault, match="ClientError: Data download failed:No objects found under s3://b/none"):
        list(download(channel("s3://b/none"), Bucket(), tmp_path))
