"""Writes the audit."""

from typing import TYPE_CHECKING

from contracts.audit import AuditEntry

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef


class Audit:
    """Adds entries. Nothing of the product changes or removes one: no role of it may."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def add(self, entry: AuditEntry, unique: str) -> None:
        """Note what happened; what is noted already stays as it is."""
        try:
            self._dynamodb.put_item(
                TableName=self._table, Item=entry.item(unique), ConditionExpression="attribute_not_exists(pk)"
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return

    def addition(self, entry: AuditEntry, unique: str) -> "TransactWriteItemTypeDef":
        """The same as a part of a transaction: what happens and its note happen together or not at all."""
        return {"Put": {"TableName": self._table, "Item": entry.item(unique)}}
