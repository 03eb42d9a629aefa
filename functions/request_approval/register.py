"""The question's place in the approvals table."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final, get_args

from contracts.approval import (
    ASKED_ANEW,
    DECIDED,
    KEPT_AFTER_EXPIRY_SECONDS,
    OPEN,
    OPEN_INDEX,
    WAITING,
    ApprovalRequest,
    Decision,
    Delivery,
    Item,
    MailKind,
    request_key,
)
from contracts.times import epoch_seconds

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from contracts.evidence import Evidence
    from functions.request_approval.question import Question


class Register:
    """Writes questions."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def ask(self, question: "Question", evidence: "Evidence", encrypted_token: bytes) -> ApprovalRequest:
        """Store a new question, or renew the token of one that was asked before; returns what is now stored.

        A person's decision about this very release stays, and so do links that were mailed. A question that was
        withdrawn, or has expired, is asked anew: whether the run may ask is for its lease to say.
        """
        fields = _question_fields(question, evidence, encrypted_token)
        # A decided question is looked after, or is not any more: that must not begin again, nor be put off.
        decided = {name: value for name, value in fields.items() if name not in _LOOKED_AFTER}
        for renewed, condition in ((fields, _UNDECIDED), (decided, _DECIDED)):
            if stored := self._renew(question, renewed, condition):
                return ApprovalRequest.from_item(stored)
        item = {**request_key(question.run), **fields, "state": {"S": WAITING}, **_NOBODY_YET}
        self._dynamodb.put_item(TableName=self._table, Item=item)
        return ApprovalRequest.from_item(item)

    def record_delivery(self, run: str) -> None:
        """Remember that the decision made about `run` has reached it."""
        self._dynamodb.update_item(
            TableName=self._table,
            Key=request_key(run),
            UpdateExpression="SET delivery = :delivered",
            ExpressionAttributeValues={":delivered": {"S": Delivery.DELIVERED}},
        )

    def withdraw(self, run: str, decision: Decision) -> None:
        """Close a question that nobody has decided; one that somebody has stays as it is.

        It stays open for those to be told who have a link.
        """
        try:
            self._dynamodb.update_item(
                TableName=self._table,
                Key=request_key(run),
                UpdateExpression="SET #state = :decided, decision = :verdict, decided_by = :by, decided_at = :at, "
                "#comment = :comment, delivery = :delivered, attend_at = :now",
                ConditionExpression="#state = :waiting",
                ExpressionAttributeNames={"#state": "state", "#comment": "comment"},
                ExpressionAttributeValues={
                    ":waiting": {"S": WAITING},
                    ":decided": {"S": DECIDED},
                    ":verdict": {"S": decision.verdict},
                    ":by": {"S": decision.by},
                    ":at": {"S": decision.at},
                    ":comment": {"S": decision.comment},
                    ":delivered": {"S": Delivery.DELIVERED},
                    ":now": {"N": str(int(epoch_seconds(decision.at)))},
                },
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return

    def _renew(self, question: "Question", fields: Item, condition: str) -> Mapping[str, Any] | None:
        """What is stored then; None where the condition does not hold."""
        verdicts = {f":{verdict}": {"S": verdict} for verdict in ASKED_ANEW} if condition == _DECIDED else {}
        try:
            return self._dynamodb.update_item(
                TableName=self._table,
                Key=request_key(question.run),
                UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in fields),
                ConditionExpression=f"#release_name = :release_name AND {condition}",
                ExpressionAttributeNames={f"#{name}": name for name in fields},
                ExpressionAttributeValues={f":{name}": value for name, value in fields.items()} | verdicts,
                ReturnValues="ALL_NEW",
            )["Attributes"]
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return None


_LOOKED_AFTER: Final = frozenset({OPEN_INDEX, "attend_at"})
_UNDECIDED: Final = "attribute_not_exists(decision)"
_DECIDED: Final = "attribute_exists(decision) AND NOT decision IN (:supersede, :withdraw, :expire)"
_NOBODY_YET: Final[Item] = {name: {"M": {}} for name in (*get_args(MailKind), "approvals")}


def _question_fields(question: "Question", evidence: "Evidence", encrypted_token: bytes) -> Item:
    return {
        "run": {"S": question.run},
        "release_name": {"S": question.release.name},
        "dossier": {"S": question.dossier},
        "evidence": {"S": evidence.to_json()},
        "approvers": {"L": [{"S": approver} for approver in question.approvers]},
        "policy": {"S": json.dumps(asdict(question.policy))},
        "asked_at": {"S": question.asked_at},
        "expires_at": {"N": str(question.expires_at)},
        "remind_at": {"N": str(question.remind_at)},
        OPEN_INDEX: {"S": OPEN},
        "attend_at": {"N": str(question.remind_at)},
        "purge_at": {"N": str(question.expires_at + KEPT_AFTER_EXPIRY_SECONDS)},
        "token": {"B": encrypted_token},
    }
