"""Checks a request against the AWS service model and says what is wrong in AWS's words."""

import functools
import re
from collections.abc import Iterator
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape
from botocore.validate import ParamValidator

from local.sagemaker.faults import ServiceFault, invalid

# AWS prints at most this much of an offending value.
_SHOWN_CHARACTERS = 300


def check_request(shape: StructureShape | None, request: dict[str, Any]) -> None:
    """Raise ValidationException listing every violated constraint, or SerializationException for a wrong type.

    Length, range, pattern, enumeration and presence are worded as AWS words them; types and unknown members are
    botocore's check, because AWS's own clients use the same one.
    """
    if shape is None:
        return
    violations = list(_violations(shape, request, ""))
    if violations:
        count = f"{len(violations)} validation error{'s' if len(violations) > 1 else ''} detected"
        raise invalid(f"{count}: {'; '.join(violations)}")
    report = ParamValidator().validate(request, shape)
    if report.has_errors():
        raise ServiceFault("SerializationException", report.generate_report())


def _violations(shape: Shape, value: Any, path: str) -> Iterator[str]:
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        for name in shape.required_members:
            if name not in value:
                yield f"Value null at '{_join(path, name)}' failed to satisfy constraint: Member must not be null"
        for name, member in shape.members.items():
            if name in value:
                yield from _violations(member, value[name], _join(path, name))
    elif isinstance(shape, ListShape) and isinstance(value, list):
        yield from _size(shape, len(value), value, path)
        for position, item in enumerate(value, start=1):
            yield from _violations(shape.member, item, f"{path}.{position}.member")
    elif isinstance(shape, MapShape) and isinstance(value, dict):
        yield from _size(shape, len(value), value, path)
        for key, item in value.items():
            yield from _violations(shape.key, key, path)
            yield from _violations(shape.value, item, f"{path}.{key}.member")
    else:
        yield from _scalar(shape, value, path)


def _scalar(shape: Shape, value: Any, path: str) -> Iterator[str]:
    if isinstance(value, str) and shape.type_name == "string":
        yield from _size(shape, len(value), value, path)
        if (pattern := shape.metadata.get("pattern")) and not _compiled(pattern).fullmatch(value):
            yield _violation(value, path, f"satisfy regular expression pattern: {pattern}")
        if (allowed := shape.metadata.get("enum")) and value not in allowed:
            yield _violation(value, path, f"satisfy enum value set: [{', '.join(allowed)}]")
    elif shape.type_name in ("integer", "long", "float", "double") and isinstance(value, int | float):
        if (least := shape.metadata.get("min")) is not None and value < least:
            yield _violation(value, path, f"have value greater than or equal to {least}")
        if (most := shape.metadata.get("max")) is not None and value > most:
            yield _violation(value, path, f"have value less than or equal to {most}")


def _size(shape: Shape, size: int, value: Any, path: str) -> Iterator[str]:
    if (least := shape.metadata.get("min")) is not None and size < least:
        yield _violation(value, path, f"have length greater than or equal to {least}")
    if (most := shape.metadata.get("max")) is not None and size > most:
        yield _violation(value, path, f"have length less than or equal to {most}")


def _violation(value: Any, path: str, constraint: str) -> str:
    shown = str(value)[:_SHOWN_CHARACTERS]
    return f"Value '{shown}' at '{path}' failed to satisfy constraint: Member must {constraint}"


def _join(path: str, name: str) -> str:
    member = name[0].lower() + name[1:]
    return f"{path}.{member}" if path else member


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error:
        # The models' patterns are Java's. Those with Unicode classes and ranges that Python lacks (descriptions, tag
        # values, metric units) check nothing; the patterns of names and ARNs are the same in both.
        return re.compile(r"(?s).*")
