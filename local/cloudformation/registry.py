"""Adds resource types to the emulator's CloudFormation, completely: handlers, replacement rules, tags, worker threads.

A type that lacks one of these still works most of the time: without replacement rules an update is silently in place,
and on the event loop a handler that calls back would deadlock.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Provisioned = tuple[str, dict[str, Any]]
Create = Callable[[str, Mapping[str, Any], str], Provisioned]
Update = Callable[[str, Mapping[str, Any], Mapping[str, Any], str, str], Provisioned]
Delete = Callable[[str, Mapping[str, Any]], None]


@dataclass(frozen=True)
class ResourceType:
    """One CloudFormation type.

    ``create(logical id, properties, stack)`` and ``update(physical id, old, new, stack, logical id)`` give the
    physical id (what Ref returns) and the attributes (what Fn::GetAtt serves). A change of a property in
    ``replacing`` makes a new resource; ``custom_name`` is the property with the explicit name that then must change
    as well. ``tags`` names the property that stack tags are merged into.
    """

    name: str
    create: Create
    update: Update
    delete: Delete
    replacing: tuple[str, ...]
    custom_name: str | None = None
    tags: str | None = None


_registered: set[str] = set()


def registered_names() -> set[str]:
    """The types that are ours."""
    return _registered


def register(types: Iterable[ResourceType]) -> None:
    """Make the emulator's CloudFormation use these types."""
    from ministack.services.cloudformation import provisioners, stacks

    for kind in types:
        _registered.add(kind.name)
        provisioners._RESOURCE_HANDLERS[kind.name] = {
            "create": kind.create,
            "update": kind.update,
            "update_with_logical_id": True,
            "delete": kind.delete,
        }
        provisioners._REPLACING_PROPERTIES[kind.name] = kind.replacing
        if kind.custom_name:
            provisioners._CUSTOM_NAME_REPLACEMENT[kind.name] = {"name": kind.custom_name}
        if kind.tags:
            provisioners._STACK_TAG_PROPERTY[kind.name] = (kind.tags, "list")
    original = stacks._runs_on_worker_thread
    stacks._runs_on_worker_thread = lambda name: name in _registered or original(name)


def physical_name(stack: str, logical_id: str, max_length: int) -> str:
    """A generated name as CloudFormation makes it: stack, logical id, a suffix that changes with a replacement."""
    from ministack.services.cloudformation import provisioners

    return str(provisioners._physical_name(stack, logical_id, max_len=max_length))
