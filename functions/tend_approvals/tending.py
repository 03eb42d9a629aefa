"""What a request needs when somebody looks after it."""

from dataclasses import dataclass
from typing import Literal

from contracts.approval import ApprovalRequest, Decision, Delivery
from contracts.times import iso_time, time_in_words

Need = Literal["deliver", "expire", "nothing"]


@dataclass(frozen=True)
class Attention:
    """What to do now, and when to look again (epoch seconds)."""

    need: Need
    again_at: float


# A delivery that failed is tried again as often as the schedule allows.
_SOON_SECONDS = 30.0


def attention(request: ApprovalRequest, now: float) -> Attention:
    """For a request as it is at `now`."""
    if request.decision is not None:
        pending = request.delivery is Delivery.PENDING
        return Attention("deliver" if pending else "nothing", now + _SOON_SECONDS)
    if request.expired(now):
        return Attention("expire", now + _SOON_SECONDS)
    return Attention("nothing", request.expires_at)


def expiry(request: ApprovalRequest) -> Decision:
    """The decision of nobody."""
    asked = ", ".join(request.approvers)
    cause = f"Nobody decided until {time_in_words(request.expires_at)}. Asked were {asked}."
    return Decision("expire", "nobody", iso_time(request.expires_at), cause)
