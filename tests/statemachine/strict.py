"""Checks a request against botocore's model as a service would: unknown, missing, mistyped, too long, badly formed."""

import json
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape
from botocore.validate import ParamValidator

from local.sagemaker.constraints import violations


def request_faults(shape: Shape, arguments: dict[str, Any]) -> list[str]:
    """What a service would refuse of a task's evaluated arguments; empty when it would take them."""
    request = as_sent(shape, arguments)
    report = ParamValidator().validate(request, shape).generate_report()
    return [*filter(None, report.splitlines()), *violations(shape, request)]


def as_sent(shape: Shape, value: Any) -> Any:
    """Arguments in botocore's spelling: Step Functions writes every member with a capital letter."""
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        names = {name[0].upper() + name[1:]: name for name in shape.members}
        return {names.get(name, name): _member(shape, names.get(name, name), item) for name, item in value.items()}
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return {key: as_sent(shape.value, item) for key, item in value.items()}
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [as_sent(shape.member, item) for item in value]
    return value


def _member(shape: StructureShape, name: str, value: Any) -> Any:
    if name in ("input", "Payload") and not isinstance(value, str):
        return json.dumps(value)
    return as_sent(shape.members[name], value) if name in shape.members else value
