"""The approvals table as a decision needs it."""

import time
from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, Any, cast

from approvals.audit import Audit
from approvals.updates import Updates
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
from contracts.audit import AuditEntry, Event
from contracts.times import iso_time_precisely

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

Way = dict[str, Any]
"""An update as a part of a transaction, without its table."""

_EVENTS: dict[str, Event] = {
    "approve": "approved",
    "reject": "rejected",
    "supersede": "superseded",
    "withdraw": "withdrawn",
    "expire": "expired",
}


class _Met(Enum):
    """What a transaction came to."""

    DONE = "it was made"
    REFUSED = "a condition does not hold"
    BUSY = "another one was at the same item"


class Register:
    """Finds requests, and takes at most one decision about each, together with its entry in the audit."""

    def __init__(
        self,
        dynamodb: "DynamoDBClient",
        table: str,
        audit: Audit,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._audit = audit
        self._updates = Updates(dynamodb, table, sleep)

    def find_link(self, link_id: str) -> Link | None:
        """Where a link leads."""
        item = self._get(link_key(hash_link(link_id)))
        return Link(run=item["run"]["S"], approver=item["approver"]["S"]) if item else None

    def find_request(self, run: str) -> ApprovalRequest | None:
        """What `run` asks, or asked."""
        item = self._get(request_key(run))
        return ApprovalRequest.from_item(item) if item else None

    def claim(self, request: ApprovalRequest, decision: Decision, now: float, source: str = "") -> None:
        """Make `decision` the only one about this request, or count it where several have to approve.

        Nothing changes when the request waits no more or has expired at `now` (to let it expire: when it has not), when
        it asks about another release than `request` by now, or when this person has approved it before.

        Raises:
            TableBusy: see there.
        """
        note = self._audit.addition(_entry(request, decision, now, source), _unique(request, decision))
        # Whether an approval is the last that was missing is for the table to say: two may come at the same time, and
        # then the one that was not counted is tried again.
        several = decision.approved and request.policy.required > 1
        ways = [_settling(request, decision, now), *([_counting(request, decision, now)] if several else [])]
        for attempt in self._updates.attempts():
            met = set()
            for way in ways:
                met.add(self._met(way, note))
                if _Met.DONE in met:
                    return
            if _Met.BUSY not in met and (attempt or not several):
                return

    def record_delivery(self, run: str, delivery: Delivery, now: float) -> None:
        """How far the decision came. What was delivered once stays delivered, whatever a second attempt met.

        From `now` on those who were asked can be told what was decided.
        """
        self._updates.update(
            request_key(run),
            UpdateExpression="SET delivery = :delivery, attend_at = :now",
            ConditionExpression="delivery <> :delivered",
            ExpressionAttributeValues={
                ":delivery": {"S": delivery},
                ":delivered": {"S": Delivery.DELIVERED},
                ":now": {"N": f"{now:.3f}"},
            },
        )

    def _get(self, key: Item) -> dict[str, Any] | None:
        return self._dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")

    def _met(self, way: Way, note: "TransactWriteItemTypeDef") -> _Met:
        update = {"Update": {"TableName": self._table, **way}}
        try:
            self._dynamodb.transact_write_items(TransactItems=[cast("TransactWriteItemTypeDef", update), note])
        except self._dynamodb.exceptions.TransactionCanceledException as fault:
            codes = {reason.get("Code") for reason in fault.response["CancellationReasons"]}
            if codes <= {"None", "ConditionalCheckFailed"}:
                return _Met.REFUSED
            if codes <= {"None", "ConditionalCheckFailed", "TransactionConflict"}:
                return _Met.BUSY
            raise
        return _Met.DONE


def _settling(request: ApprovalRequest, decision: Decision, now: float) -> Way:
    """Writes the decision, when nothing else was decided; an approval, when all others that it takes are there."""
    way = _way(request, now, "<=" if decision.verdict == "expire" else ">")
    way["UpdateExpression"] = (
        "SET #state = :decided, decision = :verdict, decided_by = :by, decided_at = :at, #comment = :comment, "
        "approver = :approver, delivery = :pending, #open = :open, attend_at = :soon"
    )
    way["ExpressionAttributeNames"] |= {"#comment": "comment", "#open": OPEN_INDEX}
    way["ExpressionAttributeValues"] |= {
        ":decided": {"S": DECIDED},
        ":verdict": {"S": decision.verdict},
        ":by": {"S": decision.by},
        ":at": {"S": decision.at},
        ":comment": {"S": decision.comment},
        ":approver": {"S": decision.approver},
        ":pending": {"S": Delivery.PENDING},
        ":open": {"S": OPEN},
        ":soon": {"N": f"{now + DELIVERED_WITHIN_SECONDS:.3f}"},
    }
    if decision.approved and request.policy.required > 1:
        _not_twice(way, decision)
        way["ConditionExpression"] += " AND size(approvals) >= :others"
        way["ExpressionAttributeValues"][":others"] = {"N": str(request.policy.required - 1)}
    return way


def _counting(request: ApprovalRequest, decision: Decision, now: float) -> Way:
    """Writes an approval that is not enough."""
    way = _way(request, now, ">")
    _not_twice(way, decision)
    way["UpdateExpression"] = "SET approvals.#approver = :approval"
    way["ConditionExpression"] += " AND size(approvals) < :others"
    way["ExpressionAttributeValues"] |= {
        ":approval": {"M": {"at": {"S": decision.at}, "comment": {"S": decision.comment}}},
        ":others": {"N": str(request.policy.required - 1)},
    }
    return way


def _way(request: ApprovalRequest, now: float, ends: str) -> Way:
    # The release's name is part of the condition: what is decided is what the person was shown.
    return {
        "Key": request_key(request.run),
        "ConditionExpression": f"#state = :waiting AND release_name = :release AND expires_at {ends} :now",
        "ExpressionAttributeNames": {"#state": "state"},
        "ExpressionAttributeValues": {
            ":waiting": {"S": WAITING},
            ":release": {"S": request.release.name},
            ":now": {"N": f"{now:.3f}"},
        },
    }


def _not_twice(way: Way, decision: Decision) -> None:
    way["ConditionExpression"] += " AND attribute_not_exists(approvals.#approver)"
    way["ExpressionAttributeNames"]["#approver"] = decision.approver.lower()


def _unique(request: ApprovalRequest, decision: Decision) -> str:
    return f"{request.run}#{decision.verdict}#{decision.approver}"


def _entry(request: ApprovalRequest, decision: Decision, now: float, source: str) -> AuditEntry:
    at = request.expires_at if decision.verdict == "expire" else now
    return AuditEntry(
        at=iso_time_precisely(at),
        event=_EVENTS[decision.verdict],
        model=request.release.model,
        release=request.release.name,
        run=request.run,
        who=decision.by,
        source=source,
        detail=decision.comment,
    )
