"""What a line of execution sees: moto's `Environment` with the cloud's clock, a scope, and waits one can interrupt.

moto waits in threads that nobody wakes and sleeps in real time. Here every wait goes through `wait`, which ends for
three reasons: what was waited for, the deadline in the cloud's time, or the line of execution having to end.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventHistoryContext
from moto.stepfunctions.parser.asl.eval.variable_store import VariableStore

from local.clock import Clock
from local.stepfunctions.interpreter.history import EventHistory
from local.stepfunctions.interpreter.scope import ExecutionBroken, Interrupted, Scope
from local.stepfunctions.redrive import Position

# Longer than AWS lets anything wait (99,999,999 s), short enough for every platform's timers.
_FOREVER_SECONDS = 4e9


class Clients(Protocol):
    """Makes the API clients of an execution."""

    def __call__(self, service: str, region: str, role_arn: str) -> Any:
        """A boto3 client acting under the role. Raises ClientError when the role cannot be assumed."""
        ...


class Tokens(Protocol):
    """Where task tokens are waited for; see `local.stepfunctions.tokens`."""

    def issue(self, execution_arn: str, secret: str) -> Any: ...


@dataclass(frozen=True)
class World:
    """What an execution may touch outside itself."""

    clock: Clock
    clients: Clients
    tokens: Tokens
    watch: Callable[[str, threading.Event], None]
    """Have an event set when the execution of an ARN ends."""
    broken: Callable[[ExecutionBroken], None]
    """Called when the execution cannot go on."""
    entered: Callable[[str], None]
    """Called with the name of each state that is entered, once that is written down."""
    going_down: threading.Event
    """Set when the cloud stops and executions will go on in another process."""
    most_events: int
    """The quota of events in a history."""


class ExecutionEnvironment(Environment):  # type: ignore[misc]
    """The environment of a program, or a frame of it: a branch, an iteration."""

    world: World
    scope: Scope

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._wakers: set[threading.Event] = set()
        self.entered_event_id = 0
        """The id of the event that entered the present state."""
        self.pending_assignments: dict[str, Any] = {}
        """What the present state assigns: later states see it, this one does not."""
        self.goes_on_at: Position | None = None
        """Where a redriven program goes on, until it has."""

    def begin(self, world: World, scope: Scope, history: EventHistory) -> None:
        """Turn a new environment into that of a whole program."""
        self.world = world
        self.event_manager = history
        self.enter(scope)

    def go_on_at(self, position: Position) -> None:
        """Have the program begin there, knowing what it knew."""
        self.goes_on_at = position
        self.states.reset(input_value=position.input)
        for name, value in position.variables.items():
            self.variable_store.set(variable_identifier=name, variable_value=value)

    def enter(self, scope: Scope) -> None:
        """From now on effects belong to this scope."""
        self.scope = scope
        self.event_history_context.scope = scope

    @classmethod
    def as_frame_of(
        cls, env: "ExecutionEnvironment", event_history_frame_cache: EventHistoryContext | None = None
    ) -> "ExecutionEnvironment":
        """A frame that shares the variables: part of the same line of execution."""
        frame = cls._frame(env, env.variable_store, event_history_frame_cache)
        frame.enter(env.scope)
        return frame

    @classmethod
    def as_inner_frame_of(
        cls,
        env: "ExecutionEnvironment",
        variable_store: VariableStore,
        event_history_frame_cache: EventHistoryContext | None = None,
    ) -> "ExecutionEnvironment":
        """A frame with variables of its own: the next branch."""
        frame = cls._frame(env, variable_store, event_history_frame_cache)
        frame.enter(env.scope.branch())
        return frame

    @classmethod
    def _frame(
        cls, env: "ExecutionEnvironment", variables: VariableStore, context: EventHistoryContext | None
    ) -> "ExecutionEnvironment":
        frame: ExecutionEnvironment = super().as_inner_frame_of(env, variables, context)
        frame.world = env.world
        data = env.states.context_object.context_object_data
        if "Map" in data:
            frame.states.context_object.context_object_data["Map"] = data["Map"]
        return frame

    def wait(self, waker: threading.Event, deadline: float | None) -> bool:
        """Wait until the event is set or the cloud's time reaches the deadline (None: for ever); True for the event.

        Raises Interrupted when the line of execution has to end.
        """
        clock = self.world.clock
        self._wakers.add(waker)
        try:
            while self.is_running() and not waker.is_set():
                seconds = _FOREVER_SECONDS if deadline is None else deadline - clock.now()
                if seconds <= 0:
                    return False
                clock.wait(waker, seconds)
        finally:
            self._wakers.discard(waker)
        if not self.is_running():
            raise Interrupted
        return True

    def perform(self, call: Callable[[], Any], deadline: float | None) -> Any:
        """The result of a call that blocks, made on a thread of its own so that this one can be interrupted.

        Raises what the call raises, TimeoutError at the deadline (the call is left to itself), and Interrupted.
        """
        done = threading.Event()
        outcome: list[Any] = [None, None]

        def run() -> None:
            try:
                outcome[0] = call()
            except Exception as fault:
                outcome[1] = fault
            done.set()

        threading.Thread(target=run, name="states-call", daemon=True).start()
        if not self.wait(done, deadline):
            raise TimeoutError
        if outcome[1] is not None:
            raise outcome[1]
        return outcome[0]

    def set_ended(self) -> None:
        super().set_ended()
        self._wake()

    def set_error(self, error: Any) -> None:
        super().set_error(error)
        self._wake()

    def set_timed_out(self) -> None:
        super().set_timed_out()
        self._wake()

    def set_stop(self, stop_date: Any, cause: str | None, error: str | None) -> None:
        """Stop this line of execution, but not before it has replayed what it did before it was stopped."""
        if self.is_frame():
            self.scope.replay.wait_drained(self.scope.path)
        super().set_stop(stop_date, cause, error)
        self._wake()

    def _wake(self) -> None:
        for waker in list(self._wakers):
            waker.set()
