"""The run's release lease, as asking for an approval needs it."""

from typing import TYPE_CHECKING

from contracts.errors import LeaseLost, Superseded
from contracts.lease import lease_key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class Lease:
    """Notes that a run asks, unless it must not."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def enter_approval(self, model: str, holder: str) -> None:
        """From here on a newer run withdraws the question instead of marking the lease only.

        Raises:
            LeaseLost: `holder` does not hold the lease of `model`, or has ended and must take it anew.
            Superseded: it does, and a newer run has marked it.
        """
        try:
            self._dynamodb.update_item(
                TableName=self._table,
                Key=lease_key(model),
                UpdateExpression="SET #phase = :approval",
                ConditionExpression=(
                    "execution_arn = :holder AND attribute_not_exists(superseded_by) "
                    "AND attribute_not_exists(closed_by)"
                ),
                ExpressionAttributeNames={"#phase": "phase"},
                ExpressionAttributeValues={":approval": {"S": "approval"}, ":holder": {"S": holder}},
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            item = self._dynamodb.get_item(TableName=self._table, Key=lease_key(model), ConsistentRead=True).get("Item")
            if item is not None and item["execution_arn"]["S"] == holder and "superseded_by" in item:
                raise Superseded("A newer dataset of this model is ready to be released.") from None
            raise LeaseLost(f"The release lease of {model} is closed, or another run holds it by now.") from None
