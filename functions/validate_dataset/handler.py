"""Reads a run's frozen files once, and refuses the dataset or describes it."""

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools.logging import Logger

from contracts.errors import DatasetRejected
from contracts.settings import DataSettings
from functions.validate_dataset.message import explain
from functions.validate_dataset.storage import Fetched, fetch, read_profile, write_profile
from tables.files import formats_told
from tables.findings import Finding, UnusableTable
from tables.judge import Accepted, judge
from tables.profiles import Profile

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_s3 import S3Client

logger = Logger(service="validate_dataset")
s3: "S3Client" = boto3.client("s3")


@logger.inject_lambda_context(log_event=False, clear_state=True)
def handle(event: dict[str, Any], _context: "LambdaContext") -> dict[str, Any]:
    """What a run needs to know of its dataset: rows, task, bytes, SHA-256, warnings; and where its profile is.

    Raises:
        DatasetRejected: it breaks a rule of the model's settings.
    """
    settings = DataSettings.model_validate(event["data"])
    logger.append_keys(model=event["model"], dataset=event["source_key"])
    # A warm function's disk still has what a former one left.
    with tempfile.TemporaryDirectory() as folder:
        fetched = fetch(s3, event["bucket"], event["files"], Path(folder))
        former = read_profile(s3, event["bucket"], event.get("former_profile"))
        try:
            accepted = _judge(fetched, settings, former)
        except UnusableTable as fault:
            raise _rejection(event, fault.findings) from fault
    write_profile(s3, event["bucket"], event["profile"], accepted.profile)
    profile, warnings = accepted.profile, [str(warning) for warning in accepted.warnings]
    logger.info("dataset accepted", rows=profile.rows, task=profile.task, warnings=len(warnings))
    return {
        "rows": profile.rows,
        "task": profile.task,
        "bytes": fetched.size_bytes,
        "sha256": fetched.sha256,
        "warnings": warnings,
    }


def _judge(fetched: Fetched, settings: DataSettings, former: Profile | None) -> Accepted:
    if not (train := fetched.channels.get("train")):
        raise UnusableTable([Finding("format", f"there is no file that ends in {formats_told()}")])
    return judge(train, fetched.channels.get("validation", ()), settings, former)


def _rejection(event: dict[str, Any], findings: Iterable[Finding]) -> DatasetRejected:
    told = list(findings)
    logger.info("dataset rejected", findings=len(told))
    return DatasetRejected(explain(event["source_key"], event["model"], told))
