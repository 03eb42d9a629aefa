"""How a state says that it failed, and which Retry and Catch may hear it.

Replaces `ErrorEqualsDecl._eval_body` (States.ALL catches what AWS lets nobody catch), the prefix of a Cause
(`FailureEventException.get_execution_failed_event_details` counts the wrong event) and the error names of branches and
iterations (moto refuses to let a `States.` error leave them).
"""

from typing import Any

from moto.stepfunctions.parser.asl.component.common.error_name.error_name import ErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent, FailureEventException
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType

from local.stepfunctions.task_faults import RUNTIME, matches


def named(error_name: str | None) -> ErrorName:
    """Moto's form of an error name, reserved or not."""
    reserved = {kind.to_name() for kind in StatesErrorNameType}
    return StatesErrorName.from_name(error_name) if error_name in reserved else ErrorName(error_name)


def failure(
    env: Any, error: str | None, cause: str | None, event: str = "TaskFailed", **details: Any
) -> FailureEventException:
    """What a component raises; ``details`` go into the history event beside error and cause."""
    key = event[0].lower() + event[1:] + "EventDetails"
    told = {name: value for name, value in (("error", error), ("cause", cause)) if value is not None}
    return FailureEventException(
        failure_event=FailureEvent(
            env=env, error_name=named(error), event_type=event, event_details={key: told | details}
        )
    )


def runtime_failure(env: Any, cause: str) -> FailureEventException:
    """A fault of the definition or of the interpreter, which nothing catches."""
    return failure(env, RUNTIME, located(env, cause), "ExecutionFailed")


def located(env: Any, cause: str) -> str:
    """The Cause as AWS begins it when the fault is in the definition rather than in what it called."""
    state, event_id = env.next_state_name, env.entered_event_id
    return f"An error occurred while executing the state '{state}' (entered at the event id #{event_id}). {cause}"


def equals_body(self: Any, env: Any) -> None:
    """For `ErrorEqualsDecl._eval_body`: replaces the error name on the stack by whether it matches."""
    error: ErrorName = env.stack.pop()
    env.stack.append(matches(error.error_name, {wanted.error_name for wanted in self.error_names}))


def failed_event_details(self: Any) -> dict[str, str] | None:
    """For `FailureEventException.get_execution_failed_event_details`: the Cause is complete already."""
    found = self.extract_error_cause_pair()
    if found is None:
        return None
    return {name: value for name, value in zip(("error", "cause"), found, strict=True) if value}
