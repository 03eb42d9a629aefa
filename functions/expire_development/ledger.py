"""A model's release lease, as the removal of its development endpoint holds it."""

from typing import TYPE_CHECKING

from contracts.lease import REMOVAL, lease_key
from contracts.times import iso_time

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# A removal lasts for as long as a function may run, and the next one begins a quarter of an hour later.
_DEAD_AFTER_SECONDS = 600.0


class RemovalLease:
    """Taken while nobody releases the model. `holder` is this removal's own name for itself."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str, model: str, holder: str) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._model = model
        self._holder = f"{REMOVAL}:{holder}"

    def take(self, now: float) -> bool:
        """False when a run holds it, or another removal that may still be at it."""
        item = {
            **lease_key(self._model),
            "execution_arn": {"S": self._holder},
            # Runs compare it with their own, and none is older than nothing.
            "priority": {"S": ""},
            "phase": {"S": REMOVAL},
            "arrivals": {"N": "0"},
            "taken_at": {"S": iso_time(now)},
        }
        try:
            self._dynamodb.put_item(
                TableName=self._table,
                Item=item,
                ConditionExpression=(
                    "attribute_not_exists(pk) OR execution_arn = :me OR (#phase = :removal AND taken_at < :dead)"
                ),
                ExpressionAttributeNames={"#phase": "phase"},
                ExpressionAttributeValues={
                    ":me": {"S": self._holder},
                    ":removal": {"S": REMOVAL},
                    ":dead": {"S": iso_time(now - _DEAD_AFTER_SECONDS)},
                },
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def give_back(self) -> None:
        """Nobody holds it any more, unless somebody has taken it over."""
        try:
            self._dynamodb.delete_item(
                TableName=self._table,
                Key=lease_key(self._model),
                ConditionExpression="execution_arn = :me",
                ExpressionAttributeValues={":me": {"S": self._holder}},
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return
