"""How a state is entered and left, and how one follows the other.

Replaces the bodies of `Program`, `CommonStateField`, `StateChoice` and `AssignDecl`:

- State.EnteredTime and all else that is stamped is the cloud's time;
- where the program stands is noted with every state that is entered or left, for a redrive goes on from there;
- a fault that is caught may lead into the same state again;
- Assign takes effect when the state ends: neither its Output nor its own other assignments see it, as on AWS;
- data over 256 KiB end the execution as States.DataLimitExceeded.
"""

import datetime as dt
import json
from collections.abc import Callable
from typing import Any, Final

from moto.stepfunctions.parser.asl.component.common.catch.catch_outcome import CatchOutcome
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEventException
from moto.stepfunctions.parser.asl.component.eval_component import EvalComponent
from moto.stepfunctions.parser.asl.component.state.state import CommonStateField
from moto.stepfunctions.parser.asl.utils.json_path import NoSuchJsonPathError

from local.stepfunctions.interpreter.failures import failure, located, runtime_failure
from local.stepfunctions.interpreter.scope import ExecutionBroken, Interrupted
from local.stepfunctions.redrive import Position
from local.stepfunctions.task_faults import DATA_LIMIT_EXCEEDED, RUNTIME

# "Maximum input or result size for a task, state, or execution" in the developer guide's quotas.
MOST_BYTES: Final = 262_144
_DEFAULT_TAKEN: Final = "default taken"


