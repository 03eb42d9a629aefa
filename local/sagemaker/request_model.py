"""The AWS service models, cut down to the operations that the embedded cloud answers."""

import functools
from collections.abc import Iterable, Iterator
from typing import Any

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel


class RequestModel:
    """What AWS says a request of each operation looks like.

    The whole SageMaker model takes some 30 MB once parsed; only the shapes reachable from the inputs of ``operations``
    are kept, without their documentation.
    """

    def __init__(self, service: str, operations: Iterable[str]) -> None:
        document: dict[str, Any] = Loader().load_service_model(service, "service-2")
        self.every_operation = frozenset(document["operations"])
        """All operations AWS has, to tell "not in the embedded cloud" from "does not exist"."""
        wanted = {name: document["operations"][name] for name in operations}
        inputs = (operation["input"]["shape"] for operation in wanted.values() if "input" in operation)
        kept = {name: _undocumented(document["shapes"][name]) for name in _reachable(document["shapes"], inputs)}
        self._model = ServiceModel(
            {
                "metadata": document["metadata"],
                "operations": {
                    name: {"name": name, "http": operation["http"], "input": operation["input"]}
                    for name, operation in wanted.items()
                },
                "shapes": kept,
            },
            service,
        )

    def operation(self, name: str) -> OperationModel:
        """Raises OperationNotFoundError for one that was not asked for."""
        return self._model.operation_model(name)


@functools.cache
def request_model(service: str, operations: frozenset[str]) -> RequestModel:
    """The model, read once for each set of operations."""
    return RequestModel(service, operations)


def _reachable(shapes: dict[str, Any], names: Iterable[str]) -> set[str]:
    reached: set[str] = set()
    pending = list(names)
    while pending:
        name = pending.pop()
        if name not in reached:
            reached.add(name)
            pending.extend(_references(shapes[name]))
    return reached


def _references(shape: dict[str, Any]) -> Iterator[str]:
    for reference in (*shape.get("members", {}).values(), shape.get("member"), shape.get("key"), shape.get("value")):
        # `members` maps names to references; in a map shape `key` and `value` are references themselves.
        if isinstance(reference, dict) and "shape" in reference:
            yield reference["shape"]


def _undocumented(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _undocumented(item) for key, item in value.items() if key != "documentation"}
    return value
