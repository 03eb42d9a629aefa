"""Checks a request against the AWS service model and says what is wrong in AWS's words."""

import functools
import itertools
import re
import unicodedata
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
    found = violations(shape, request)
    if found:
        count = f"{len(found)} validation error{'s' if len(found) > 1 else ''} detected"
        raise invalid(f"{count}: {'; '.join(found)}")
    report = ParamValidator().validate(request, shape)
    if report.has_errors():
        raise ServiceFault("SerializationException", report.generate_report())


def violations(shape: Shape, request: dict[str, Any]) -> list[str]:
    """Every length, range, pattern, enumeration and presence that a request breaks, in AWS's words."""
    return list(_violations(shape, request, ""))


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


# Java's character classes: general categories of Unicode by their first letter, those of POSIX, and what
# takes two of its characters.
_UNICODE_CLASS = re.compile(r"\\p\{([A-Z])\}")
_OTHER_CLASSES = {
    r"\p{Alnum}": "a-zA-Z0-9",
    r"\p{ASCII}": r"[\x00-\x7f]",
    r"[\p{Print}]": r"[\x20-\x7e]",
    r"\p{Print}": r"[\x20-\x7e]",
    r"\z": r"\Z",
    r"\uD800\uDC00-\uDBFF\uDFFF": r"\U00010000-\U0010ffff",
}
# What some models put behind a pattern's end, where it says nothing.
_REPEATED_END = re.compile(r"\$\{\d+,\d+\}")


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """The models' patterns are Java's; what Python writes otherwise is translated."""
    written = _REPEATED_END.sub("", pattern)
    for java, python in _OTHER_CLASSES.items():
        written = written.replace(java, python)
    return re.compile(_UNICODE_CLASS.sub(lambda found: _members(found[1]), written))


@functools.cache
def _members(category: str) -> str:
    """The characters of a general category, as the inside of a character class. Beyond the basic plane all count."""
    codes = [code for code in range(0x10000) if unicodedata.category(chr(code))[0] == category]
    runs = [list(run) for _, run in itertools.groupby(enumerate(codes), lambda pair: pair[1] - pair[0])]
    ranges = (f"\\u{run[0][1]:04x}-\\u{run[-1][1]:04x}" for run in runs)
    return "".join(ranges) + "\\U00010000-\\U0010ffff"
