"""Copies exactly the versions that were dropped; a folder's when all of its files are there."""

import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools.logging import Logger

from contracts.drop import MAXIMUM_RUN_FILE_BYTES, SETTINGS_CHANNEL, SETTINGS_FILE
from contracts.errors import DatasetRejected
from functions.freeze_dataset.drop import (
    DroppedFile,
    Request,
    check_complete,
    check_requester,
    check_size,
    is_folder,
    read_request,
)

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_s3 import S3Client

_COPIES_AT_ONCE = 8

logger = Logger(service="freeze_dataset")
s3: "S3Client" = boto3.client("s3")


@logger.inject_lambda_context(log_event=False, clear_state=True)
def handle(event: dict[str, Any], _context: "LambdaContext") -> dict[str, Any]:
    """The run's own files by channel, the settings in which it differs, and who asked for it and why.

    Raises:
        DatasetRejected: too large, `run.json` breaks a rule, or nobody could approve what would come of it.
        DropIncomplete: files that `run.json` names are not there.
    """
    dataset, settings = event["dataset"], event["settings"]
    logger.append_keys(dataset=dataset["key"])
    if is_folder(dataset["key"]):
        files, request = _folder(dataset, settings)
    else:
        files = [DroppedFile("train", dataset["key"], dataset["version"], dataset["bytes"])]
        request = Request({})
    check_requester(request.requester, settings["approval"])
    check_size(sum(file.size_bytes for file in files), {**settings, **request.settings})
    copy = partial(_copy, dataset["bucket"], event["prefix"])
    with ThreadPoolExecutor(_COPIES_AT_ONCE) as copies:
        frozen = list(copies.map(copy, files))
    _write_settings(dataset["bucket"], event["prefix"], {**settings, **request.settings})
    logger.info("dataset frozen", files=len(frozen))
    return {
        "files": frozen,
        "settings": request.settings,
        "request": {"reason": request.reason, "requester": request.requester},
    }


def _folder(dataset: dict[str, Any], settings: dict[str, Any]) -> tuple[list[DroppedFile], Request]:
    if dataset["bytes"] > MAXIMUM_RUN_FILE_BYTES:
        raise DatasetRejected(f"{dataset['key']} has more than {MAXIMUM_RUN_FILE_BYTES:,} bytes.")
    stored = s3.get_object(Bucket=dataset["bucket"], Key=dataset["key"], VersionId=dataset["version"])
    run_file, request = read_request(stored["Body"].read(), settings)
    folder = dataset["key"].rpartition("/")[0]
    check_complete(run_file, _sizes(dataset["bucket"], f"{folder}/"))
    return [_pinned(dataset["bucket"], folder, name) for name in run_file.files], request


def _sizes(bucket: str, folder: str) -> dict[str, int]:
    """Bytes of the files in a folder, by their names in it."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=folder)
    return {stored["Key"].removeprefix(folder): stored["Size"] for page in pages for stored in page.get("Contents", [])}


def _pinned(bucket: str, folder: str, name: str) -> DroppedFile:
    key = f"{folder}/{name}"
    head = s3.head_object(Bucket=bucket, Key=key)
    return DroppedFile(name.partition("/")[0], key, head["VersionId"], head["ContentLength"])


def _write_settings(bucket: str, prefix: str, settings: dict[str, Any]) -> None:
    """What the training job reads beside the dataset."""
    text = json.dumps({section: settings[section] for section in ("data", "gate")})
    s3.put_object(Bucket=bucket, Key=f"{prefix}{SETTINGS_CHANNEL}/{SETTINGS_FILE}", Body=text.encode())


def _copy(bucket: str, prefix: str, file: DroppedFile) -> dict[str, str]:
    """One call copies up to 5 GiB, which is the most that settings allow. Tags are replaced by none."""
    target = f"{prefix}{file.channel}/{file.name}"
    s3.copy_object(
        CopySource={"Bucket": bucket, "Key": file.key, "VersionId": file.version},
        Bucket=bucket,
        Key=target,
        TaggingDirective="REPLACE",
    )
    return {"channel": file.channel, "key": target}
