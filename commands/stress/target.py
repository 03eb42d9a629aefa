"""Which endpoint is loaded, and what it is asked."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from commands.deployment import Deployment, deployment_name
from commands.faults import CommandFailed
from contracts.answers import recorded_examples
from contracts.reports import UnreadableReport
from contracts.settings import ModelSettings
from infra.deployment_names import DeploymentNames
from load.endpoint import Question

# Each row is asked once of each variant before the load: a thousand take seconds.
MOST_ROWS = 1_000


@dataclass(frozen=True)
class Target:
    """An endpoint in service with its variants, and questions with the answers that these gave before the load."""

    endpoint: str
    variants: tuple[str, ...]
    questions: tuple[Question, ...]
    rows_from: str


def find_target(deployment: Deployment, settings: ModelSettings, endpoint: str, rows: Path | None) -> Target:
    """Look for the endpoint, and ask each of its variants each row once.

    ``endpoint`` is empty for the model's production, or `development`, `production` or another name; without ``rows``
    the examples of the last release are asked.

    Raises:
        CommandFailed: it is not in service, there are no rows, or it does not answer them.
    """
    named = {
        "": settings.production_endpoint,
        "production": settings.production_endpoint,
        "development": settings.development_endpoint,
    }
    name = named.get(endpoint, endpoint)
    variants = _variants(deployment, name)
    asked, origin = (_own(rows), str(rows)) if rows else (_released(deployment, settings.name), "the last release")
    return Target(name, variants, tuple(_answered(deployment, name, variants, asked)), origin)


def _variants(deployment: Deployment, endpoint: str) -> tuple[str, ...]:
    try:
        found = deployment.client("sagemaker").describe_endpoint(EndpointName=endpoint)
    except ClientError as fault:
        if "Could not find" in str(fault) or "not found" in str(fault).lower():
            raise CommandFailed(
                f"There is no endpoint {endpoint}. ENDPOINT is production, development, or the name of one; a model "
                "that was never released has none: make drop, make runs"
            ) from fault
        raise
    if found["EndpointStatus"] not in ("InService", "Updating"):
        raise CommandFailed(f"Endpoint {endpoint} is {found['EndpointStatus']}, and answers nobody.")
    return tuple(variant["VariantName"] for variant in found["ProductionVariants"])


def _own(rows: Path) -> list[str]:
    try:
        lines = [line for line in rows.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as fault:
        raise CommandFailed(f"ROWS={rows} cannot be read: {fault}") from fault
    if not lines:
        raise CommandFailed(f"ROWS={rows} has no rows.")
    if len(lines) > MOST_ROWS:
        raise CommandFailed(
            f"ROWS={rows} has {len(lines):,} rows; {MOST_ROWS:,} are enough, and the most there may be."
        )
    return lines


def _released(deployment: Deployment, model: str) -> list[str]:
    """The examples that the training job of the last release recorded."""
    account = deployment.client("sts").get_caller_identity()["Account"]
    table = DeploymentNames(deployment_name(), account, str(deployment.session.region_name)).ledger_table
    key = {"pk": {"S": f"model#{model}"}, "sk": {"S": "champion"}}
    item = deployment.client("dynamodb").get_item(TableName=table, Key=key).get("Item")
    if not item:
        raise CommandFailed(
            f"{model} was never released, so nothing is known to ask. Give rows of your own: ROWS=own.csv"
        )
    bucket, _, path = str(json.loads(item["release"]["S"])["report_uri"]).removeprefix("s3://").partition("/")
    try:
        examples = recorded_examples(deployment.client("s3").get_object(Bucket=bucket, Key=path)["Body"])
    except (UnreadableReport, ClientError) as fault:
        raise CommandFailed(f"s3://{bucket}/{path}: {fault}. Give rows of your own: ROWS=own.csv") from fault
    return [example.row for example in examples]


def _answered(deployment: Deployment, endpoint: str, variants: Sequence[str], rows: list[str]) -> list[Question]:
    """With what the endpoint answers while nobody else asks: under load, it has to answer the same.

    Where several variants serve, each is asked: whichever of them gets a request under load may answer as it does.
    """
    config = Config(connect_timeout=5, read_timeout=65, retries={"total_max_attempts": 1})
    runtime: Any = deployment.session.client("sagemaker-runtime", config=config)
    targets = variants if len(variants) > 1 else [None]
    questions = []
    for number, row in enumerate(rows, 1):
        answers = [_answer(runtime.invoke_endpoint, endpoint, target, number, row) for target in targets]
        questions.append(Question(row, tuple(dict.fromkeys(answers)), accept="text/csv"))
    return questions


def _answer(invoke: Callable[..., Any], endpoint: str, variant: str | None, number: int, row: str) -> str:
    """Of a variant, or of the only one where none is named."""
    target = {"TargetVariant": variant} if variant else {}
    try:
        answer = invoke(EndpointName=endpoint, ContentType="text/csv", Accept="text/csv", Body=row.encode(), **target)[
            "Body"
        ].read()
    except (ClientError, BotoCoreError) as fault:
        whose = f"{variant} of {endpoint}" if variant else endpoint
        raise CommandFailed(f"{whose} gives no answer to row {number}, {row[:80]!r}: {fault}") from fault
    return str(answer.decode(errors="replace"))
