"""The approvals table as a decision needs it."""

import time
from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, Any

from approvals.audit import Audit
from contracts.approval import (
    DECIDED,
    DELIVERED_WITHIN_SECONDS,
    KEPT_AFTER_EXPIRY_SECONDS,
    OPEN,
    OPEN_INDEX,
    WAITING,
    ApprovalRequest,
    Decision,
    Delivery,
    Item,
    Link,
    MailKind,
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
# Whoever decides at the same time is in the way for some milliseconds only.
_TRIES = 8
_PAUSE_SECONDS = 0.02


class _Met(Enum):
    """What a transaction came to."""

    DONE = "it was made"
    REFUSED = "a condition does not hold"
    BUSY = "another one was at the same item"


class TableBusy(RuntimeError):
    """Others wrote the same item each time it was tried; nothing was decided."""


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
        self._sleep = sleep

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
        for attempt in range(_TRIES):
            met = set()
            for way in ways:
                met.add(self._met(way, note))
                if _Met.DONE in met:
                    return
            if _Met.BUSY not in met and (attempt or not several):
                return
            self._sleep(_PAUSE_SECONDS * (attempt + 1))
        raise TableBusy(f"{request.run}: {_TRIES} tries")

    def record_delivery(self, run: str, delivery: Delivery, now: float) -> None:
        """How far the decision came. What was delivered once stays delivered, whatever a second attempt met.

        From `now` on those who were asked can be told what was decided.
        """
        self._update(
            request_key(run),
            UpdateExpression="SET delivery = :delivery, attend_at = :now",
            ConditionExpression="delivery <> :delivered",
            ExpressionAttributeValues={
                ":delivery": {"S": delivery},
                ":delivered": {"S": Delivery.DELIVERED},
                ":now": {"N": f"{now:.3f}"},
            },
        )

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
        self._update(
            request_key(run),
            UpdateExpression="SET attend_at = :at",
            ConditionExpression="attribute_exists(#open)",
            ExpressionAttributeNames={"#open": OPEN_INDEX},
            ExpressionAttributeValues={":at": {"N": f"{at:.3f}"}},
        )

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
        self._update(
            request_key(run),
            UpdateExpression="SET #kind.#address = :message",
            ConditionExpression="attribute_exists(#kind)",
            ExpressionAttributeNames={"#kind": kind, "#address": address},
            ExpressionAttributeValues={":message": {"S": message_id}},
        )

    def note(self, entry: AuditEntry, unique: str) -> None:
        """Add to the audit what is no decision."""
        self._audit.add(entry, unique)

    def close(self, run: str) -> None:
        """Nothing is left to do about a request."""
        self._update(
            request_key(run),
            UpdateExpression="REMOVE #open, attend_at",
            ConditionExpression="attribute_exists(#open)",
            ExpressionAttributeNames={"#open": OPEN_INDEX},
        )

    def _get(self, key: Item) -> dict[str, Any] | None:
        return self._dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")

    def _update(self, key: Item, **what: Any) -> None:  # noqa: ANN401 - DynamoDB's own arguments
        """Unless the condition does not hold.

        Raises:
            TableBusy: see there.
        """
        for attempt in range(_TRIES):
            try:
                self._dynamodb.update_item(TableName=self._table, Key=key, **what)
            except self._dynamodb.exceptions.ConditionalCheckFailedException:
                return
            except self._dynamodb.exceptions.TransactionConflictException:
                self._sleep(_PAUSE_SECONDS * (attempt + 1))
            else:
                return
        raise TableBusy(f"{_TRIES} tries")

    def _met(self, way: Way, note: "TransactWriteItemTypeDef") -> _Met:
        update: TransactWriteItemTypeDef = {"Update": {"TableName": self._table, **way}}
        try:
            self._dynamodb.transact_write_items(TransactItems=[update, note])
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
