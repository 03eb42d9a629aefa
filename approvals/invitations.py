"""Links and mails of requests."""

from typing import TYPE_CHECKING

from approvals.updates import Updates
from contracts.approval import (
    KEPT_AFTER_EXPIRY_SECONDS,
    ApprovalRequest,
    MailKind,
    hash_link,
    link_key,
    request_key,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class Invitations:
    """Remembers which link leads where, and who has which mail."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._updates = Updates(dynamodb, table)

    def add_link(self, link_id: str, approver: str, request: ApprovalRequest) -> None:
        """Make `link_id` lead to the request, as `approver`'s."""
        self._dynamodb.put_item(
            TableName=self._table,
            Item={
                **link_key(hash_link(link_id)),
                "run": {"S": request.run},
                "approver": {"S": approver},
                "purge_at": {"N": str(request.expires_at + KEPT_AFTER_EXPIRY_SECONDS)},
            },
        )

    def record_mail(self, run: str, kind: MailKind, address: str, message_id: str) -> None:
        """Remember who has which mail."""
        self._updates.update(
            request_key(run),
            UpdateExpression="SET #kind.#address = :message",
            ConditionExpression="attribute_exists(#kind)",
            ExpressionAttributeNames={"#kind": kind, "#address": address},
            ExpressionAttributeValues={":message": {"S": message_id}},
        )
