"""An image engine for the tests: makes a base, builds the real image on it, runs containers of it, removes them all."""

import fcntl
import json
import os
import subprocess
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.container.conftest import DEADLINE_SECONDS, PROJECT

TOOLS = ("buildah", "podman", "runc", "mmdebstrap")
BASE = PROJECT / "build" / "image-base.tar"
# Making the base and the image are downloads.
COMMAND_SECONDS = 600
# A machine without privileges may lack what the default runtime needs, and forbid the limits that the engine would raise.
ENGINE_SETTINGS = """\
[engine]
runtime = "runc"
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
"""
# Nothing to write to but /opt/ml and /tmp, and no privileges. The engine would raise the two limits, which a machine
# may forbid.
_CONFINED = (
    *("--read-only", "--tmpfs=/tmp", "--cap-drop=all", "--security-opt=no-new-privileges"),
    *("--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024"),
)


def make_base() -> Path:
    """A file system with Python 3.13, for machines that reach Debian's packages but no image registry; made once."""
    BASE.parent.mkdir(exist_ok=True)
    # Tests that need it run side by side: the others wait for the one that makes it.
    with BASE.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not BASE.exists():
            part = BASE.with_suffix(".part")
            packages = "--include=python3,python3-venv,ca-certificates"
            _run("mmdebstrap", "--quiet", "--variant=minbase", packages, "--format=tar", "trixie", part)
            part.replace(BASE)
    return BASE


def _run(*command: str | Path, **environment: str) -> str:
    done = subprocess.run(
        command,
        cwd=PROJECT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{command[0]} {command[1]}: {done.stderr[-3_000:]}"
    return done.stdout


@dataclass(frozen=True)
class Container:
    """A container; `process` ends as it does, with its exit code."""

    name: str
    process: "subprocess.Popen[str]"

    def ends(self) -> tuple[int, str, str]:
        """Wait for the end: exit code, output, errors."""
        output, errors = self.process.communicate(timeout=DEADLINE_SECONDS)
        return self.process.returncode, output, errors

    def execute(self, *command: str) -> str:
        """What another command prints inside."""
        return _run("podman", "--runtime=runc", "exec", self.name, *command)

    def terminate(self) -> None:
        """Send SIGTERM, as SageMaker does."""
        _run("podman", "--runtime=runc", "kill", "--signal=TERM", self.name)


@dataclass(frozen=True)
class Engine:
    """Everything it makes carries `name`, so that it finds all of that again and nothing else."""

    name: str = field(default_factory=lambda: f"mlops-test-{uuid.uuid4().hex[:12]}")

    @property
    def image(self) -> str:
        return f"localhost/{self.name}:latest"

    @property
    def base(self) -> str:
        return f"localhost/{self.name}:base"

    def build(self) -> None:
        """Build the image as `make image` does."""
        self.import_base()
        _run("make", "image", **self.build_environment)

    def import_base(self) -> None:
        """Let the engine have the base under its name."""
        _run("podman", "import", "--quiet", make_base(), self.base)

    @property
    def build_environment(self) -> dict[str, str]:
        """What the build script has to be told."""
        return {
            "BASE_IMAGE": self.base,
            "IMAGE_ENGINE": "buildah",
            "IMAGE_REPOSITORY": f"localhost/{self.name}",
        }

    def inspect(self) -> dict[str, Any]:
        """What the engine says about the image."""
        (image,) = json.loads(_run("podman", "image", "inspect", self.image))
        return dict(image)

    def start(
        self,
        command: str,
        base: Path,
        network: str = "none",
        environment: Mapping[str, str] | None = None,
        rights: Sequence[str] = (),
    ) -> Container:
        """Start the image's `train` or `serve` with `base` at /opt/ml."""
        container = f"{self.name}-{uuid.uuid4().hex[:12]}"
        options = [f"--name={container}", f"--network={network}", f"--volume={base}:/opt/ml"]
        options += [f"--cap-add={right}" for right in rights]
        options += [f"--env={name}={value}" for name, value in (environment or {}).items()]
        process = subprocess.Popen(
            ["podman", "--runtime=runc", "run", *_CONFINED, *options, self.image, command],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        return Container(container, process)

    def remove_named(self, image: str) -> None:
        """Remove an image that does not carry this engine's name as its own."""
        _run("podman", "image", "rm", "--force", image)

    def remove(self) -> None:
        """Remove all containers and images; fails when something is left."""
        for container in self.containers(self.name):
            _run("podman", "rm", "--force", "--time=0", container)
        for image in self._images():
            _run("podman", "image", "rm", "--force", image)
        assert self.containers(self.name) + self._images() == []

    def containers(self, owner: str) -> list[str]:
        """Those whose names begin so."""
        return _run("podman", "ps", "--all", "--quiet", f"--filter=name=^{owner}-").split()

    def _images(self) -> list[str]:
        return _run("podman", "images", "--quiet", f"--filter=reference=localhost/{self.name}").split()
