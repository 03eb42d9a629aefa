"""The approval record: `request_approval` writes it, `decide_release` decides on it.

One table with keys `pk` and `sk`. `run#<run>` / `approval` is the request and, later, the decision;
`link#<sha256 of a link id>` / `link` leads from a mailed link to its run and approver. A link id itself is
stored nowhere, and the callback token only encrypted. `nonce#…` are nonces that were used, and `bucket#…` say how
often somebody may still come (functions/decide_release).

A request that still needs something is in the index `open` (`open` = `yes`, `attend_at`, in epoch seconds): at that
time somebody has to look after it, whether it was decided and the run has not heard of it, or nobody has decided.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Literal, get_args

from contracts.errors import ApprovalExpired, LeaseLost, ReleaseFault, ReleaseRejected, Superseded
from contracts.evidence import Evidence
from contracts.release import Release

Item = dict[str, Any]
"""A DynamoDB item or key in the low-level form: attribute → {type: value}."""

Verdict = Literal["approve", "reject", "supersede", "withdraw", "expire"]
"""The first two are people's. A newer run supersedes; what follows a run's end withdraws; time expires."""

TAKEN_BACK = ("supersede", "withdraw")
ASKED_ANEW = (*TAKEN_BACK, "expire")
"""Nobody's decisions: a run that goes on after one asks again."""

# A run whose question is withdrawn while it waits was redriven while its former end was still being closed.
_ERRORS: Mapping[str, type[ReleaseFault]] = {
    "reject": ReleaseRejected,
    "supersede": Superseded,
    "withdraw": LeaseLost,
    "expire": ApprovalExpired,
}

WAITING = "waiting"
DECIDED = "decided"

OPEN_INDEX = "open"
OPEN = "yes"
# So long whoever has claimed a decision has for telling the run, before somebody else does.
DELIVERED_WITHIN_SECONDS = 60

# SendTaskFailure takes 256 characters of error and 32,768 of cause; ours stays readable in a mail.
MAXIMUM_COMMENT_CHARACTERS = 1_000
# As long as Step Functions keeps an execution's history, so that record and history can be read side by side.
KEPT_AFTER_EXPIRY_SECONDS = 90 * 86_400


MailKind = Literal["mailed", "reminded", "told"]
"""Maps of a request's item, from addresses to the mails' ids: who was asked, asked again, and told how it ended."""


class Delivery(StrEnum):
    """How far a decision has come on its way to the run that waits for it."""

    PENDING = "pending"
    DELIVERED = "delivered"
    REFUSED = "refused"
    """The run waits no longer: it expired, was stopped, or went on."""


@dataclass(frozen=True)
class Decision:
    """What was decided. `by` is the person a link was issued to, or the terminal; `at` is ISO 8601 in UTC."""

    verdict: Verdict
    by: str
    at: str
    comment: str
    approver: str = ""
    """The address of the person who is known to have decided, or to have completed an approval."""

    @property
    def approved(self) -> bool:
        """Whether the release may go to production."""
        return self.verdict == "approve"

    @property
    def error(self) -> str:
        """The name with which the waiting task fails."""
        return _ERRORS[self.verdict].__name__

    @property
    def by_a_person(self) -> bool:
        """Whether it counts for the release, whichever way its run takes; otherwise the question was taken back."""
        return self.verdict not in ASKED_ANEW

    def cause(self) -> str:
        """Why the waiting task fails: the reason first, it is mailed to people."""
        if not self.by_a_person:
            return self.comment
        return f"{self.comment} (rejected at {self.at}, {self.by})"


@dataclass(frozen=True)
class PartialApproval:
    """One person's approval where it takes several. `at` is ISO 8601 in UTC."""

    approver: str
    at: str
    comment: str


@dataclass(frozen=True)
class Policy:
    """Who may decide. Addresses are compared without regard to upper and lower case."""

    required: int = 1
    """So many different people have to approve; one is enough to reject."""
    requester: str = ""
    """Who asked for the run, where that person may not approve; was not asked, and is here to be told."""
    escalation: str = ""
    """Is asked as well when the others are reminded."""

    @property
    def tells_apart(self) -> bool:
        """Whether it matters who it is that decides."""
        return self.required > 1 or bool(self.requester)


