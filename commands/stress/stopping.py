"""When a load is broken off."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from load.recording import LATE_SECONDS, Bucket

Reason = Literal["finished", "errors", "generator late", "generator failed", "time", "interrupted"]
_LOOKS_BACK_SECONDS = 10
_LATE_SECONDS_ALLOWED = 5
# A few that fail are told; they do not end the test.
_LEAST_FAILURES = 10


@dataclass(frozen=True)
class Stop:
    """Why, and what was found."""

    reason: Reason
    told: str


@dataclass(frozen=True)
class Limits:
    """``errors`` is the share that may fail of what ends within ten seconds; ``seconds`` is how long all may take."""

    errors: float = 0.05
    seconds: float = 3_600.0


def reason_to_stop(buckets: Sequence[Bucket], passed_seconds: float, limits: Limits) -> Stop | None:
    """Judged by the last ten seconds; None to go on. ``passed_seconds`` since the first request of all.

    Failures count when they are known: those of an endpoint that hangs are known long after their planned seconds.
    """
    recent = buckets[-_LOOKS_BACK_SECONDS:]
    failed = sum(each.lost for each in recent)
    ended = failed + sum(each.arrived for each in recent)
    if failed >= _LEAST_FAILURES and failed > limits.errors * ended:
        share = f"{failed} of {ended} requests that ended in the last {len(recent)} s failed; {limits.errors:.0%} may"
        return Stop("errors", share)
    late = [each for each in recent if each.late_seconds > LATE_SECONDS]
    if len(late) > _LATE_SECONDS_ALLOWED:
        worst = max(each.late_seconds for each in late)
        told = (
            f"this machine could not send in time: {worst:.1f} s late at the worst, in {len(late)} of {len(recent)} s"
        )
        return Stop("generator late", told)
    if passed_seconds > limits.seconds:
        return Stop("time", f"it has taken {passed_seconds:.0f} s, of {limits.seconds:.0f} s that it may")
    return None
