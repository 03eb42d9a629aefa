"""Evaluates one expression: variables are handed over as values, never written into its text."""

import copy
import functools
import re
from collections.abc import Mapping
from typing import Any

from jsonata.jexception import JException
from jsonata.jsonata import Jsonata

from local.stepfunctions.jsonata.functions import FunctionFault, Surroundings, bindings
from local.stepfunctions.jsonata.messages import code_and_message
from local.stepfunctions.jsonata.values import from_engine, to_engine

# AWS ends runaway expressions too; its limits are not published. A 200-term sum overflows its stack [seen on AWS].
_MOST_MILLISECONDS = 5_000
_DEEPEST = 1_500
_ASKS_THE_TIME = re.compile(r"\$(now|millis)\b")


class ExpressionFault(ValueError):
    """An expression that cannot be parsed or failed; ``code`` is JSONata's, "" when it has none for this."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}" if code else message)
        self.code = code
        self.message = message


def check(expression: str) -> None:
    """Raise ExpressionFault when the expression cannot be parsed."""
    parsed(expression)


def asks_the_time(expression: str) -> bool:
    """Whether the result may depend on when it is evaluated. May err on the side of yes."""
    return _ASKS_THE_TIME.search(expression) is not None


def evaluate(expression: str, variables: Mapping[str, Any], surroundings: Surroundings) -> Any:
    """The result as JSON, or UNDEFINED. ``variables`` are by name without the dollar sign.

    Raises ExpressionFault, and UnsupportedResult for a result that is no JSON.
    """
    # What an evaluation remembers lives on the instance; the parsed expression is shared.
    instance = copy.copy(parsed(expression))
    instance.parser = Jsonata.get_parser()
    instance.set_validate_input(False)
    instance.set_output_convert_nulls(False)
    frame = Jsonata.Frame(None)
    frame.set_runtime_bounds(_MOST_MILLISECONDS, _DEEPEST)
    frame.bindings.update(bindings(surroundings))
    frame.bindings.update({name: to_engine(value) for name, value in variables.items()})
    Jsonata.CURRENT.jsonata = instance
    try:
        result = instance.evaluate(None, frame)
    except JException as fault:
        raise ExpressionFault(*code_and_message(fault)) from fault
    except FunctionFault as fault:
        raise ExpressionFault("", str(fault)) from fault
    except RecursionError as fault:
        raise ExpressionFault("D1011", "Stack overflow. Check for non-terminating recursive function.") from fault
    except ZeroDivisionError as fault:
        raise ExpressionFault("D1001", "Number out of range: null") from fault
    except (ArithmeticError, AttributeError, IndexError, KeyError, TypeError, ValueError) as fault:
        # The port raises Python's own errors in places where the original has undefined or an error of its own.
        raise ExpressionFault("", f"{type(fault).__name__}: {fault}") from fault
    finally:
        del Jsonata.CURRENT.jsonata
    return from_engine(result)


@functools.lru_cache(maxsize=2048)
def parsed(expression: str) -> Jsonata:
    """The expression, parsed once. Raises ExpressionFault."""
    # A parser of its own: it is held by the result, which outlives this thread.
    try:
        return Jsonata(expression)
    except JException as fault:
        raise ExpressionFault(*code_and_message(fault)) from fault
    except (AttributeError, IndexError, KeyError, TypeError) as fault:
        raise ExpressionFault("S0500", f"Attempted to parse an invalid expression: {fault}") from fault
