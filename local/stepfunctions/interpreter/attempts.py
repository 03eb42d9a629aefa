"""How states that can fail are tried, retried and caught.

Replaces the bodies of `ExecutionState`, `StateParallel` and `StateMap`: no thread per attempt (whatever blocks can be
interrupted and has its own deadline), and a fault in a task's Output or Assign can be caught.
"""

import copy
from typing import Any

from moto.stepfunctions.parser.asl.component.common.catch.catch_outcome import CatchOutcome
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEventException
from moto.stepfunctions.parser.asl.component.common.retry.retry_outcome import RetryOutcome
from moto.stepfunctions.parser.asl.component.state.exec.state_map.state_map import StateMap
from moto.stepfunctions.parser.asl.component.state.exec.state_parallel.state_parallel import StateParallel
from moto.stepfunctions.parser.asl.component.state.state import CommonStateField
from moto.stepfunctions.parser.asl.utils.json_path import NoSuchJsonPathError

from local.stepfunctions.interpreter.failures import runtime_failure
from local.stepfunctions.interpreter.states import path_missing


def attempt(self: Any, env: Any) -> None:
    """For `ExecutionState._evaluate_with_timeout`: one attempt, its result on the stack or already the next input."""
    env.scope.begin_attempt()
    self._eval_execution(env)
    if self._is_language_query_jsonpath():
        for part in (self.assign_decl, self.result_selector, self.result_path):
            if part:
                part.eval(env)
        return
    result = env.stack[-1]
    env.states.set_result(result)
    if self.assign_decl:
        self.assign_decl.eval(env=env)
    if self.output:
        self.output.eval(env=env)
    else:
        env.states.reset(input_value=result)


def execution_state(self: Any, env: Any) -> None:
    """For `ExecutionState._eval_state`: attempts until one succeeds, the retries are used up, or a Catch takes over."""
    env.states.context_object.context_object_data["State"]["RetryCount"] = 0
    if isinstance(self, StateParallel) and self.parargs is not None:
        self.parargs.eval(env=env)
    stack = copy.deepcopy(env.stack)
    while env.is_running():
        env.stack = copy.deepcopy(stack)
        env.states.set_error_output(None)
        try:
            self._evaluate_with_timeout(env)
        except Exception as fault:
            if not _handled(self, env, fault):
                return
        else:
            return


def _handled(self: Any, env: Any, fault: Exception) -> bool:
    """Whether to try again; False when a Catch took over. Raises FailureEventException when nothing did."""
    env.pending_assignments = {}
    failed = _failure_of(self, env, fault)
    event = failed.failure_event
    details: dict[str, Any] = next(iter(event.event_details.values()))
    output = {"Error": details.get("error", ""), "Cause": details.get("cause", "")}
    env.states.set_error_output(output)
    if self._is_language_query_jsonpath():
        env.states.set_result(output)
    if self.retry and self._handle_retry(env=env, failure_event=event) == RetryOutcome.CanRetry:
        return True
    if isinstance(self, (StateParallel, StateMap)):
        kind = "ParallelStateFailed" if isinstance(self, StateParallel) else "MapStateFailed"
        env.event_manager.add_event(context=env.event_history_context, event_type=kind)
    if self.catch:
        self._handle_catch(env=env, failure_event=event)
        if env.stack[-1] == CatchOutcome.Caught:
            return False
    raise failed


def _failure_of(self: Any, env: Any, fault: Exception) -> FailureEventException:
    if isinstance(fault, NoSuchJsonPathError):
        fault = runtime_failure(env, path_missing(env, fault))
    elif not isinstance(fault, FailureEventException):
        fault = runtime_failure(env, f"{type(fault).__name__}: {fault}")
    event = fault.failure_event
    # An evaluation has told its failure itself, and a failed branch told its own; the rest is told here.
    if event.event_type not in ("EvaluationFailed", "ExecutionFailed") and not isinstance(
        self, (StateParallel, StateMap)
    ):
        env.event_manager.add_event(
            context=env.event_history_context, event_type=event.event_type, event_details=event.event_details
        )
    return fault


def execution_state_output(self: Any, env: Any) -> None:
    """For `ExecutionState._eval_state_output`: a Catch has made the output; JSONata's was made in the attempt."""
    if not isinstance(env.stack[-1], CatchOutcome) and self._is_language_query_jsonpath():
        CommonStateField._eval_state_output(self, env=env)
