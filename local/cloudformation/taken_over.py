"""What an interrupted update of a stack has replaced already is taken over when it goes on, not replaced once more.

Otherwise a crash would leave the first replacement behind, and an endpoint whose traffic was being shifted to it would
begin again with the second.
"""

import contextvars
from collections.abc import Callable, Mapping
from typing import Any

Updated = tuple[tuple[str, dict[str, Any]], str]
"""The physical id and the attributes, and the seed of a generated name."""

_recorded: contextvars.ContextVar[Mapping[str, Mapping[str, Any]]] = contextvars.ContextVar("taken_over", default={})  # noqa: B039 - never changed


def install() -> None:
    """Have updates of single resources look at what was recorded first."""
    from ministack.services.cloudformation import stacks

    stacks._update_keeping_seed = _taking_over(stacks._update_keeping_seed)


def take_over(stack: Mapping[str, Any]) -> None:
    """From here on, in this context: the resources that the stack's record has."""
    if stack["StackStatus"] == "UPDATE_IN_PROGRESS":  # a roll back has deleted some of them
        _recorded.set({name: dict(record) for name, record in stack.get("_resources", {}).items()})


def _taking_over(original: Callable[..., Updated]) -> Callable[..., Updated]:
    def update(resource_type: str, old_id: str, old: Any, new: Any, stack: str, logical_id: str, *more: Any) -> Updated:
        record = _recorded.get().get(logical_id)
        if record is not None and record["ResourceType"] == resource_type and record["PhysicalResourceId"] != old_id:
            return (record["PhysicalResourceId"], dict(record["Attributes"])), record.get("_name_seed", "")
        return original(resource_type, old_id, old, new, stack, logical_id, *more)

    return update
