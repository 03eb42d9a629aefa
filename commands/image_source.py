"""What the container image is built from, as one zip: the same bytes for the same files, whoever makes it and when."""

import hashlib
import io
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from commands.tracked import tracked_files, untracked_files

SOURCES = ("container", "contracts", "tables", "locks/compiler.txt", "locks/container.txt", "locks/sbom.txt")
"""What `container/Dockerfile` copies, with the file itself and the build's script. Folders count with all they hold."""

# The oldest date that a zip can carry: a file's own would make every checkout a new source.
_DATE = (1980, 1, 1, 0, 0, 0)


def source_files(root: Path) -> list[Path]:
    """The files of the image's source, in order of their names: those that git tracks, as they are here.

    Outside of a checkout, as in an unpacked archive, they are all that lie there.

    Raises:
        CommandFailed: git cannot say what it tracks.
    """
    tracked = tracked_files(root, SOURCES)
    return sorted(tracked if tracked is not None else (file for source in SOURCES for file in _files(root / source)))


def left_out(root: Path) -> list[str]:
    """Files beside the source that come into no image, because nobody has added them to the repository.

    Raises:
        CommandFailed: git cannot say what it tracks.
    """
    return untracked_files(root, SOURCES)


def source_zip(root: Path) -> bytes:
    """The zip that the image pipeline builds from."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in source_files(root):
            entry = zipfile.ZipInfo(file.relative_to(root).as_posix(), _DATE)
            entry.external_attr = 0o644 << 16
            # Told for Unix on every machine, for the system is part of the bytes.
            entry.create_system = 3
            archive.writestr(entry, file.read_bytes(), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def source_hash(root: Path) -> str:
    """SHA-256 of the source. Not of the zip: another version of zlib packs otherwise."""
    return content_hash({file.relative_to(root).as_posix(): file.read_bytes() for file in source_files(root)})


def content_hash(files: Mapping[str, bytes]) -> str:
    """SHA-256 over names and contents."""
    digest = hashlib.sha256()
    for name, content in sorted(files.items()):
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
        return
    for file in path.rglob("*"):
        within = file.relative_to(path).parts
        if file.is_file() and not any(part.startswith(".") or part == "__pycache__" for part in within):
            yield file
