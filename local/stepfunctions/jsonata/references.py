"""Finds names that an expression reads from a context it does not have.

In Step Functions an expression has no context item: data are read from `$states` or from variables. AWS refuses a
definition whose expression begins a path with a bare name, which is mostly a forgotten dollar sign.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from local.stepfunctions.jsonata.evaluator import parsed


def top_level_names(expression: str) -> list[str]:
    """Names read from the missing context, in order. Raises ExpressionFault when the expression cannot be parsed."""
    return list(dict.fromkeys(_names(parsed(expression).ast)))


def _names(node: Any) -> Iterator[str]:
    """Only what is evaluated with the expression's own context: later steps and predicates of a path have another."""
    kind = getattr(node, "type", None)
    if kind == "path":
        first = node.steps[0]
        yield from [str(first.value)] if first.type == "name" else _names(first)
    elif kind == "name":
        yield str(node.value)
    elif kind in _PARTS:
        for part in _PARTS[kind](node):
            yield from _names(part)


def _sides(node: Any) -> Iterable[Any]:
    return node.lhs, node.rhs


def _called(node: Any) -> Iterable[Any]:
    return node.procedure, *(node.arguments or ())


def _constructed(node: Any) -> Iterable[Any]:
    """What a negation, an array or an object is made of."""
    pairs = [part for pair in getattr(node, "lhs_object", None) or () for part in pair]
    return node.expression, *(node.expressions or ()), *pairs


# Kind of node → its parts that share its context.
_PARTS: Final[dict[str, Callable[[Any], Iterable[Any]]]] = {
    "binary": _sides,
    "bind": _sides,
    "apply": _sides,
    "unary": _constructed,
    "function": _called,
    "partial": _called,
    "lambda": lambda node: (node.body,),
    "condition": lambda node: (node.condition, node.then, getattr(node, "_else", None)),
    "block": lambda node: node.expressions or (),
}
