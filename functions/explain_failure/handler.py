"""Reads a stack's events, newest first, until those of this deployment are over."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools.logging import Logger

from functions.explain_failure.first_cause import first_cause

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_cloudformation import CloudFormationClient

logger = Logger(service="explain_failure")
cloudformation: "CloudFormationClient" = boto3.client("cloudformation")


@logger.inject_lambda_context(log_event=False, clear_state=True)
def handle(event: dict[str, Any], _context: "LambdaContext") -> dict[str, str]:
    """`{"reason": …}`, in CloudFormation's words; a sentence that says so when it gave none."""
    logger.append_keys(stack=event["stack"])
    token = event["request_token"]
    cause = first_cause(_events_of(event["stack"], token), token)
    logger.info("looked for the cause", found=cause is not None)
    return {"reason": cause or "CloudFormation gave no reason; look at the stack's events."}


def _events_of(stack: str, token: str) -> Iterator[Mapping[str, Any]]:
    """The newest events back to the first page that has none of this deployment's."""
    for page in cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack):
        events = page["StackEvents"]
        yield from events
        if not any(found.get("ClientRequestToken") == token for found in events):
            return
