"""Carries a task's arguments into an API request and the answer into its result, by botocore's model of the API.

The aws-sdk integrations write members as the SDK for Java does, times as ISO 8601 and bodies as text; the optimised
ones keep the API's own names.
"""

import base64
import datetime as dt
import json
from collections.abc import Callable, Iterator
from typing import Any, Final

from botocore.model import ListShape, MapShape, Shape, StructureShape

_SCALARS: Final[dict[str, tuple[type, ...]]] = {
    "string": (str,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "boolean": (bool,),
}
_NAMES: Final = {"string": "STRING", "integer": "INTEGER", "long": "LONG", "float": "FLOAT", "double": "DOUBLE"}


class InvalidArguments(ValueError):
    """The arguments do not fit the API; one sentence per fault, as AWS words them."""


def request(shape: StructureShape | None, arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments as botocore takes them. Raises InvalidArguments."""
    if shape is None:
        return {}
    found = list(faults(shape, arguments, "", top=True))
    if found:
        raise InvalidArguments(", ".join(found))
    return {key: value for key, value in _request(shape, arguments).items() if value is not None}


def faults(shape: Shape, value: Any, field: str, *, top: bool = False) -> Iterator[str]:
    """What AWS refuses before it calls: unknown and missing members, wrong types."""
    if value is None:
        return
    if isinstance(shape, StructureShape) and not shape.is_document_type:
        yield from _structure_faults(shape, value, field, top=top)
    elif isinstance(shape, ListShape):
        if not isinstance(value, list):
            yield f"The value for the field '{field}' must be an ARRAY"
            return
        for item in value:
            yield from faults(shape.member, item, field)
    elif isinstance(shape, MapShape):
        if not isinstance(value, dict):
            yield f"The value for the field '{field}' must be an OBJECT"
            return
        for key, item in value.items():
            yield from faults(shape.value, item, key)
    elif (types := _SCALARS.get(shape.type_name)) and not _is(value, types, shape):
        yield f"The value for the field '{field}' must be a {_NAMES.get(shape.type_name, shape.type_name.upper())}"


def _structure_faults(shape: StructureShape, value: Any, field: str, *, top: bool) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"The value for the field '{field}' must be an OBJECT"
        return
    members = _members(shape)
    for key, item in value.items():
        member = members.get(key)
        if member is None:
            yield f'The field "{key}" is not supported by Step Functions'
        else:
            yield from faults(shape.members[member], item, key)
    given = {members.get(key) for key, item in value.items() if item is not None}
    for name in shape.required_members:
        # A client token that the caller leaves out is made by the SDK.
        if name not in given and not shape.members[name].metadata.get("idempotencyToken"):
            yield f'The field "{java_name(name) if top else name}" is required but was missing'


def java_name(name: str) -> str:
    from local.stepfunctions.integrations.naming import java_member_name

    return java_member_name(name)


def _is(value: Any, types: tuple[type, ...], shape: Shape) -> bool:
    if shape.type_name == "string":
        # Structures where the API wants text are written as JSON.
        return isinstance(value, (str, dict, list))
    return isinstance(value, types) and (bool in types or not isinstance(value, bool))


def _members(shape: StructureShape) -> dict[str, str]:
    """Every spelling of a member that a definition may use → the API's."""
    spellings = {}
    for name in shape.members:
        for spelling in (java_name(name), name[0].upper() + name[1:], name):
            spellings[spelling] = name
    return spellings


def _request(shape: Shape, value: Any) -> Any:
    if value is None:
        return None
    if isinstance(shape, StructureShape) and isinstance(value, dict) and not shape.is_document_type:
        members = _members(shape)
        return {members[key]: _request(shape.members[members[key]], item) for key, item in value.items()}
    if isinstance(shape, ListShape):
        return [_request(shape.member, item) for item in value]
    if isinstance(shape, MapShape):
        return {key: _request(shape.value, item) for key, item in value.items()}
    if shape.type_name == "blob":
        return value if isinstance(value, bytes) else _text(value).encode()
    return _text(value) if shape.type_name == "string" else value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def sdk_result(shape: StructureShape | None, answer: dict[str, Any]) -> Any:
    """The result of an aws-sdk integration."""
    return {} if shape is None else _result(shape, answer, java_name, _iso)


def unchanged(name: str) -> str:
    """For results that keep the API's own names."""
    return name


def optimised_result(
    shape: StructureShape | None, answer: dict[str, Any], rename: Callable[[str], str] = unchanged
) -> Any:
    """The result of an optimised integration, with what AWS tells about the HTTP answer."""
    metadata = answer.get("ResponseMetadata", {})
    headers = metadata.get("HTTPHeaders", {})
    told = {
        "SdkHttpMetadata": {
            "AllHttpHeaders": {name: [value] for name, value in headers.items()},
            "HttpHeaders": headers,
            "HttpStatusCode": metadata.get("HTTPStatusCode", 200),
        },
        "SdkResponseMetadata": {"RequestId": metadata.get("RequestId", "")},
    }
    return ({} if shape is None else _result(shape, answer, rename, _milliseconds)) | told


def described(shape: StructureShape, answer: dict[str, Any], rename: Callable[[str], str] = unchanged) -> Any:
    """What a `.sync` integration hands on of a Describe call: times in milliseconds [as seen in AWS's examples]."""
    return _result(shape, answer, rename, _milliseconds)


def _result(shape: Shape, value: Any, rename: Callable[[str], str], time: Callable[[dt.datetime], Any]) -> Any:
    if value is None:
        return None
    if isinstance(shape, StructureShape) and isinstance(value, dict) and not shape.is_document_type:
        return {
            rename(key): _result(shape.members[key], item, rename, time)
            for key, item in value.items()
            if key in shape.members
        }
    if isinstance(shape, ListShape):
        return [_result(shape.member, item, rename, time) for item in value]
    if isinstance(shape, MapShape):
        return {key: _result(shape.value, item, rename, time) for key, item in value.items()}
    if isinstance(value, dt.datetime):
        return time(value)
    if hasattr(value, "read"):
        value = value.read()
    return _readable(value) if isinstance(value, (bytes, bytearray)) else value


def _readable(content: bytes | bytearray) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return base64.b64encode(content).decode()  # [unverified] what AWS does with bytes that are no text


def _iso(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _milliseconds(moment: dt.datetime) -> int:
    return round(moment.timestamp() * 1000)