def iso_time(epoch_seconds: float) -> str:
    """As the context object writes times: 2026-11-23T05:00:00.123Z."""
    moment = dt.datetime.fromtimestamp(epoch_seconds, dt.UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def within_limit(value: Any) -> bool:
    return len(json_text(value).encode()) <= MOST_BYTES


def program_eval(self: Any, env: Any) -> None:
    """For `Program.eval`: in the caller's thread; the machine's timeout is watched by who runs the program."""
    if env.program_state() is not None and not env.is_running():
        return  # a branch that was stopped before its thread began
    if env.goes_on_at is None:
        env.next_state_name = self.start_at.start_at_name
    else:
        env.next_state_name = env.goes_on_at.state
    EvalComponent.eval(self, env)


def program_body(self: Any, env: Any) -> None:
    """For `Program._eval_body`: state after state. How it ended is told by ``env.program_state()``."""
    try:
        while env.is_running():
            self._get_state(env.next_state_name).eval(env)
            env.stack.clear()
            env.heap.clear()
    except FailureEventException as fault:
        env.set_error(error=fault.get_execution_failed_event_details())
    except Interrupted:
        return
    except ExecutionBroken as fault:
        env.world.broken(fault)
    except Exception as fault:
        if not env.is_running():
            return  # stopped meanwhile, which moto meets with errors of its own
        env.set_error({"error": RUNTIME, "cause": located(env, f"{type(fault).__name__}: {fault}")})


def state_body(self: Any, env: Any) -> None:
    """For `CommonStateField._eval_body`."""
    env.entered_event_id, entered_at = _enter(self, env)
    context = env.states.context_object.context_object_data
    context["State"] = {"EnteredTime": iso_time(entered_at), "Name": self.name}
    env.pending_assignments = {}
    try:
        self._eval_state_input(env=env)
        self._eval_state(env)
        if not env.is_running():
            return
        caught = bool(env.stack) and isinstance(env.stack[-1], CatchOutcome)
        self._eval_state_output(env=env)
    except NoSuchJsonPathError as fault:
        raise runtime_failure(env, path_missing(env, fault)) from fault
    self._verify_size_quota(env=env, value=env.states.get_input())
    for name, value in env.pending_assignments.items():
        env.variable_store.set(variable_identifier=name, variable_value=value)
    if not caught:
        # A catcher has set the next state; when that is this one again, moto would take it for none.
        self._set_next(env)
    if self.state_exited_event_type is not None:
        details = _told(self, env, "output")
        if env.pending_assignments:
            assigned = {name: json_text(value) for name, value in env.pending_assignments.items()}
            details |= {"assignedVariables": assigned, "assignedVariablesDetails": {"truncated": False}}
        env.event_manager.add_event(
            context=env.event_history_context,
            event_type=self.state_exited_event_type,
            event_details={"stateExitedEventDetails": details},
            reached=_standing(env, env.next_state_name) if env.is_running() else None,
        )


def _enter(self: Any, env: Any) -> tuple[int, float]:
    """The event that entered the state and its time. The state that a redrive goes on in is not entered again."""
    goes_on_at, env.goes_on_at = env.goes_on_at, None
    if goes_on_at is not None and goes_on_at.entered is not None:
        event_id, at = goes_on_at.entered
        return event_id, at
    event_id = env.event_manager.add_event(
        context=env.event_history_context,
        event_type=self.state_entered_event_type,
        event_details={"stateEnteredEventDetails": _told(self, env, "input")},
        reached=_standing(env, self.name, entered=True),
    )
    return event_id, env.scope.time


def _standing(env: Any, state: str, *, entered: bool = False) -> Callable[[int, float], Position] | None:
    """The program's position with the event that is about to be added; branches and iterations have none."""
    if env.is_frame():
        return None
    # Copied as text: moto goes on changing the values.
    known = json_text({"input": env.states.get_input(), "variables": env.variable_store._inner_scope})
    return lambda event_id, at: Position(state, **json.loads(known), entered=(event_id, at) if entered else None)


def _told(self: Any, env: Any, data: str) -> dict[str, Any]:
    return {"name": self.name, data: json_text(env.states.get_input()), f"{data}Details": {"truncated": False}}


def json_text(value: Any) -> str:
    """Compact JSON as AWS writes it, with other alphabets as they are."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def path_missing(env: Any, fault: NoSuchJsonPathError) -> str:
    """The Cause of a JSONPath that leads nowhere."""
    return (
        f"The JSONPath '{fault.json_path}' specified for the field '{env.next_field_name}' could not be found in the "
        f"input '{json.dumps(fault.data, default=str)}'"
    )


def verify_size(self: Any, env: Any, value: Any) -> None:
    """For `CommonStateField._verify_size_quota`."""
    if not within_limit(value):
        cause = (
            f"The state/task '{self.name}' returned a result with a size exceeding the maximum number of bytes "
            "service limit."
        )
        raise failure(env, DATA_LIMIT_EXCEEDED, cause, "ExecutionFailed")


def assign_body(self: Any, env: Any) -> None:
    """For `AssignDecl._eval_body`: noted now, in effect when the state ends."""
    assigned: dict[str, Any] = {}
    for binding in self.declaration_bindings:
        binding.eval(env=env)
        assigned.update(env.stack.pop())
    env.pending_assignments.update(assigned)


def choice_state(self: Any, env: Any) -> None:
    """For `StateChoice._eval_state`: no rule and no Default is the execution's end, in AWS's words."""
    for rule in self.choices_decl.rules:
        rule.eval(env)
        if env.stack.pop() is True:
            env.stack.append(rule.next_stmt.name)
            return
    if self.default_state is None:
        cause = "Failed to transition out of the state. The state does not point to a next state."
        raise runtime_failure(env, cause)
    env.heap[_DEFAULT_TAKEN] = True
    env.stack.append(self.default_state.state_name)


def choice_output(self: Any, env: Any) -> None:
    """For `StateChoice._eval_state_output`: the Default's Assign and Output only when no rule matched."""
    next_state: str = env.stack.pop()
    if env.heap.pop(_DEFAULT_TAKEN, False):
        for part in (self.assign_decl, self.output):
            if part:
                part.eval(env=env)
    if self._is_language_query_jsonpath():
        CommonStateField._eval_state_output(self, env=env)
    env.next_state_name = next_state


def say_nothing(self: Any, *_: object, **__: object) -> None:
    """For moto's logging of failures, which writes the parse tree of the component each time."""
