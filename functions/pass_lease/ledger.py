"""The ledger as passing a lease on needs it. Every change is conditional: a second caller changes nothing."""

from typing import TYPE_CHECKING

from contracts.lease import WAITING_PREFIX, Lease, WaitingRun, lease_key, waiting_key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef


class Ledger:
    """One model's lease and the runs that wait for it."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str, model: str) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._model = model

    def lease(self) -> Lease | None:
        """Who holds it now."""
        found = self._dynamodb.get_item(TableName=self._table, Key=lease_key(self._model), ConsistentRead=True)
        return Lease.from_item(found["Item"]) if "Item" in found else None

    def waiting(self) -> list[WaitingRun]:
        """Every run that waits, in order of priority."""
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :model AND begins_with(sk, :waiting)",
            ExpressionAttributeValues={":model": lease_key(self._model)["pk"], ":waiting": {"S": WAITING_PREFIX}},
            ConsistentRead=True,
        )
        return [WaitingRun.from_item(item) for page in pages for item in page["Items"]]

    def leave_queue(self, run: WaitingRun) -> None:
        """It waits no longer under this token."""
        try:
            self._dynamodb.delete_item(
                TableName=self._table,
                Key=waiting_key(self._model, run.priority),
                ConditionExpression="#token = :token",
                ExpressionAttributeNames={"#token": "token"},
                ExpressionAttributeValues={":token": {"S": run.token}},
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return

    def mark(self, lease: Lease, superseded_by: str) -> None:
        """The holder's mark is `superseded_by` from here on, or none when that is ""; unless it has changed by now."""
        set_or_remove = "SET superseded_by = :new" if superseded_by else "REMOVE superseded_by"
        new: dict[str, AttributeValueTypeDef] = {":new": {"S": superseded_by}} if superseded_by else {}
        try:
            self._dynamodb.update_item(
                TableName=self._table,
                Key=lease_key(self._model),
                UpdateExpression=set_or_remove,
                ConditionExpression="execution_arn = :holder AND superseded_by = :former",
                ExpressionAttributeValues={
                    ":holder": {"S": lease.execution_arn},
                    ":former": {"S": lease.superseded_by},
                    **new,
                },
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return

    def give_back(self, lease: Lease) -> bool:
        """Nobody holds the lease any more; False when it changed hands or somebody came to wait meanwhile."""
        try:
            self._dynamodb.delete_item(
                TableName=self._table,
                Key=lease_key(self._model),
                ConditionExpression=_unchanged(lease),
                ExpressionAttributeValues=_values(lease),
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def pass_on(self, lease: Lease, to: WaitingRun, now: str) -> bool:
        """The lease is `to`'s, which waits no longer; False when either has changed meanwhile."""
        fresh = {
            **lease_key(self._model),
            "execution_arn": {"S": to.execution_arn},
            "priority": {"S": to.priority},
            "policy": {"S": to.policy},
            "phase": {"S": "development"},
            "arrivals": {"N": "0"},
            "taken_at": {"S": now},
        }
        try:
            self._dynamodb.transact_write_items(
                TransactItems=[
                    {
                        "Put": {
                            "TableName": self._table,
                            "Item": fresh,
                            "ConditionExpression": _unchanged(lease),
                            "ExpressionAttributeValues": _values(lease),
                        }
                    },
                    {
                        "Delete": {
                            "TableName": self._table,
                            "Key": waiting_key(self._model, to.priority),
                            "ConditionExpression": "#token = :token",
                            "ExpressionAttributeNames": {"#token": "token"},
                            "ExpressionAttributeValues": {":token": {"S": to.token}},
                        }
                    },
                ]
            )
        except self._dynamodb.exceptions.TransactionCanceledException:
            return False
        return True


def _unchanged(lease: Lease) -> str:
    closed = "closed_by = :closed_by" if lease.closed_by else "attribute_not_exists(closed_by)"
    return f"execution_arn = :holder AND arrivals = :arrivals AND {closed}"


def _values(lease: Lease) -> "dict[str, AttributeValueTypeDef]":
    values: dict[str, AttributeValueTypeDef] = {
        ":holder": {"S": lease.execution_arn},
        ":arrivals": {"N": str(lease.arrivals)},
    }
    return {**values, ":closed_by": {"S": lease.closed_by}} if lease.closed_by else values
