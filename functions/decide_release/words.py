"""A decision in words, for the page and for the terminal."""

from contracts.approval import Decision, Delivery
from contracts.times import epoch_seconds, time_in_words

_PAST = {"approve": "approved", "reject": "rejected"}
_CONSEQUENCES = {
    "approve": "The run deploys the release to production.",
    "reject": "The run ends, and production stays as it is.",
}
_PENDING = "The decision is recorded and stands, but the run could not be told yet."
_REFUSED = "The run no longer waits for an answer: it went on, was stopped, or its time was over."


def decided(release: str, decision: Decision) -> str:
    """Who decided what about the release of this name, and when."""
    when = time_in_words(epoch_seconds(decision.at))
    return f"{release} was {_PAST[decision.verdict]} on {when} ({decision.by})."


def consequence(decision: Decision, delivery: Delivery | None) -> str:
    """What has come of a decision."""
    if delivery is Delivery.PENDING:
        return _PENDING
    if delivery is Delivery.REFUSED:
        return _REFUSED
    return _CONSEQUENCES[decision.verdict]
