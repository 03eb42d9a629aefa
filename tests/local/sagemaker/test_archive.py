import hashlib
import io
import os
import tarfile
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local.sagemaker.archive import UnreadableArchive, pack, unpack

NAMES = st.text("abc/_.", min_size=1, max_size=12).filter(
    lambda name: all(part not in ("", ".", "..") for part in name.split("/"))
)


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(NAMES, st.binary(max_size=200), max_size=5))
def test_what_is_packed_is_unpacked(files: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        source, target = Path(temporary, "source"), Path(temporary, "target")
        source.mkdir()
        for name, data in files.items():
            path = source / name
            if any(parent.is_file() for parent in path.parents) or path.exists():
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        pack(source, Path(temporary, "archive"))
        target.mkdir()
        unpack(Path(temporary, "archive"), target)
        assert content(target) == content(source)


def test_equal_content_gives_equal_bytes(tmp_path: Path) -> None:
    digests = set()
    for position, names in enumerate((("b.txt", "a/c.txt"), ("a/c.txt", "b.txt"))):
        folder = tmp_path / str(position)
        for name in names:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(name)
            os.utime(folder / name, (position, position))
            (folder / name).chmod(0o600 if position else 0o644)
        pack(folder, tmp_path / f"{position}.tar.gz")
        digests.add(hashlib.sha256((tmp_path / f"{position}.tar.gz").read_bytes()).hexdigest())
    assert len(digests) == 1


def hostile(kind: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        member = tarfile.TarInfo({"outside": "../escaped", "absolute": "/tmp/escaped"}.get(kind, "link"))
        if kind in ("symlink", "hardlink"):
            member.type = tarfile.SYMTYPE if kind == "symlink" else tarfile.LNKTYPE
            member.linkname = "/etc/passwd"
        if kind == "device":
            member.type = tarfile.CHRTYPE
        tar.addfile(member, io.BytesIO())
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["outside", "absolute", "symlink", "hardlink", "device"])
def test_members_that_reach_outside_are_refused(tmp_path: Path, kind: str) -> None:
    (tmp_path / "archive").write_bytes(hostile(kind))
    (tmp_path / "target").mkdir()
    with pytest.raises(UnreadableArchive):
        unpack(tmp_path / "archive", tmp_path / "target")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["archive", "target"]


@pytest.mark.parametrize(
    "data",
    [b"", b"no archive", b"\x1f\x8b\x08\x00 broken", hostile("none")[:-12]],
    ids=["empty", "text", "damaged", "cut short"],
)
def test_what_is_no_archive_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "archive").write_bytes(data)
    with pytest.raises(UnreadableArchive):
        unpack(tmp_path / "archive", tmp_path)


def test_a_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local.sagemaker.archive.MOST_UNPACKED_BYTES", 1000)
    (tmp_path / "source").mkdir()
    (tmp_path / "source/zeros").write_bytes(bytes(1001))
    pack(tmp_path / "source", tmp_path / "archive")
    with pytest.raises(UnreadableArchive, match="unpacks to more than 1000 bytes"):
        unpack(tmp_path / "archive", tmp_path / "target")
