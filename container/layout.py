"""Where SageMaker puts a job's inputs and looks for its outputs.

Source: "How Amazon SageMaker AI Provides Training Information", SageMaker Developer Guide.
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Layout:
    """The folders under `base`, which is `/opt/ml` in a container."""

    base: Path

    @property
    def hyperparameters(self) -> Path:
        """One JSON object of strings."""
        return self.base / "input" / "config" / "hyperparameters.json"

    @property
    def resources(self) -> Path:
        """The hosts that take part in the job."""
        return self.base / "input" / "config" / "resourceconfig.json"

    @property
    def model(self) -> Path:
        """Becomes `model.tar.gz`; when serving, its content unpacked."""
        return self.base / "model"

    @property
    def output_data(self) -> Path:
        """Becomes `output.tar.gz`."""
        return self.base / "output" / "data"

    @property
    def failure(self) -> Path:
        """Its first 1,024 characters become the job's FailureReason."""
        return self.base / "output" / "failure"

    def channel(self, name: str) -> Path:
        """The folder that a channel's files are in; absent when the job has no such channel."""
        return self.base / "input" / "data" / name
