"""Conditions: the emulator compares parameters and literals, CDK's bootstrap template also joins and substitutes.

And a change set of the emulator is blind to a condition that turns: the resource is in both templates.
"""

from collections.abc import Callable
from typing import Any

_COMPARISONS = ("Fn::Equals", "Fn::And", "Fn::Or", "Fn::Not")


def install() -> None:
    """Resolve the values in conditions before the emulator compares them, in every module that evaluates them."""
    from ministack.services.cloudformation import changesets, engine, handlers, stacks

    evaluate = _resolving(engine._evaluate_conditions)
    for module in (engine, handlers, changesets, stacks):
        module._evaluate_conditions = evaluate
    changesets._resolve_props_for_diff = _without_what_is_conditioned_away(changesets._resolve_props_for_diff, evaluate)


def _without_what_is_conditioned_away(
    original: Callable[..., dict[str, Any]], evaluate: Callable[..., dict[str, bool]]
) -> Callable[..., dict[str, Any]]:
    def resolve(template: dict[str, Any], params: dict[str, Any], stack_name: str, stack_id: str) -> dict[str, Any]:
        resolved = original(template, params, stack_name, stack_id)
        holds = evaluate(template, params) if template else {}
        resources = {
            name: resource
            for name, resource in resolved.get("Resources", {}).items()
            if holds.get(resource.get("Condition", ""), True)
        }
        return {**resolved, "Resources": resources}

    return resolve


def _resolving(original: Callable[..., dict[str, bool]]) -> Callable[..., dict[str, bool]]:
    def evaluate(template: dict[str, Any], params: dict[str, Any]) -> dict[str, bool]:
        mappings = template.get("Mappings", {})
        conditions = {
            name: _resolved(definition, params, mappings)
            for name, definition in (template.get("Conditions") or {}).items()
        }
        return original({**template, "Conditions": conditions}, params)

    return evaluate


def _resolved(expression: Any, params: dict[str, Any], mappings: dict[str, Any]) -> Any:
    """The expression with its comparisons kept and every value in them resolved."""
    from ministack.services.cloudformation import engine

    if isinstance(expression, list):
        return [_resolved(item, params, mappings) for item in expression]
    if not isinstance(expression, dict) or "Condition" in expression:
        return expression
    for comparison in _COMPARISONS:
        if comparison in expression:
            return {comparison: _resolved(expression[comparison], params, mappings)}
    return engine._resolve_refs(expression, {}, params, {}, mappings, "", "")
