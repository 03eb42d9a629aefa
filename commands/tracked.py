"""What of a folder git tracks: a working copy has more in it than anybody meant to give away."""

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

from commands.faults import CommandFailed

# A hook's, which would lead to another repository or index.
_OTHERS = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE")


def tracked_files(root: Path, within: Iterable[str]) -> list[Path] | None:
    """The tracked files that are there, below these paths; None when the folder is no part of a git checkout.

    Raises:
        CommandFailed: there is a checkout, and git cannot be asked about it.
    """
    found = _ask(root, [], within)
    # In a checkout of something else that this folder merely lies in, git tracks nothing of it.
    return [root / name for name in found if (root / name).is_file()] if found else None


def untracked_files(root: Path, within: Iterable[str]) -> list[str]:
    """What lies there and is neither tracked nor ignored, by its path from the root; empty without a checkout.

    Raises:
        CommandFailed: there is a checkout, and git cannot be asked about it.
    """
    within = tuple(within)
    return _ask(root, ["--others", "--exclude-standard"], within) if tracked_files(root, within) else []


def _ask(root: Path, options: list[str], within: Iterable[str]) -> list[str]:
    if not any((folder / ".git").exists() for folder in (root, *root.resolve().parents)):
        return []
    command = ["git", "-C", str(root), "ls-files", "-z", *options, "--", *within]
    own = {name: value for name, value in os.environ.items() if name not in _OTHERS}
    try:
        asked = subprocess.run(command, env=own, capture_output=True, text=True, check=False)
    except FileNotFoundError as fault:
        raise CommandFailed(
            "The project is a git checkout, and there is no git to ask what it tracks: install git."
        ) from fault
    if asked.returncode != 0:
        raise CommandFailed(
            f"git cannot say what it tracks in {root}: {asked.stderr.strip()}\nMend that and try again."
        )
    return [name for name in asked.stdout.split("\0") if name]
