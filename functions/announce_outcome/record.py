"""Who was mailed about which end of a run: beside the run's question in the approvals table."""

from typing import TYPE_CHECKING, Any

from contracts.approval import KEPT_AFTER_EXPIRY_SECONDS

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class Record:
    """One item for each end that a run came to; a redriven run comes to several."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def mailed(self, run: str, redrives: int, outcome: str, now: int) -> frozenset[str]:
        """Addresses that know of this end; the first caller opens the record. `now` is in epoch seconds."""
        opened = self._dynamodb.update_item(
            TableName=self._table,
            Key=_key(run, redrives),
            UpdateExpression="SET mailed = if_not_exists(mailed, :nobody), outcome = if_not_exists(outcome, :outcome), "
            "purge_at = if_not_exists(purge_at, :purge_at)",
            ExpressionAttributeValues={
                ":nobody": {"M": {}},
                ":outcome": {"S": outcome},
                ":purge_at": {"N": str(now + KEPT_AFTER_EXPIRY_SECONDS)},
            },
            ReturnValues="ALL_NEW",
        )
        return frozenset(opened["Attributes"]["mailed"]["M"])

    def add(self, run: str, redrives: int, address: str) -> None:
        """Remember that `address` was mailed."""
        self._dynamodb.update_item(
            TableName=self._table,
            Key=_key(run, redrives),
            UpdateExpression="SET mailed.#address = :yes",
            ExpressionAttributeNames={"#address": address},
            ExpressionAttributeValues={":yes": {"BOOL": True}},
        )


def _key(run: str, redrives: int) -> dict[str, Any]:
    return {"pk": {"S": f"run#{run}"}, "sk": {"S": f"outcome#{redrives}"}}
