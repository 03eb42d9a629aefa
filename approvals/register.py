"""The approvals table as a decision needs it."""

from typing import TYPE_CHECKING, Any

from contracts.approval import (
    DECIDED,
    DELIVERED_WITHIN_SECONDS,
    OPEN,
    OPEN_INDEX,
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
        """Make `decision` the only one about this request; None when it waits no more or has expired at `now`; to let
        it expire, when it has not.

        The release's name is part of the condition: what is decided is what the person was shown.
        """
        try:
            updated = self._dynamodb.update_item(
                TableName=self._table,
                Key=request_key(request.run),
                UpdateExpression="SET #state = :decided, decision = :verdict, decided_by = :by, decided_at = :at, "
                "#comment = :comment, delivery = :pending, #open = :open, attend_at = :soon",
                ConditionExpression="#state = :waiting AND release_name = :release "
                f"AND expires_at {'<=' if decision.verdict == 'expire' else '>'} :now",
                ExpressionAttributeNames={"#state": "state", "#comment": "comment", "#open": OPEN_INDEX},
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
                    ":open": {"S": OPEN},
                    ":soon": {"N": f"{now + DELIVERED_WITHIN_SECONDS:.3f}"},
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
                UpdateExpression="SET delivery = :delivery REMOVE #open, attend_at",
                ConditionExpression="delivery <> :delivered",
                ExpressionAttributeNames={"#open": OPEN_INDEX},
                ExpressionAttributeValues={
                    ":delivery": {"S": delivery},
                    ":delivered": {"S": Delivery.DELIVERED},
                },
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return

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
        try:
            self._dynamodb.update_item(
                TableName=self._table,
                Key=request_key(run),
                UpdateExpression="SET attend_at = :at",
                ConditionExpression="attribute_exists(#open)",
                ExpressionAttributeNames={"#open": OPEN_INDEX},
                ExpressionAttributeValues={":at": {"N": f"{at:.3f}"}},
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return

    def _get(self, key: Item) -> dict[str, Any] | None:
        return self._dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")
