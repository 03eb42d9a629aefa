"""The events of one execution: numbered and stamped with the cloud's time, the same again on a replay.

Takes the place of moto's `EventManager`, which stamps real time and counts without limit.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any, Final

from moto.stepfunctions.parser.asl.eval.event.event_manager import EventHistoryContext, EventManager

from local.clock import Clock
from local.stepfunctions.interpreter.scope import ExecutionBroken, Interrupted, Replay, Scope
from local.stepfunctions.redrive import Position

Json = dict[str, Any]

EXECUTION_ENDED: Final = frozenset({"ExecutionSucceeded", "ExecutionFailed", "ExecutionAborted", "ExecutionTimedOut"})


class TooManyEvents(ExecutionBroken):
    """The execution has reached the quota of history events."""

    def __init__(self, most_events: int) -> None:
        super().__init__(f"The execution reached the maximum number of history events ({most_events}).")


class EventHistory(EventManager):  # type: ignore[misc]
    """Events in the shape of GetExecutionHistory, timestamps in epoch seconds."""

    def __init__(
        self,
        clock: Clock,
        replay: Replay,
        former: Sequence[Json],
        position: Position | None,
        entered: Callable[[str], None],
        most_events: int,
    ) -> None:
        """``former`` is what happened before the execution was redriven, ``position`` where it goes on.

        ``entered`` is called with a state's name when its entry is written down for the first time. The last of
        ``most_events`` events is the one that says so.
        """
        super().__init__()
        self._entered = entered
        self._most_events = most_events
        self._clock = clock
        self._replay = replay
        self._events: list[Json] = list(former)
        self._highest_id = max((int(event["id"]) for event in former), default=0)
        self._closed = False
        self.position = position
        """Where the program stands after the last event."""

    def add_event(
        self,
        context: EventHistoryContext,
        event_type: str,
        event_details: Json | None = None,
        timestamp: object = None,  # noqa: ARG002 - the signature is moto's
        update_source_event_id: bool = True,
        reached: Callable[[int, float], Position] | None = None,
    ) -> int:
        """``reached`` tells from the event's id and time where the program stands with it.

        Raises Interrupted when the execution has ended, TooManyEvents at the quota.
        """
        scope: Scope = context.scope
        recorded = self._replay.take(scope.path, "event")
        with self._mutex:
            if self._closed:
                raise Interrupted
            now = (self._highest_id + 1, round(self._clock.now(), 3), context.source_event_id)
            event_id, at, previous = recorded[1] if recorded else now
            if event_id >= self._most_events:
                raise TooManyEvents(self._most_events)
            if recorded is None:
                self._replay.record(scope.path, "event", [event_id, at, previous])
            kind = getattr(event_type, "value", event_type)  # moto's names are members of an enumeration
            self._put(event_id, at, previous, kind, event_details)
            if reached is not None:
                self.position = reached(event_id, at)
        if recorded is None and kind.endswith("StateEntered"):
            self._entered((event_details or {})["stateEnteredEventDetails"]["name"])
        scope.time = at
        context.last_published_event_id = event_id
        if update_source_event_id:
            context.source_event_id = event_id
        return int(event_id)

    def close(self, event_type: str, details: Json, at: float, previous_event_id: int) -> None:
        """Add the last event; what a state still under way has to say is dropped."""
        with self._mutex:
            self._closed = True
            key = event_type[0].lower() + event_type[1:] + "EventDetails"
            self._put(self._highest_id + 1, at, previous_event_id, event_type, {key: details})

    def seal(self) -> None:
        """No more events: the cloud goes down and the execution will go on in another process."""
        with self._mutex:
            self._closed = True

    def events(self) -> list[Json]:
        """In order of their ids. Not to be changed."""
        with self._mutex:
            return sorted(self._events, key=lambda event: int(event["id"]))

    def _put(self, event_id: int, at: float, previous: int, event_type: str, details: Json | None) -> None:
        self._highest_id = max(self._highest_id, event_id)
        # Copied as text: moto goes on changing the values that its details hold.
        copied: Json = json.loads(json.dumps(details or {}, default=str))
        self._events.append({"timestamp": at, "type": event_type, "id": event_id, "previousEventId": previous} | copied)
