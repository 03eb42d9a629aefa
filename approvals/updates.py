"""Writes to items that others may be writing to at the same time."""

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

from contracts.approval import Item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# Whoever decides at the same time is in the way for some milliseconds only.
_TRIES: Final = 8
_PAUSE_SECONDS: Final = 0.02


class TableBusy(RuntimeError):
    """Others wrote the same item each time it was tried; nothing was written."""


class Updates:
    """DynamoDB refuses what comes while a transaction is at the same item, and the SDK does not try that again."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._sleep = sleep

    def update(self, key: Item, **what: Any) -> None:  # noqa: ANN401 - DynamoDB's own arguments
        """Change an item, unless a condition does not hold.

        Raises:
            TableBusy: see there.
        """
        for _ in self.attempts():
            try:
                self._dynamodb.update_item(TableName=self._table, Key=key, **what)
            except self._dynamodb.exceptions.ConditionalCheckFailedException:
                return
            except self._dynamodb.exceptions.TransactionConflictException:
                continue
            return

    def attempts(self) -> Iterator[int]:
        """Numbers from 0, with pauses that grow between them; whoever has succeeded stops.

        Raises:
            TableBusy: see there.
        """
        for attempt in range(_TRIES):
            yield attempt
            self._sleep(_PAUSE_SECONDS * (attempt + 1))
        raise TableBusy(f"{_TRIES} tries")
