import io
import os
import re
import subprocess
import zipfile
from pathlib import Path

import pytest

from commands.faults import CommandFailed
from commands.image_source import left_out, source_files, source_hash, source_zip
from infra.image import BUILDSPEC
from infra.project import PROJECT


def checkout(folder: Path, time: int) -> Path:
    for name in ("container/Dockerfile", "contracts/one.py", "locks/container.txt"):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
        os.utime(file, (time, time))
    return folder


def test_two_checkouts_of_the_same_files_give_the_same_bytes(tmp_path):
    one, two = checkout(tmp_path / "one", 1_000_000_000), checkout(tmp_path / "two", 1_500_000_000)
    (two / "contracts" / "one.py").chmod(0o755)
    assert source_zip(one) == source_zip(two)
    assert source_hash(one) == source_hash(two)


def test_what_is_not_built_into_the_image_changes_nothing(tmp_path):
    root = checkout(tmp_path, 1_000_000_000)
    before = source_hash(root)
    for name in ("contracts/__pycache__/one.pyc", "container/.DS_Store", "locks/dev.txt", "infra/app.py"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x")
    assert source_hash(root) == before


def git(folder: Path, *command: str) -> None:
    subprocess.run(["git", *command], cwd=folder, check=True, capture_output=True)


def names(root: Path) -> list[str]:
    return [file.relative_to(root).as_posix() for file in source_files(root)]


def test_of_a_repository_only_what_it_tracks_goes_into_the_image(tmp_path):
    root = checkout(tmp_path, 1_000_000_000)
    before = names(root), source_hash(root)
    git(root, "init")
    git(root, "add", ".")
    assert (names(root), source_hash(root)) == before
    assert left_out(root) == []
    (root / "container" / "secret.pem").write_text("x")
    (root / ".gitignore").write_text("*.csv\n")
    (root / "contracts" / "rows.csv").write_text("x")
    assert (names(root), source_hash(root)) == before
    # What is ignored was meant to stay out.
    assert left_out(root) == ["container/secret.pem"]
    git(root, "add", "container/secret.pem")
    assert "container/secret.pem" in names(root)


def test_a_tracked_file_counts_as_it_is_here(tmp_path):
    root = checkout(tmp_path, 1_000_000_000)
    git(root, "init")
    git(root, "add", ".")
    before = source_hash(root)
    (root / "contracts" / "one.py").write_text("changed")
    assert source_hash(root) != before
    (root / "contracts" / "one.py").unlink()
    assert names(root) == ["container/Dockerfile", "locks/container.txt"]


def test_within_a_checkout_of_something_else_all_files_count(tmp_path):
    root = checkout(tmp_path / "unpacked", 1_000_000_000)
    before = names(root)
    git(tmp_path, "init")
    assert names(root) == before
    assert left_out(root) == []


def test_a_checkout_that_git_cannot_read_is_told(tmp_path, monkeypatch):
    root = checkout(tmp_path, 1_000_000_000)
    (root / ".git").write_text("gitdir: nowhere")
    with pytest.raises(CommandFailed, match=r"git cannot say what it tracks in .*not a git repository"):
        source_files(root)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(CommandFailed, match="install git"):
        source_files(root)


def test_a_renamed_file_is_another_source(tmp_path):
    root = checkout(tmp_path, 1_000_000_000)
    before = source_hash(root)
    (root / "contracts" / "one.py").rename(root / "contracts" / "two.py")
    assert source_hash(root) != before


def test_the_zip_holds_all_that_the_build_reads():
    with zipfile.ZipFile(io.BytesIO(source_zip(PROJECT.root))) as archive:
        names = set(archive.namelist())
    recipe = (PROJECT.root / "container" / "Dockerfile").read_text()
    copied = re.findall(r"^COPY (?!--)(\S+) ", recipe, re.MULTILINE)
    assert copied
    assert all(source in names or any(name.startswith(f"{source}/") for name in names) for source in copied)
    assert {BUILDSPEC, "container/Dockerfile", "container/Dockerfile.dockerignore"} <= names
    assert len(names) == len(source_files(PROJECT.root))
