"""AWS::Budgets::Budget: known, so that stacks with one deploy. Nothing costs anything here, so it is kept only."""

from collections.abc import Mapping
from typing import Any

from local.cloudformation.registry import Provisioned, ResourceType, physical_name


def resource_type() -> ResourceType:
    """The handler of the type. Ref: the budget's name."""
    return ResourceType(
        name="AWS::Budgets::Budget",
        create=lambda logical_id, properties, stack: _named(properties, physical_name(stack, logical_id, 100)),
        update=lambda physical_id, _old, new, _stack, _logical_id: _named(new, physical_id),
        delete=lambda _physical_id, _properties: None,
        replacing=(),
    )


def _named(properties: Mapping[str, Any], generated: str) -> Provisioned:
    return str(properties["Budget"].get("BudgetName", generated)), {}
