"""Picks the event that explains a failed deployment."""

from collections.abc import Iterable, Mapping
from typing import Any

# CloudFormation marks what it gave up because something else had failed; that explains nothing.
_FOLLOWS_FROM_ANOTHER = ("Resource creation cancelled", "Resource update cancelled", "Resource deletion cancelled")
_STACK = "AWS::CloudFormation::Stack"


def first_cause(events: Iterable[Mapping[str, Any]], request_token: str) -> str | None:
    """The reason of the first resource that failed in one deployment, with the resource's name.

    `events` come as CloudFormation lists them, newest first. `request_token` is the deployment's; the events of the
    roll back that follows carry it too, and are newer.
    """
    cause = None
    for event in events:
        if event.get("ClientRequestToken") == request_token and _explains(event):
            cause = f"{event['LogicalResourceId']} ({event['ResourceType']}): {event['ResourceStatusReason']}"
    return cause


def _explains(event: Mapping[str, Any]) -> bool:
    reason = event.get("ResourceStatusReason", "")
    failed = event.get("ResourceStatus", "").endswith("_FAILED")
    return (
        failed and bool(reason) and event.get("ResourceType") != _STACK and not reason.startswith(_FOLLOWS_FROM_ANOTHER)
    )
