"""What a request needs when somebody looks after it."""

from dataclasses import dataclass
from typing import Literal

from contracts.approval import ApprovalRequest, Decision, Delivery
from contracts.times import epoch_seconds, iso_time, time_in_words

Need = Literal["deliver", "tell", "expire", "remind", "nothing", "close"]

# What failed is tried again as often as the schedule allows.
_SOON_SECONDS = 30.0
# Whoever could not be told of the end by then hears of it no more.
_TOLD_WITHIN_SECONDS = 3_600.0


@dataclass(frozen=True)
class Attention:
    """What to do now, and when to look again (epoch seconds)."""

    need: Need
    again_at: float


def attention(request: ApprovalRequest, now: float) -> Attention:
    """For a request as it is at `now`."""
    soon = now + _SOON_SECONDS
    if request.decision is not None:
        if request.delivery is Delivery.PENDING:
            return Attention("deliver", soon)
        over = now > max(epoch_seconds(request.decision.at), request.expires_at) + _TOLD_WITHIN_SECONDS
        return Attention("close" if over or not to_tell(request) else "tell", soon)
    if request.expired(now):
        return Attention("expire", soon)
    if request.remind_at <= now and to_remind(request):
        return Attention("remind", soon)
    return Attention("nothing", request.expires_at if request.remind_at <= now else request.remind_at)


def to_tell(request: ApprovalRequest) -> tuple[str, ...]:
    """Who was asked, and does not know how it ended."""
    return tuple(each for each in request.has_link if each not in request.told)


def to_remind(request: ApprovalRequest) -> tuple[str, ...]:
    """Who may still approve and was not reminded; whom it escalates to is one of them."""
    waiting = (each for each in (*request.approvers, request.policy.escalation) if each)
    return tuple(each for each in waiting if each not in request.reminded and request.approval_of(each) is None)


def expiry(request: ApprovalRequest) -> Decision:
    """The decision of nobody."""
    asked = ", ".join(request.has_link)
    cause = f"Nobody decided until {time_in_words(request.expires_at)}. Asked were {asked}."
    if request.approvals:
        cause = (
            f"Until {time_in_words(request.expires_at)} only {', '.join(each.approver for each in request.approvals)} "
            f"had approved, and it takes {request.policy.required}. Asked were {asked}."
        )
    return Decision("expire", "nobody", iso_time(request.expires_at), cause)
