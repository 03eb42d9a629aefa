"""Requests that still need something."""

from typing import TYPE_CHECKING

from approvals.updates import Updates
from contracts.approval import OPEN, OPEN_INDEX, request_key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class OpenRequests:
    """Finds them by the time at which they do."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._updates = Updates(dynamodb, table)

    def due(self, now: float, most: int) -> list[str]:
        """The runs whose requests need something at `now`, those that have waited longest first."""
        found = self._dynamodb.query(
            TableName=self._table,
            IndexName=OPEN_INDEX,
            KeyConditionExpression="#open = :open AND attend_at <= :now",
            ExpressionAttributeNames={"#open": OPEN_INDEX},
            ExpressionAttributeValues={":open": {"S": OPEN}, ":now": {"N": f"{now:.3f}"}},
            Limit=most,
        )
        return [item["pk"]["S"].removeprefix("run#") for item in found["Items"]]

    def attend_later(self, run: str, at: float) -> None:
        """Look after a request again at `at`, if it is still open then."""
        self._updates.update(
            request_key(run),
            UpdateExpression="SET attend_at = :at",
            ConditionExpression="attribute_exists(#open)",
            ExpressionAttributeNames={"#open": OPEN_INDEX},
            ExpressionAttributeValues={":at": {"N": f"{at:.3f}"}},
        )

    def close(self, run: str) -> None:
        """Nothing is left to do about a request."""
        self._updates.update(
            request_key(run),
            UpdateExpression="REMOVE #open, attend_at",
            ConditionExpression="attribute_exists(#open)",
            ExpressionAttributeNames={"#open": OPEN_INDEX},
        )
