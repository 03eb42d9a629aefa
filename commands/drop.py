"""Drops a dataset into the bucket, which starts a run."""

from dataclasses import dataclass
from pathlib import Path

from commands.deployment import Deployment
from commands.faults import CommandFailed
from contracts.settings import InvalidSettings, ModelSettings, load_settings

SUFFIXES = (".csv",)


@dataclass(frozen=True)
class Dropped:
    """One version of one object: what a run is about."""

    bucket: str
    key: str
    version: str


def check(models: Path, model: str, dataset: Path) -> ModelSettings:
    """Everything about a drop that can be known before it: the model, its settings, the file.

    Raises:
        CommandFailed: with the file, key and rule, or with what is there instead.
    """
    if not model:
        raise CommandFailed(f"Which model? MODEL is one of: {', '.join(_names(models))}")
    if model not in _names(models):
        raise CommandFailed(f"There is no model {model!r} in {models}/. There are: {', '.join(_names(models))}")
    try:
        settings = load_settings(models / f"{model}.toml")
    except InvalidSettings as fault:
        raise CommandFailed(f"The model's settings are invalid:\n{fault}") from fault
    if not dataset.is_file():
        raise CommandFailed(f"There is no file {str(dataset)!r}. Name one with DATASET=…")
    if not dataset.name.endswith(SUFFIXES):
        raise CommandFailed(f"{dataset.name}: a dataset ends in {' or '.join(SUFFIXES)}")
    if dataset.stat().st_size > settings.data.maximum_bytes:
        raise CommandFailed(
            f"{dataset.name} has {dataset.stat().st_size} bytes; "
            f"models/{model}.toml allows {settings.data.maximum_bytes} (data.maximum_bytes)"
        )
    return settings


def drop(deployment: Deployment, model: str, dataset: Path) -> Dropped:
    """Put the file under the model's prefix; S3 tells EventBridge, and a run starts."""
    key = f"datasets/{model}/{dataset.name}"
    with dataset.open("rb") as body:
        reply = deployment.client("s3").put_object(Bucket=deployment.bucket, Key=key, Body=body)
    return Dropped(deployment.bucket, key, reply["VersionId"])


def _names(models: Path) -> list[str]:
    return sorted(path.stem for path in models.glob("*.toml"))
