"""The folders and files that a training container finds under /opt/ml.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html
"""

import json
from dataclasses import dataclass
from pathlib import Path

from local.sagemaker.json_rpc import Json

# CreateTrainingJob's limit for FailureReason is less; a failure file may be a whole log.
_MOST_FAILURE_BYTES = 4096
_HOST = "algo-1"


@dataclass(frozen=True)
class TrainingLayout:
    """Paths under one job's base directory."""

    base_dir: Path

    @property
    def model(self) -> Path:
        """Becomes model.tar.gz."""
        return self.base_dir / "model"

    @property
    def output(self) -> Path:
        """Becomes output.tar.gz."""
        return self.base_dir / "output" / "data"

    def channel(self, name: str) -> Path:
        """Where a channel's objects lie."""
        return self.base_dir / "input" / "data" / name

    def prepare(self, job: Json) -> None:
        """Make the folders and write the configuration files for the job."""
        for folder in (self.model, self.output, self.base_dir / "input" / "data", self._config):
            folder.mkdir(parents=True, exist_ok=True)
        self._write("hyperparameters.json", job.get("HyperParameters", {}))
        self._write("inputdataconfig.json", _input_data_config(job))
        self._write("resourceconfig.json", _resource_config(job))

    def failure(self) -> str:
        """What the container wrote about its failure; empty when nothing."""
        try:
            with (self.base_dir / "output" / "failure").open("rb") as file:
                return file.read(_MOST_FAILURE_BYTES).decode(errors="replace").strip()
        except OSError:
            return ""

    @property
    def _config(self) -> Path:
        return self.base_dir / "input" / "config"

    def _write(self, name: str, document: Json) -> None:
        (self._config / name).write_text(json.dumps(document, indent=1), encoding="utf-8")


def _input_data_config(job: Json) -> Json:
    mode = job["AlgorithmSpecification"]["TrainingInputMode"]
    return {
        channel["ChannelName"]: {
            "TrainingInputMode": channel.get("InputMode", mode),
            "S3DistributionType": channel["DataSource"]["S3DataSource"].get(
                "S3DataDistributionType", "FullyReplicated"
            ),
            "RecordWrapperType": channel.get("RecordWrapperType", "None"),
        }
        | ({"ContentType": channel["ContentType"]} if "ContentType" in channel else {})
        for channel in job.get("InputDataConfig", ())
    }


def _resource_config(job: Json) -> Json:
    instance_type = job["ResourceConfig"]["InstanceType"]
    group = {"instance_group_name": "homogeneousCluster", "instance_type": instance_type, "hosts": [_HOST]}
    return {
        "current_host": _HOST,
        "current_instance_type": instance_type,
        "current_group_name": "homogeneousCluster",
        "hosts": [_HOST],
        "instance_groups": [group],
        "network_interface_name": "lo",
    }
