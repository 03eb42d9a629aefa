"""Invokes the endpoint with the report's examples, together and one alone, and hashes what it serves.

Repeating is the state machine's.
"""

from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools.logging import Logger
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from contracts.answers import Reply, examine, recorded_examples, request_body, tell
from contracts.artefact import sha256_of
from contracts.errors import SmokeTestFailed
from contracts.reports import UnreadableReport

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient

    from contracts.reports import Example

# Two requests, the slowest possible included, end within the function's own 120 s with an error that has a name.
_CONFIG = Config(connect_timeout=5, read_timeout=50, retries={"total_max_attempts": 1})

logger = Logger(service="smoke_test")
s3: "S3Client" = boto3.client("s3")
runtime: "SageMakerRuntimeClient" = boto3.client("sagemaker-runtime", config=_CONFIG)


@logger.inject_lambda_context(log_event=False, clear_state=True)
def handle(event: dict[str, Any], _context: "LambdaContext") -> dict[str, Any]:
    """The endpoint's answers beside the expected ones, and the artefact's SHA-256.

    Raises:
        SmokeTestFailed: another answer than recorded, no answer, nothing to compare with, or another artefact than
            the release had.
    """
    endpoint = event["endpoint"]
    logger.append_keys(endpoint=endpoint)
    artefact_sha256 = _hash(event["model_data_url"], event.get("artefact_sha256"))
    answers, differences = examine(_examples(event["report_uri"]), partial(_ask, endpoint))
    if differences:
        raise SmokeTestFailed(
            f"{endpoint} does not answer as the training job recorded.\n{tell(differences)}\n"
            "What is served differs from what was evaluated: look at the endpoint's log and at the container's version."
        )
    logger.info("smoke test passed", rows=len(answers))
    return {
        "endpoint": endpoint,
        "answers": [asdict(answer) for answer in answers],
        "artefact_sha256": artefact_sha256,
    }


def _hash(model_data_url: str, released: str | None) -> str:
    """`released` is the hash that the release was recorded with, where it was released before."""
    bucket, _, key = model_data_url.removeprefix("s3://").partition("/")
    try:
        found = sha256_of(s3.get_object(Bucket=bucket, Key=key)["Body"])
    except (ClientError, BotoCoreError) as fault:
        raise SmokeTestFailed(f"{model_data_url} cannot be read: {fault}") from fault
    if released not in (None, found):
        raise SmokeTestFailed(
            f"{model_data_url} is not what was released: its SHA-256 is {found}, and was {released}. "
            "Somebody has written over it; its former versions may still be in the bucket."
        )
    return found


def _examples(report_uri: str) -> "Sequence[Example]":
    bucket, _, key = report_uri.removeprefix("s3://").partition("/")
    try:
        return recorded_examples(s3.get_object(Bucket=bucket, Key=key)["Body"])
    except UnreadableReport as fault:
        raise SmokeTestFailed(f"{report_uri}: {fault}") from fault


def _ask(endpoint: str, examples: "Sequence[Example]") -> Reply:
    try:
        answer = runtime.invoke_endpoint(
            EndpointName=endpoint, ContentType="text/csv", Accept="text/csv", Body=request_body(examples)
        )
        return Reply(answer["Body"].read(), answer.get("InvokedProductionVariant", ""))
    except (ClientError, BotoCoreError) as fault:
        raise SmokeTestFailed(f"{endpoint} gave no answer to {len(examples)} rows: {fault}") from fault
