"""Reads the run's frozen copy of a dataset from S3, once and in pieces, and refuses it or describes it."""

import hashlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools.logging import Logger

from contracts.errors import DatasetRejected
from functions.validate_dataset.findings import Finding, explain
from functions.validate_dataset.lines import read_lines
from functions.validate_dataset.rules import Rules
from functions.validate_dataset.verdict import judge, size_finding

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_s3 import S3Client

_CHUNK_BYTES = 1024**2

logger = Logger(service="validate_dataset")
s3: "S3Client" = boto3.client("s3")


@logger.inject_lambda_context(log_event=False, clear_state=True)
def handle(event: dict[str, Any], _context: "LambdaContext") -> dict[str, Any]:
    """The dataset's rows, columns, classes, bytes, SHA-256 and warnings.

    Raises:
        DatasetRejected: it breaks a rule of the model's settings.
    """
    model, dataset, rules = event["model"], event["dataset"], Rules.from_settings(event["data"])
    logger.append_keys(model=model, dataset=dataset["key"])
    stored = s3.get_object(Bucket=dataset["bucket"], Key=dataset["key"])
    oversize = size_finding(stored["ContentLength"], rules)
    if oversize is not None:
        stored["Body"].close()
        raise _rejection(event, [oversize])

    digest = hashlib.sha256()
    verdict = judge(read_lines(_measured(stored["Body"].iter_chunks(_CHUNK_BYTES), digest)), rules)
    if isinstance(verdict, tuple):
        stored["Body"].close()
        raise _rejection(event, verdict)
    logger.info("dataset accepted", rows=verdict.rows, warnings=len(verdict.warnings))
    return {
        "rows": verdict.rows,
        "columns": list(verdict.columns),
        "classes": verdict.classes,
        "bytes": stored["ContentLength"],
        "sha256": digest.hexdigest(),
        "warnings": list(verdict.warnings),
    }


def _measured(chunks: Iterable[bytes], digest: "hashlib._Hash") -> Iterator[bytes]:
    for chunk in chunks:
        digest.update(chunk)
        yield chunk


def _rejection(event: dict[str, Any], findings: Iterable[Finding]) -> DatasetRejected:
    told = list(findings)
    logger.info("dataset rejected", findings=len(told))
    return DatasetRejected(explain(event["source_key"], event["model"], told))
