"""Describes the endpoint and asks it. Repeating is the state machine's."""

import time
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools.logging import Logger
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from contracts.answers import Reply, examine, recorded_examples, request_body, tell
from contracts.errors import ProductionUnhealthy
from contracts.reports import UnreadableReport
from functions.verify_production.fleet import Fleet, faults, named

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient

    from contracts.reports import Example

# Two requests, the slowest possible included, end within the function's own 120 s with an error that has a name.
_CONFIG = Config(connect_timeout=5, read_timeout=50, retries={"total_max_attempts": 1})

logger = Logger(service="verify_production")
s3: "S3Client" = boto3.client("s3")
sagemaker: "SageMakerClient" = boto3.client("sagemaker")
runtime: "SageMakerRuntimeClient" = boto3.client("sagemaker-runtime", config=_CONFIG)


@logger.inject_lambda_context(log_event=False, clear_state=True)
def handle(event: dict[str, Any], _context: "LambdaContext") -> dict[str, Any]:
    """The endpoint's answers beside the expected ones.

    Raises:
        ProductionUnhealthy: not in service, another artefact, too few instances, slow, or other answers than recorded.
    """
    endpoint, variant = event["endpoint"], event["variant"]
    logger.append_keys(endpoint=endpoint, variant=variant)
    found = faults(_describe(endpoint, variant), event["model_data_url"], event["instance_count"])
    if found:
        raise ProductionUnhealthy("\n".join([f"{endpoint} does not serve the release.", *found]))
    seconds: list[float] = []
    answers, differences = examine(_examples(event["report_uri"]), partial(_ask, endpoint, variant, seconds))
    if differences:
        raise ProductionUnhealthy(f"{endpoint} does not answer as the training job recorded.\n{tell(differences)}")
    # The quickest: what is slow once may have had reasons of its own, and is left to the alarms.
    quickest = min(seconds) * 1000
    if quickest > event["latency_milliseconds"]:
        raise ProductionUnhealthy(
            f"{endpoint} is slow: none of {len(seconds)} requests was answered in less than {quickest:,.0f} ms, "
            f"and production.alarms.latency_milliseconds is {event['latency_milliseconds']:,.0f}."
        )
    logger.info("production verified", rows=len(answers))
    return {"endpoint": endpoint, "answers": [asdict(answer) for answer in answers]}


def _describe(endpoint: str, variant: str) -> Fleet:
    try:
        described = sagemaker.describe_endpoint(EndpointName=endpoint)
        config = sagemaker.describe_endpoint_config(EndpointConfigName=described["EndpointConfigName"])
        configured = named(config["ProductionVariants"], variant)
        if not configured:
            raise ProductionUnhealthy(f"{endpoint} has no variant {variant}.")
        model = sagemaker.describe_model(ModelName=configured["ModelName"])
    except (ClientError, BotoCoreError) as fault:
        raise ProductionUnhealthy(f"{endpoint} cannot be described: {fault}") from fault
    return Fleet.from_descriptions(described, variant, model)


def _examples(report_uri: str) -> "Sequence[Example]":
    bucket, _, key = report_uri.removeprefix("s3://").partition("/")
    try:
        return recorded_examples(s3.get_object(Bucket=bucket, Key=key)["Body"])
    except UnreadableReport as fault:
        raise ProductionUnhealthy(f"{report_uri}: {fault}") from fault


def _ask(endpoint: str, variant: str, seconds: list[float], examples: "Sequence[Example]") -> Reply:
    """Notes in `seconds` how long it took, as a caller would see it."""
    begun = time.monotonic()
    try:
        answer = runtime.invoke_endpoint(
            EndpointName=endpoint,
            TargetVariant=variant,
            ContentType="text/csv",
            Accept="text/csv",
            Body=request_body(examples),
        )
        reply = Reply(answer["Body"].read(), answer.get("InvokedProductionVariant", ""))
        seconds.append(time.monotonic() - begun)
        return reply
    except (ClientError, BotoCoreError) as fault:
        raise ProductionUnhealthy(f"{endpoint} gave no answer to {len(examples)} rows: {fault}") from fault
