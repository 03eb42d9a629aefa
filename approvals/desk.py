"""Takes a decision: claims it, then gives it to the run. The same for the page and for the terminal."""

from dataclasses import dataclass, replace
from typing import Protocol

from contracts.approval import ApprovalRequest, Decision, Delivery


class Claims(Protocol):
    """Where decisions are kept; at most one per request."""

    def find_request(self, run: str) -> ApprovalRequest | None:
        """What a run asks, or asked."""

    def claim(self, request: ApprovalRequest, decision: Decision, now: float, source: str = "") -> None:
        """Make a decision the only one, or count it where several have to approve, if that is possible."""

    def record_delivery(self, run: str, delivery: Delivery, now: float) -> None:
        """Keep how far a decision came."""


class Run(Protocol):
    """What waits for the decision."""

    def deliver(self, request: ApprovalRequest) -> Delivery:
        """Send the request's decision."""


@dataclass(frozen=True)
class Desk:
    """Decides about requests."""

    claims: Claims
    run: Run

    def decide(
        self, request: ApprovalRequest, decision: Decision, now: float, source: str = ""
    ) -> ApprovalRequest | None:
        """The request with the decision that counts, which may be an earlier one, or with the approvals that are there
        while others are missing; None when it has expired, or asks about another release by now.

        A decision that was claimed before and has not reached the run is sent again when it is repeated.
        """
        self.claims.claim(request, decision, now, source)
        current = self.claims.find_request(request.run)
        if current is None or current.release.name != request.release.name:
            return None
        if current.decision is None:
            return None if current.expired(now) else current
        if current.delivery is not Delivery.PENDING or current.decision.verdict != decision.verdict:
            return current
        return self.deliver(current, now)

    def deliver(self, request: ApprovalRequest, now: float) -> ApprovalRequest:
        """Give a request's decision to its run."""
        delivery = self.run.deliver(request)
        if delivery is not Delivery.PENDING:
            self.claims.record_delivery(request.run, delivery, now)
        return replace(request, delivery=delivery)
