"""Starts a run that did not release anything again, from the same version of its dataset."""

import json
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from commands.deployment import Deployment
from commands.faults import CommandFailed

_AGAIN = frozenset({"FAILED", "TIMED_OUT", "ABORTED"})


def rerun(deployment: Deployment, run: str, now: datetime | None = None) -> str:
    """The new run's id. `run` is the former one's, in full.

    The new run takes over the claim on the dataset version. Given twice for the same run, the second one finds that
    and ends as a duplicate.

    Raises:
        CommandFailed: the run still runs, has released its model, or its dataset version is gone.
    """
    stepfunctions = deployment.client("stepfunctions")
    arn = f"{deployment.promote_model_arn.replace(':stateMachine:', ':execution:')}:{run}"
    former = stepfunctions.describe_execution(executionArn=arn)
    if former["status"] not in _AGAIN:
        told = "still runs" if former["status"] == "RUNNING" else "ended well"
        raise CommandFailed(f"{run} {told}, so there is nothing to start again; make runs shows it.")
    event = json.loads(former["input"])
    if "ask" not in event["detail"]:  # what is asked of releases that were made before reads no dataset
        _check_dataset(deployment, event["detail"])
    event["time"] = f"{now or datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    event["detail"]["rerun"] = {"of": arn}
    started = stepfunctions.start_execution(stateMachineArn=deployment.promote_model_arn, input=json.dumps(event))
    return str(started["executionArn"].rsplit(":", 1)[-1])


def _check_dataset(deployment: Deployment, detail: dict[str, Any]) -> None:
    bucket, key, version = detail["bucket"]["name"], detail["object"]["key"], detail["object"]["version-id"]
    try:
        deployment.client("s3").head_object(Bucket=bucket, Key=key, VersionId=version)
    except ClientError as fault:
        if fault.response.get("ResponseMetadata", {}).get("HTTPStatusCode") not in (400, 404, 405):
            raise
        raise CommandFailed(
            f"s3://{bucket}/{key} is no longer there in version {version}: superseded versions are deleted after "
            "retention.superseded_days (infra/deployment.toml). Drop the dataset again."
        ) from fault
