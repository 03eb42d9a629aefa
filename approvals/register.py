"""The approvals table as a decision needs it."""

from typing import TYPE_CHECKING, Any

from contracts.approval import (
    DECIDED,
    WAITING,
    ApprovalRequest,
    Decision,
    Delivery,
    Item,
    Link,
    hash_link,
    link_key,
    request_key,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class Register:
    """Finds requests, and takes at most one decision about each."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def find_link(self, link_id: str) -> Link | None:
        """Where a link leads."""
        item = self._get(link_key(hash_link(link_id)))
        return Link(run=item["run"]["S"], approver=item["approver"]["S"]) if item else None

    def find_request(self, run: str) -> ApprovalRequest | None:
        """What `run` asks, or asked."""
        item = self._get(request_key(run))
        return ApprovalRequest.from_item(item) if item else None

    def claim(self, request: ApprovalRequest, decision: Decision, now: float) -> ApprovalRequest | None:
        """Make `decision` the only one about this request; None when it waits no more or has expired at `now`.

        The release's name is part of the condition: what is decided is what the person was shown.
        """
        try:
            updated = self._dynamodb.update_item(
                TableName=self._table,
                Key=request_key(request.run),
                UpdateExpression="SET #state = :decided, decision = :verdict, decided_by = :by, decided_at = :at, "
                "#comment = :comment, delivery = :pending",
                ConditionExpression="#state = :waiting AND release_name = :release AND expires_at > :now",
                ExpressionAttributeNames={"#state": "state", "#comment": "comment"},
                ExpressionAttributeValues={
                    ":decided": {"S": DECIDED},
                    ":verdict": {"S": decision.verdict},
                    ":by": {"S": decision.by},
                    ":at": {"S": decision.at},
                    ":comment": {"S": decision.comment},
                    ":pending": {"S": Delivery.PENDING},
                    ":waiting": {"S": WAITING},
                    ":release": {"S": request.release.name},
                    ":now": {"N": f"{now:.3f}"},
                },
                ReturnValues="ALL_NEW",
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return None
        return ApprovalRequest.from_item(updated["Attributes"])

    def record_delivery(self, run: str, delivery: Delivery) -> None:
        """How far the decision came. What was delivered once stays delivered, whatever a second attempt met."""
        try:
            self._dynamodb.update_item(
                TableName=self._table,
                Key=request_key(run),
                UpdateExpression="SET delivery = :delivery",
                ConditionExpression="delivery <> :delivered",
                ExpressionAttributeValues={
                    ":delivery": {"S": delivery},
                    ":delivered": {"S": Delivery.DELIVERED},
                },
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return

    def _get(self, key: Item) -> dict[str, Any] | None:
        return self._dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")
