"""What an interrupted update of a stack has replaced already is taken over when it goes on, not replaced once more.

Otherwise a crash would leave the first replacement behind, and an endpoint whose traffic was being shifted to it would
begin again with the second. One that was made and not yet recorded is found by its name, which follows from the
operation: no other operation gives it, and the same one gives it again.
"""

import contextvars
import hashlib
from collections.abc import Callable, Mapping
from typing import Any

Updated = tuple[tuple[str, dict[str, Any]], str]
"""The physical id and the attributes, and the seed of a generated name."""

_recorded: contextvars.ContextVar[Mapping[str, Mapping[str, Any]]] = contextvars.ContextVar("taken_over", default={})  # noqa: B039 - never changed
_operation: contextvars.ContextVar[str] = contextvars.ContextVar("operation_id", default="")
_kept_seed: contextvars.ContextVar[str | None] = contextvars.ContextVar("kept_name_seed", default=None)


def install() -> None:
    """Have updates of single resources look at what was recorded first, and name replacements by the operation."""
    from ministack.services.cloudformation import provisioners, stacks

    stacks._update_keeping_seed = _taking_over(stacks._update_keeping_seed)
    provisioners._physical_name = _named_by_the_operation(provisioners._physical_name)


def begin_operation(operation_id: str) -> None:
    """From here on, in this context: the operation that replacements are named by."""
    _operation.set(operation_id)


def take_over(stack: Mapping[str, Any]) -> None:
    """From here on, in this context: the resources that the stack's record has."""
    if stack["StackStatus"] == "UPDATE_IN_PROGRESS":  # a roll back has deleted some of them
        _recorded.set({name: dict(record) for name, record in stack.get("_resources", {}).items()})


def _taking_over(original: Callable[..., Updated]) -> Callable[..., Updated]:
    def update(resource_type: str, old_id: str, old: Any, new: Any, stack: str, logical_id: str, *more: Any) -> Updated:
        record = _recorded.get().get(logical_id)
        if record is not None and record["ResourceType"] == resource_type and record["PhysicalResourceId"] != old_id:
            return (record["PhysicalResourceId"], dict(record["Attributes"])), record.get("_name_seed", "")
        kept = _kept_seed.set(_seed().get())
        try:
            return original(resource_type, old_id, old, new, stack, logical_id, *more)
        finally:
            _kept_seed.reset(kept)

    return update


def _named_by_the_operation(original: Callable[..., str]) -> Callable[..., str]:
    def physical_name(stack: str, logical_id: str, **more: Any) -> str:
        kept, seed = _kept_seed.get(), _seed()
        if kept is not None and seed.get() != kept:  # a replacement, with a seed drawn at random
            seed.set(hashlib.sha256(f"{_operation.get()}:{logical_id}".encode()).hexdigest()[:8])
        return original(stack, logical_id, **more)

    return physical_name


def _seed() -> contextvars.ContextVar[str]:
    from ministack.services.cloudformation import provisioners

    seed: contextvars.ContextVar[str] = provisioners._NAME_SEED
    return seed
