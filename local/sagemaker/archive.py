"""The tar.gz archives of model artefacts and job outputs: reproducible when written, harmless when read."""

import gzip
import shutil
import tarfile
import zlib
from pathlib import Path

from local.sagemaker.objects import contained_path

# An archive that unpacks to more than this is taken for an attack on the disk.
MOST_UNPACKED_BYTES = 20 * 1024**3
_CHUNK_BYTES = 1024 * 1024


class UnreadableArchive(Exception):
    """Not a tar.gz, or one with members that have no place in a model artefact."""


def pack(folder: Path, target: Path) -> None:
    """Write the folder's content as tar.gz; equal content gives equal bytes.

    So that the hash of an artefact says what is in it: members in order of their names, no times, owners or umask.
    """
    with (
        target.open("wb") as file,
        gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.GNU_FORMAT) as tar,
    ):
        for path in sorted(folder.rglob("*"), key=lambda path: path.relative_to(folder).parts):
            if path.is_dir() or path.is_file():
                _add(tar, path, path.relative_to(folder).as_posix())


def _add(tar: tarfile.TarFile, path: Path, name: str) -> None:
    member = tarfile.TarInfo(name)
    if path.is_dir():
        member.type, member.mode = tarfile.DIRTYPE, 0o755
        tar.addfile(member)
        return
    member.size, member.mode = path.stat().st_size, 0o644
    with path.open("rb") as content:
        tar.addfile(member, content)


def unpack(archive: Path, folder: Path) -> None:
    """Extract files and folders. Raises UnreadableArchive, also for links, devices and paths that lead outside."""
    unpacked_bytes = 0
    try:
        with gzip.open(archive) as compressed, tarfile.open(fileobj=compressed, mode="r:") as tar:
            for member in tar:
                unpacked_bytes += member.size
                if unpacked_bytes > MOST_UNPACKED_BYTES:
                    raise UnreadableArchive(f"unpacks to more than {MOST_UNPACKED_BYTES} bytes")
                _extract(tar, member, folder)
            # Its end holds the checksum of all: what was cut short or damaged is found there.
            while compressed.tell() <= MOST_UNPACKED_BYTES and compressed.read(_CHUNK_BYTES):
                pass
    except (tarfile.TarError, EOFError, OSError, ValueError, zlib.error) as fault:
        raise UnreadableArchive(str(fault)) from fault


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    if member.name in (".", "./"):
        return
    target = contained_path(folder, member.name)
    if member.isdir():
        target.mkdir(parents=True, exist_ok=True)
        return
    if not member.isreg():
        raise UnreadableArchive(f"{member.name!r} is neither a file nor a folder")
    target.parent.mkdir(parents=True, exist_ok=True)
    content = tar.extractfile(member)
    assert content is not None  # isreg() was true
    with target.open("wb") as file:
        shutil.copyfileobj(content, file)
