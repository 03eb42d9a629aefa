"""Where the project's sources are, and where what is built from them goes."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


class CannotSynthesise(Exception):
    """Something that a person has to mend before templates can be made. The message says what and how."""


@dataclass(frozen=True)
class Project:
    """The project's folders. `built` may lie anywhere, so that tests do not touch a developer's build."""

    root: Path
    built: Path

    @classmethod
    def at(cls, root: Path) -> "Project":
        """The project in `root`, built in its own `build/`."""
        return cls(root=root, built=root / "build")

    def told(self, about: object) -> str:
        """A text for people, with the project's files named from its root."""
        return str(about).replace(f"{self.root}{os.sep}", "")

    @property
    def deployment_file(self) -> Path:
        """The deployment's own settings."""
        return self.root / "infra" / "deployment.toml"

    @property
    def models(self) -> Path:
        """One settings file per model."""
        return self.root / "models"

    def layer_lock(self, layer: str) -> Path:
        """The third-party packages of one of the functions' layers."""
        return self.root / "locks" / f"{layer}.txt"

    @property
    def staged_functions(self) -> Path:
        """One folder per function, as it is published."""
        return self.built / "functions"

    @property
    def staged_layers(self) -> Path:
        """One folder per layer, as it is published."""
        return self.built / "layers"

    def staged_layer(self, layer: str) -> Path:
        """A layer, as it is published."""
        return self.staged_layers / layer

    @property
    def staged_models(self) -> Path:
        """Settings and endpoint templates, as they are published."""
        return self.built / "models"

    @property
    def assembly(self) -> Path:
        """The synthesised templates and what they refer to."""
        return self.built / "cloud-assembly"


@contextmanager
def alone(project: Project) -> Iterator[None]:
    """Two commands at once would write the same folders: the second waits."""
    project.built.mkdir(parents=True, exist_ok=True)
    with (project.built / "synthesise.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


PROJECT = Project.at(Path(__file__).resolve().parent.parent)
