"""Keeps what `make test` recorded of the flows for the audit of `make test-full`, which need not run them again.

`python -m tests.flow.kept begin` before the tests and `end` once all have passed. What was recorded of other files than
those that are here is not used.
"""

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

from tests.flow.product import ROOT

FOLDER = ROOT / "build" / "flow-records"
STAMP = "complete.json"
_BEGUN = "begun.json"


def begin(folder: Path = FOLDER, root: Path = ROOT) -> None:
    """Forget the last records, and note which files the tests are about to run with."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / _BEGUN).write_text(json.dumps(files(root)))


def end(folder: Path = FOLDER) -> None:
    """All flow tests have passed."""
    (folder / _BEGUN).replace(folder / STAMP)


def kept(folder: Path = FOLDER, root: Path = ROOT) -> Path | None:
    """Where the records of the flows are, all of them and of these very files; None where there are none."""
    stamp = folder / STAMP
    now = files(root)
    return folder if now and stamp.exists() and json.loads(stamp.read_text()) == now else None


def files(root: Path) -> dict[str, str]:
    """The hash of every file that Git knows or would take. Without Git nobody knows which those are: none."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=root, capture_output=True, check=True).stdout.decode().split("\0")
    except (OSError, subprocess.CalledProcessError):
        return {}
    there = sorted({name for name in listed if (root / name).is_file()})
    return {name: hashlib.sha256((root / name).read_bytes()).hexdigest() for name in there}


if __name__ == "__main__":
    {"begin": begin, "end": end}[sys.argv[1]]()
