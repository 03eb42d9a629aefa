"""A decision in words, for the page, the terminal and the mails."""

from contracts.approval import ApprovalRequest, Decision, Delivery
from contracts.times import epoch_seconds, time_in_words

_PAST = {
    "approve": "approved",
    "reject": "rejected",
    "supersede": "withdrawn",
    "withdraw": "withdrawn",
    "expire": "left undecided",
}
_TAKEN_BACK = "Nobody has to decide about it any more, and production stays as it is."
_CONSEQUENCES = {
    "approve": "The run deploys the release to production.",
    "reject": "The run ends, and production stays as it is.",
    "supersede": _TAKEN_BACK,
    "withdraw": _TAKEN_BACK,
    "expire": _TAKEN_BACK,
}
_PENDING = "The decision is recorded and stands, but the run could not be told yet."
_REFUSED = "The run no longer waits for an answer: it went on, was stopped, or its time was over."


def past(decision: Decision) -> str:
    """What was done with the release, in a word."""
    return _PAST[decision.verdict]


def decided(release: str, decision: Decision) -> str:
    """Who decided what about the release of this name, and when."""
    when = time_in_words(epoch_seconds(decision.at))
    return f"{release} was {past(decision)} on {when} ({decision.by})."


def consequence(decision: Decision, delivery: Delivery | None) -> str:
    """What has come of a decision."""
    if delivery is Delivery.PENDING:
        return _PENDING
    # A question is withdrawn from runs that have ended, too.
    if delivery is Delivery.REFUSED and decision.by_a_person:
        return _REFUSED
    return _CONSEQUENCES[decision.verdict]


def others_missing(request: ApprovalRequest) -> str:
    """What a release waits for that some have approved."""
    missing = request.policy.required - len(request.approvals)
    given = ", ".join(approval.approver for approval in request.approvals) or "nobody"
    more = "one more person" if missing == 1 else f"{missing} more people"
    return f"{request.release.name} is approved by {given}, and waits for {more} to approve it."