@dataclass(frozen=True)
class ApprovalRequest:
    """One run's question and, once there is one, its decision. `expires_at` is in epoch seconds.

    `approvals` are those that were not enough, in the order in which they were given; the last one is the decision.
    """

    run: str
    release: Release
    asked_at: str
    expires_at: int
    approvers: tuple[str, ...]
    policy: Policy
    remind_at: int
    """In epoch seconds; `expires_at` when nobody is reminded."""
    evidence: Evidence
    mailed: frozenset[str]
    reminded: frozenset[str]
    told: frozenset[str]
    approvals: tuple[PartialApproval, ...]
    decision: Decision | None
    delivery: Delivery | None
    encrypted_token: bytes = field(repr=False)

    @property
    def has_link(self) -> tuple[str, ...]:
        """Everybody who could decide by mail, as far as mails could be sent."""
        reached = self.mailed | self.reminded
        return tuple(each for each in (*self.approvers, self.policy.escalation) if each in reached)

    def asked(self, address: str) -> str | None:
        """The approver of this address, as the settings spell it; None for somebody who may not decide."""
        may_decide = (*self.approvers, *([self.policy.escalation] if self.policy.escalation else []))
        return next((each for each in may_decide if each.lower() == address.lower()), None)

    def approval_of(self, approver: str) -> PartialApproval | None:
        """What this person has approved already, where that was not enough."""
        return next((each for each in self.approvals if each.approver == approver.lower()), None)

    def output(self) -> str:
        """What the waiting task returns on an approval.

        Raises:
            ValueError: nothing was decided.
        """
        decision = self.decision
        if decision is None:
            raise ValueError("nothing was decided")
        answer: dict[str, Any] = {"decision": decision.verdict, "by": decision.by}
        answer |= {"at": decision.at, "comment": decision.comment}
        if self.approvals:
            answer["before"] = [asdict(approval) for approval in self.approvals]
        return json.dumps(answer)

    def expired(self, now: float) -> bool:
        """Whether the deadline has passed at `now` (epoch seconds). DynamoDB's own expiry only cleans up."""
        return now >= self.expires_at

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> "ApprovalRequest":
        """From a stored item."""
        decided = item["state"]["S"] == DECIDED
        return cls(
            run=item["run"]["S"],
            release=Release.from_fields(json.loads(item["dossier"]["S"])),
            asked_at=item["asked_at"]["S"],
            expires_at=int(item["expires_at"]["N"]),
            approvers=tuple(approver["S"] for approver in item["approvers"]["L"]),
            policy=Policy(**json.loads(item["policy"]["S"])),
            evidence=Evidence.from_json(item["evidence"]["S"]),
            approvals=_approvals(item),
            remind_at=int(item["remind_at"]["N"]),
            **{kind: frozenset(item[kind]["M"]) for kind in get_args(MailKind)},
            decision=_decision(item) if decided else None,
            delivery=Delivery(item["delivery"]["S"]) if decided else None,
            encrypted_token=bytes(item["token"]["B"]),
        )


@dataclass(frozen=True)
class Link:
    """Where a mailed link leads."""

    run: str
    approver: str


def request_key(run: str) -> Item:
    """The key of a run's request."""
    return {"pk": {"S": f"run#{run}"}, "sk": {"S": "approval"}}


def link_key(link_hash: str) -> Item:
    """The key of a link."""
    return {"pk": {"S": f"link#{link_hash}"}, "sk": {"S": "link"}}


def hash_link(link_id: str) -> str:
    """What is stored of a link id. Ids are random and long, so a plain hash cannot be searched."""
    return hashlib.sha256(link_id.encode()).hexdigest()


def encryption_context(run: str) -> dict[str, str]:
    """Binds an encrypted token to its run: it cannot be decrypted as another run's."""
    return {"run": run}


def _decision(item: Mapping[str, Any]) -> Decision:
    return Decision(
        verdict=item["decision"]["S"],
        by=item["decided_by"]["S"],
        at=item["decided_at"]["S"],
        comment=item["comment"]["S"],
        approver=item["approver"]["S"] if "approver" in item else "",
    )


def _approvals(item: Mapping[str, Any]) -> tuple[PartialApproval, ...]:
    given = [
        PartialApproval(approver, each["M"]["at"]["S"], each["M"]["comment"]["S"])
        for approver, each in item["approvals"]["M"].items()
    ]
    return tuple(sorted(given, key=lambda approval: approval.at))
