"""Whose turn it is when a run has ended."""

from collections.abc import Sequence
from dataclasses import dataclass

from contracts.lease import Lease, WaitingRun


@dataclass(frozen=True)
class Turn:
    """Who gets the lease, and who else is woken to see that they need not wait any longer."""

    next: WaitingRun
    others: tuple[WaitingRun, ...] = ()


def next_turn(waiting: Sequence[WaitingRun]) -> Turn | None:
    """The turn after the holder's; None when nobody waits.

    The policy is that of the newest run, because its settings are the latest. Under `newest` and `hold` the newest
    run gets the lease, and the older ones learn at once that they are superseded. Under `oldest` they go on waiting.
    """
    if not waiting:
        return None
    by_age = sorted(waiting, key=lambda run: run.priority)
    if by_age[-1].policy == "oldest":
        return Turn(by_age[0])
    return Turn(by_age[-1], tuple(by_age[:-1]))


def mark_after(lease: Lease, ended: str, waiting: Sequence[WaitingRun]) -> str | None:
    """What the holder's mark has to be once `ended` (an execution's ARN) waits no more; None when it may stay.

    A run that has marked the holder and then ended would leave the holder's dataset unreleased, and its own as well.
    """
    marked_it = lease.superseded_by.endswith(f"#{ended.rsplit(':', 1)[-1]}")
    if not marked_it or any(run.execution_arn == ended for run in waiting):
        return None
    newer = [run.priority for run in waiting if run.policy == "newest" and run.priority > lease.priority]
    return max(newer, default="")
