"""What is touched in moto, and the one place that puts every repair there.

Importing this costs nothing; `apply` imports the interpreter.
"""

import importlib
import threading
from collections.abc import Iterable
from typing import Any, Final

from local.stepfunctions.moto_modules import import_interpreter

_ASL: Final = "moto.stepfunctions.parser.asl"
_COMMON: Final = f"{_ASL}.component.common"
_STATE: Final = f"{_ASL}.component.state"
_EXEC: Final = f"{_STATE}.exec"
_MAP: Final = f"{_EXEC}.state_map.iteration"

# What is replaced in moto → what by, as module of this package and name.
REPLACED: Final[dict[str, str]] = {
    f"{_ASL}.component.program.program:Program.eval": "states:program_eval",
    f"{_ASL}.component.program.program:Program._eval_body": "states:program_body",
    f"{_STATE}.state:CommonStateField._eval_body": "states:state_body",
    f"{_STATE}.state:CommonStateField._verify_size_quota": "states:verify_size",
    f"{_EXEC}.execute_state:ExecutionState._evaluate_with_timeout": "attempts:attempt",
    f"{_EXEC}.execute_state:ExecutionState._eval_state": "attempts:execution_state",
    f"{_EXEC}.execute_state:ExecutionState._eval_state_output": "attempts:execution_state_output",
    f"{_EXEC}.state_parallel.state_parallel:StateParallel._eval_state": "attempts:execution_state",
    f"{_EXEC}.state_map.state_map:StateMap._eval_state": "attempts:execution_state",
    f"{_STATE}.choice.state_choice:StateChoice._eval_state": "states:choice_state",
    f"{_STATE}.choice.state_choice:StateChoice._eval_state_output": "states:choice_output",
    f"{_COMMON}.assign.assign_decl:AssignDecl._eval_body": "states:assign_body",
    f"{_COMMON}.error_name.error_equals_decl:ErrorEqualsDecl._eval_body": "failures:equals_body",
    f"{_COMMON}.error_name.failure_event:FailureEventException.get_execution_failed_event_details": (
        "failures:failed_event_details"
    ),
    f"{_EXEC}.state_parallel.branches_decl:CustomErrorName": "failures:named",
    f"{_MAP}.iteration_worker:CustomErrorName": "failures:named",
    f"{_STATE}.fail.state_fail:CustomErrorName": "failures:named",
    f"{_STATE}.wait.wait_function.wait_function:WaitFunction._eval_body": "timing:wait_body",
    f"{_STATE}.wait.wait_function.timestamp:Timestamp._get_wait_seconds": "timing:timestamp_seconds",
    f"{_STATE}.wait.wait_function.timestamp:Timestamp._from_timestamp_string": "timing:valid_timestamp",
    f"{_STATE}.wait.wait_function.seconds:SecondsJSONata._get_wait_seconds": "expressions:seconds",
    f"{_COMMON}.retry.retrier_decl:RetrierDecl._eval_body": "timing:retrier_body",
    f"{_COMMON}.retry.jitter_strategy_decl:JitterStrategyDecl._eval_body": "timing:jitter_body",
    f"{_COMMON}.timeouts.timeout:TimeoutSecondsJSONata._eval_seconds": "expressions:seconds",
    f"{_COMMON}.timeouts.heartbeat:HeartbeatSecondsJSONata._eval_seconds": "expressions:seconds",
    f"{_COMMON}.string.string_expression:StringJSONata._eval_body": "expressions:jsonata_body",
    f"{_COMMON}.string.string_expression:StringVariableSample._eval_body": "expressions:variable_body",
    f"{_MAP}.inline_iteration_component:InlineIterationComponent._eval_body": "nesting:iterations_body",
    f"{_MAP}.iteration_worker:IterationWorker._eval_job": "nesting:iteration",
    f"{_ASL}.parse.preprocessor:Preprocessor.__init__": "texts:preprocessor_init",
    f"{_ASL}.parse.preprocessor:Preprocessor._inner_string_of": "texts:inner_string",
    f"{_ASL}.parse.preprocessor:from_string_literal": "texts:string_literal",
    f"{_EXEC}.state_task.state_task_factory:state_task_for": "tasks:task_for",
    f"{_ASL}.parse.preprocessor:state_task_for": "tasks:task_for",
    f"{_ASL}.component.eval_component:EvalComponent._log_exception": "states:say_nothing",
    f"{_ASL}.component.eval_component:EvalComponent._log_failure_event_exception": "states:say_nothing",
}
_STATIC: Final = frozenset({"texts:inner_string", "timing:valid_timestamp"})

