"""Drops a dataset into the bucket, which starts a run: one file, or a folder with `train` and `validation`."""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from commands.deployment import Deployment
from commands.faults import CommandFailed
from commands.model_files import model_settings
from contracts.drop import CHANNELS, RUN_FILE, InvalidRunFile, merged_settings, parse_run_file
from contracts.settings import ModelSettings
from tables.files import format_of, formats_told


@dataclass(frozen=True)
class Dropped:
    """One version of one object: what a run is about."""

    bucket: str
    key: str
    version: str


def check(models: Path, model: str, dataset: Path) -> ModelSettings:
    """Everything about a drop that can be known before it: the model, its settings, the file or files.

    Raises:
        CommandFailed: with the file, key and rule, or with what is there instead.
    """
    settings = model_settings(models, model)
    if dataset.is_dir():
        size, limit = _check_folder(dataset, settings)
    elif dataset.is_file():
        _check_format(dataset)
        size, limit = dataset.stat().st_size, settings.data.maximum_bytes
    else:
        raise CommandFailed(f"There is no file or folder {str(dataset)!r}. Name one with DATASET=…")
    if size > limit:
        raise CommandFailed(f"{dataset.name} has {size} bytes; models/{model}.toml allows {limit} (data.maximum_bytes)")
    return settings


def drop(deployment: Deployment, model: str, dataset: Path) -> Dropped:
    """Put the file, or the folder's files and `run.json` last, under the model's prefix; a run starts."""
    key = f"datasets/{model}/{dataset.resolve().name}"
    if not dataset.is_dir():
        return _upload(deployment, key, dataset)
    run_file = json.dumps(_run_file(dataset), indent=1)
    for file in _files(dataset):
        _upload(deployment, f"{key}/{file.relative_to(dataset).as_posix()}", file)
    return _put(deployment, f"{key}/{RUN_FILE}", io.BytesIO(run_file.encode()))


def _upload(deployment: Deployment, key: str, file: Path) -> Dropped:
    with file.open("rb") as body:
        return _put(deployment, key, body)


def _put(deployment: Deployment, key: str, body: BinaryIO) -> Dropped:
    reply = deployment.client("s3").put_object(Bucket=deployment.bucket, Key=key, Body=body)
    return Dropped(deployment.bucket, key, reply["VersionId"])


def _check_folder(folder: Path, settings: ModelSettings) -> tuple[int, int]:
    """The files' bytes together, and how many the run allows."""
    for file in _files(folder):
        _check_format(file)
    try:
        run_file = parse_run_file(json.dumps(_run_file(folder)).encode())
        changed = merged_settings(settings.resolved(), run_file)
    except InvalidRunFile as fault:
        raise CommandFailed(f"{folder}: {fault}") from fault
    return run_file.size_bytes, changed["data"]["maximum_bytes"]


def _check_format(file: Path) -> None:
    if format_of(file.name) is None:
        raise CommandFailed(f"{file.name}: a dataset ends in {formats_told()}")


def _files(folder: Path) -> list[Path]:
    return sorted(file for channel in CHANNELS for file in (folder / channel).glob("*") if file.is_file())


def _run_file(folder: Path) -> Mapping[str, Any]:
    """What the folder's own `run.json` says, if it has one, and the files as they are."""
    own = folder / RUN_FILE
    try:
        said = json.loads(own.read_text(encoding="utf-8")) if own.is_file() else {}
    except ValueError as fault:
        raise CommandFailed(f"{own}: not JSON: {fault}") from fault
    if not isinstance(said, dict):
        raise CommandFailed(f"{own}: holds no object; docs/datasets.md has an example")
    return {**said, "files": {file.relative_to(folder).as_posix(): file.stat().st_size for file in _files(folder)}}
