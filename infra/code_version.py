"""Which code a deployment is made from, for whoever approves a release or looks one up later."""

import hashlib
import subprocess

from infra.fingerprint import fingerprint
from infra.project import Project


def code_version(project: Project) -> dict[str, str]:
    """`sources`: the SHA-256 of all that templates and functions are made from. `commit`: Git's where there is one,
    with `-dirty` when something that Git knows was changed since; else empty.
    """
    told = "\n".join(f"{name} {digest}" for name, digest in sorted(fingerprint(project).items()))
    return {"sources": hashlib.sha256(told.encode()).hexdigest(), "commit": commit(project)}


def commit(project: Project) -> str:
    """As `code_version` has it."""
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--abbrev=40", "--dirty", "--match="],
            cwd=project.root,
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
