"""JSONata in states: evaluated with values, and failing in AWS's words.

Replaces `StringJSONata._eval_body` and `StringVariableSample._eval_body` (moto writes variables into the expression's
text, which breaks on quotes, and has no evaluator) and the conversions of seconds, which truncate silently. The field
that an expression stands in is noted on it when the definition is read (`definition.py`).
"""

import json
from typing import Any, Final

from moto.stepfunctions.parser.asl.component.common.query_language import QueryLanguageMode

from local.stepfunctions.interpreter.failures import failure, located
from local.stepfunctions.jsonata.evaluator import ExpressionFault, asks_the_time, evaluate
from local.stepfunctions.jsonata.functions import Surroundings
from local.stepfunctions.jsonata.values import UNDEFINED, UnsupportedResult
from local.stepfunctions.task_faults import QUERY_EVALUATION_ERROR

_TYPES: Final = {"integer": int, "boolean": bool, "string": str, "array": list, "object": dict}


def jsonata_body(self: Any, env: Any) -> None:
    """For `StringJSONata._eval_body`: the result on the stack."""
    field: str = getattr(self, "field", "") or str(env.next_field_name)
    result = _evaluated(env, self.expression, field, _variables(env) | {"states": _states(env)})
    expected: str | None = getattr(self, "expected_type", None)
    if expected is not None and not _is(result, expected):
        told = f"Expected '{expected}', but was '{_type_of(result)}' for value: {json.dumps(result)}"
        raise _failed(env, self.expression, field, f"returned an unexpected result type. {told}")
    env.stack.append(result)


def variable_body(self: Any, env: Any) -> None:
    """For `StringVariableSample._eval_body`: a variable in a JSONPath state, such as ``$order.id``."""
    variables = _variables(env)
    if self.query_language_mode == QueryLanguageMode.JSONata:
        variables["states"] = _states(env)
    env.stack.append(_evaluated(env, self.expression, str(env.next_field_name), variables))


def seconds(self: Any, env: Any) -> int:
    """For `_eval_seconds` and `_get_wait_seconds` of JSONata fields, whose expressions expect an integer."""
    self.string_jsonata.eval(env=env)
    return int(env.stack.pop())


def _evaluated(env: Any, expression: str, field: str, variables: dict[str, Any]) -> Any:
    time = env.world.clock.now
    if asks_the_time(expression):
        at: float = env.scope.effect("time", lambda: round(env.world.clock.now(), 3))
        time = lambda: at  # noqa: E731
    try:
        result = evaluate(expression, variables, Surroundings(time, env.scope.chance()))
    except ExpressionFault as fault:
        separator = "." if fault.code else ":"
        raise _failed(env, expression, field, f"threw an error during evaluation{separator} {fault}") from fault
    except UnsupportedResult as fault:
        raise _failed(env, expression, field, "returned an unsupported result type.") from fault
    if result is UNDEFINED:
        raise _failed(env, expression, field, "returned nothing (undefined).")
    return result


def _failed(env: Any, expression: str, field: str, what: str) -> Exception:
    cause = located(env, f"The JSONata expression '{expression}' specified for the field '{field}' {what}")
    details = {"error": QUERY_EVALUATION_ERROR, "cause": cause, "location": field, "state": env.next_state_name}
    env.event_manager.add_event(
        context=env.event_history_context,
        event_type="EvaluationFailed",
        event_details={"evaluationFailedEventDetails": details},
    )
    return failure(env, QUERY_EVALUATION_ERROR, cause, "EvaluationFailed")


def _variables(env: Any) -> dict[str, Any]:
    store = env.variable_store
    return store._outer_scope | store._inner_scope


def _states(env: Any) -> dict[str, Any]:
    data = env.states._states_data
    # moto resets what a state may not read to null; on AWS it is not there.
    return {key: value for key, value in data.items() if value is not None or key == "input"}


def _is(value: Any, expected: str) -> bool:
    return isinstance(value, _TYPES[expected]) and (expected == "boolean" or not isinstance(value, bool))


def _type_of(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    return {str: "string", list: "array", dict: "object"}.get(type(value), "number")
