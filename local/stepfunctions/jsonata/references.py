"""Finds names that an expression reads from a context it does not have.

In Step Functions an expression has no context item: data are read from `$states` or from variables. AWS refuses a
definition whose expression begins a path with a bare name, which is mostly a forgotten dollar sign.
"""

from collections.abc import Iterator
from typing import Any

from local.stepfunctions.jsonata.evaluator import parsed


def top_level_names(expression: str) -> list[str]:
    """Names read from the missing context, in order. Raises ExpressionFault when the expression cannot be parsed."""
    return list(dict.fromkeys(_names(parsed(expression).ast)))


def _names(node: Any) -> Iterator[str]:
    """Only what is evaluated with the expression's own context: later steps and predicates of a path have another."""
    match getattr(node, "type", None):
        case "path":
            first = node.steps[0]
            if first.type == "name":
                yield str(first.value)
            else:
                yield from _names(first)
        case "name":
            yield str(node.value)
        case "binary" | "bind" | "apply":
            yield from _names(node.lhs)
            yield from _names(node.rhs)
        case "unary":
            yield from _names(node.expression)
            yield from _of_all(node.expressions)
            for pair in getattr(node, "lhs_object", None) or ():
                yield from _of_all(pair)
        case "function" | "partial":
            yield from _names(node.procedure)
            yield from _of_all(node.arguments)
        case "lambda":
            yield from _names(node.body)
        case "condition":
            yield from _of_all((node.condition, node.then, getattr(node, "_else", None)))
        case "block":
            yield from _of_all(node.expressions)


def _of_all(nodes: Any) -> Iterator[str]:
    for node in nodes or ():
        yield from _names(node)