# What is called, subclassed or read there without being replaced.
USED: Final = (
    f"{_ASL}.parse.preprocessor:Preprocessor._query_language_per_scope",
    f"{_ASL}.parse.asl_parser:AmazonStateLanguageParser.parse",
    f"{_ASL}.parse.asl_parser:ASLParserException.errors",
    f"{_ASL}.component.component:Component",
    f"{_ASL}.eval.environment:Environment.as_inner_frame_of",
    f"{_ASL}.eval.environment:Environment.set_stop",
    f"{_ASL}.eval.environment:Environment.set_error",
    f"{_ASL}.eval.environment:Environment.set_ended",
    f"{_ASL}.eval.environment:Environment.set_timed_out",
    f"{_ASL}.eval.environment:Environment.program_state",
    f"{_ASL}.eval.environment:Environment.is_frame",
    f"{_ASL}.eval.evaluation_details:AWSExecutionDetails",
    f"{_ASL}.eval.event.event_manager:EventManager.add_event",
    f"{_ASL}.eval.event.event_manager:EventHistoryContext",
    f"{_ASL}.eval.program_state:ProgramEnded",
    f"{_ASL}.eval.program_state:ProgramError",
    f"{_ASL}.eval.states:States.set_result",
    f"{_ASL}.eval.variable_store:VariableStore.set",
    f"{_COMMON}.catch.catch_outcome:CatchOutcome.Caught",
    f"{_COMMON}.error_name.error_name:ErrorName",
    f"{_COMMON}.error_name.failure_event:FailureEvent",
    f"{_COMMON}.error_name.states_error_name:StatesErrorName.from_name",
    f"{_COMMON}.error_name.states_error_name_type:StatesErrorNameType",
    f"{_COMMON}.query_language:QueryLanguageMode.JSONata",
    f"{_COMMON}.retry.jitter_strategy_decl:JitterStrategy.NONE",
    f"{_COMMON}.retry.max_attempts_decl:MaxAttemptsOutcome.EXHAUSTED",
    f"{_COMMON}.retry.retrier_outcome:RetrierOutcome.Executed",
    f"{_COMMON}.retry.retry_outcome:RetryOutcome.CanRetry",
    f"{_EXEC}.execute_state:ExecutionState._handle_retry",
    f"{_EXEC}.execute_state:ExecutionState._handle_catch",
    f"{_EXEC}.state_map.iteration.job:JobPool.await_jobs",
    f"{_EXEC}.state_task.state_task:StateTask._eval_parameters",
    f"{_EXEC}.state_task.state_task:StateTask._eval_state_credentials",
    f"{_EXEC}.state_task.service.resource:ServiceResource",
    f"{_EXEC}.state_task.service.resource:LambdaResource",
    f"{_ASL}.utils.json_path:NoSuchJsonPathError",
    f"{_ASL}.antlt4utils.antlr4utils:is_terminal",
    "moto.stepfunctions.parser.utils:TMP_THREADS",
)
TOUCHED: Final = (*REPLACED, *USED)


def by_module(symbols: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Module → the names at its top level, as `local.compat` looks for them in its source."""
    found: dict[str, list[str]] = {}
    for symbol in symbols:
        module, _, path = symbol.partition(":")
        found.setdefault(module, []).append(path.split(".")[0])
    return {module: tuple(dict.fromkeys(names)) for module, names in found.items()}


_lock = threading.Lock()
_done = False


def resolve(symbol: str) -> tuple[Any, str]:
    """``module:Class.attribute`` → (the owner, the attribute's name). Raises ImportError or AttributeError."""
    import_interpreter()
    module, _, path = symbol.partition(":")
    *owners, name = path.split(".")
    owner = importlib.import_module(module)
    for part in owners:
        owner = getattr(owner, part)
    return owner, name


def apply() -> None:
    """Import the interpreter and repair it; harmless when done before. Raises AttributeError for a missing symbol."""
    global _done  # noqa: PLW0603 - the interpreter is a global too
    with _lock:
        if _done:
            return
        for symbol, replacement in REPLACED.items():
            owner, name = resolve(symbol)
            getattr(owner, name)
            module, _, function = replacement.partition(":")
            new = getattr(importlib.import_module(f"local.stepfunctions.interpreter.{module}"), function)
            setattr(owner, name, staticmethod(new) if replacement in _STATIC else new)
        _done = True
