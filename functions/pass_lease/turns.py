"""Whose turn it is when a run has ended."""

from collections.abc import Sequence
from dataclasses import dataclass

from contracts.lease import WaitingRun


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
