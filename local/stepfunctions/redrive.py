"""Redrive: an execution that ended without success goes on at the step that did not succeed.

What the developer guide says ("Restarting state machine executions with redrive"): the same definition and input; the
history goes on after the former one; the machine's timeout begins again, and so do the task's own limits and retries.
"""

import dataclasses
from dataclasses import dataclass
from typing import Any, Final

from local.configuration import HISTORY_EVENTS

Json = dict[str, Any]

REDRIVABLE_SECONDS: Final = 14 * 86_400
# "The maximum open time of one year."
_MOST_OPEN_SECONDS: Final = 365 * 86_400
# ExecutionRedriven and one more event have to fit in the quota.
_MOST_EVENTS_BEFORE: Final = HISTORY_EVENTS - 1
_TOKENS_KEPT: Final = 10
_TOKEN_SECONDS: Final = 15 * 60


@dataclass(frozen=True)
class Position:
    """Where the program stands: the state that it is in, or is about to enter, and what it knows there.

    ``entered`` is the id of the event that entered the state and its time in epoch seconds, None before it.
    """

    state: str
    input: Any
    variables: Json
    entered: tuple[int, float] | None = None


@dataclass(frozen=True)
class Redrive:
    """The latest of an execution's redrives. ``at`` is in epoch seconds.

    ``position`` is None for an execution that ended before it began; ``events`` counts what its history held before;
    ``tokens`` are the client tokens that succeeded lately, with their times.
    """

    count: int
    at: float
    position: Position | None
    events: int
    tokens: tuple[tuple[str, float], ...] = ()

    def answered(self, token: str | None, now: float) -> bool:
        """Whether this client token has redriven the execution already."""
        return any(known == token and now - at < _TOKEN_SECONDS for known, at in self.tokens)

    def record(self) -> Json:
        """As JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_record(cls, record: Json | None) -> "Redrive | None":
        """From JSON."""
        if record is None:
            return None
        tokens = tuple((token, at) for token, at in record["tokens"])
        return cls(**(record | {"position": position_from(record["position"]), "tokens": tokens}))


def position_from(record: Json | None) -> Position | None:
    """From JSON."""
    if record is None:
        return None
    return Position(**(record | {"entered": tuple(record["entered"]) if record["entered"] else None}))


def next_redrive(
    former: Redrive | None, token: str | None, at: float, position: Position | None, events: int
) -> Redrive:
    """The redrive that follows."""
    tokens = (former.tokens if former else ()) + (((token, at),) if token is not None else ())
    return Redrive((former.count if former else 0) + 1, at, position, events, tokens[-_TOKENS_KEPT:])


def hindrance(status: str, started_at: float, stopped_at: float | None, events: int, now: float) -> str | None:
    """Why an execution cannot be redriven, in AWS's words; None when it can. Times are in epoch seconds."""
    if status in ("RUNNING", "SUCCEEDED"):
        return f"Execution is {status} and cannot be redriven"
    if now - started_at >= _MOST_OPEN_SECONDS:
        return "Execution has exceeded the max execution time"
    if stopped_at is not None and now - stopped_at >= REDRIVABLE_SECONDS:
        return "Execution redrivable period exceeded"
    if events >= _MOST_EVENTS_BEFORE:
        return "Execution history event limit exceeded"
    return None
