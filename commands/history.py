"""Reads an execution's history: which states it entered, when, and where it is."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Entered:
    """A state that an execution entered."""

    state: str
    at: datetime


def entered(events: Iterable[dict[str, Any]]) -> Iterator[Entered]:
    """The states that were entered, in order."""
    for event in events:
        if details := event.get("stateEnteredEventDetails"):
            yield Entered(details["name"], event["timestamp"])


def read_events(stepfunctions: Any, execution_arn: str) -> Iterator[dict[str, Any]]:  # noqa: ANN401 -- a boto3 client
    """All events of an execution, oldest first."""
    pages = stepfunctions.get_paginator("get_execution_history").paginate(
        executionArn=execution_arn, PaginationConfig={"PageSize": 1000}
    )
    for page in pages:
        yield from page["events"]
