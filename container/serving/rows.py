"""From a request's body to the rows that the model takes. Rows and columns in messages count from 1."""

import csv
import io
import json
import math
from array import array
from collections.abc import Callable, Iterable, Sequence
from http import HTTPStatus
from typing import Any, Final

import numpy as np

from container.fields import InvalidField, checked, column_title, parse_feature, quoted
from container.predictor import Rows
from container.schema import Schema
from container.serving.media import CSV, JSON, parse_media_type
from container.serving.rejections import RejectedRequest

_Parse = Callable[[Any], float]
_JSON_NAMES: Final = {bool: "boolean", list: "list", dict: "map"}
_JSON_FORM: Final = 'send {"instances": [[number, ...], ...]} or [[number, ...], ...]'


def read_rows(body: bytes, content_type: str | None, schema: Schema) -> Rows:
    """The rows in `body`.

    Raises:
        RejectedRequest: 415 for another content type, 400 for a body that breaks a rule.
    """
    media, parameters = parse_media_type(content_type or "")
    if media not in (CSV, JSON) or parameters.get("charset", "utf-8").lower() not in ("utf-8", "us-ascii"):
        raise RejectedRequest(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"content type {quoted(content_type or '')} is not supported; send {CSV} or {JSON}, in UTF-8",
        )
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise _invalid(f"the body is not UTF-8: byte {fault.start + 1}") from None
    return read_csv(text, schema) if media == CSV else read_json(text, schema)


def read_csv(text: str, schema: Schema) -> Rows:
    """One row per line, no header; an empty field is a missing value.

    Raises:
        RejectedRequest: 400.
    """
    try:
        # newline="" leaves line ends to the reader; rstrip: what follows the last row's line end is no row
        lines = list(csv.reader(io.StringIO(text.rstrip("\r\n"), newline=""), strict=True))
    except csv.Error as fault:
        raise _invalid(f"the body is not CSV: {fault}") from None
    return _rows(lines, parse_feature, schema)


def read_json(text: str, schema: Schema) -> Rows:
    """A list of rows, or an object that holds it as `instances`; null is a missing value.

    Raises:
        RejectedRequest: 400.
    """
    try:
        document = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as fault:
        raise _invalid(f"the body is not JSON: {_one_line(fault)}") from None
    instances = document.get("instances") if isinstance(document, dict) else document
    if not isinstance(instances, list):
        raise _invalid(_JSON_FORM)
    for number, row in enumerate(instances, start=1):
        if not isinstance(row, list):
            raise _invalid(f"row {number}: not a list; {_JSON_FORM}")
    return _rows(instances, _json_feature, schema)


def _rows(lines: Sequence[Sequence[Any]], parse: _Parse, schema: Schema) -> Rows:
    if not lines:
        raise _invalid("the body holds no rows")
    values = array("f")
    for number, fields in enumerate(lines, start=1):
        if len(fields) != schema.feature_count:
            raise _invalid(f"row {number}: {_columns(len(fields))}, the model takes {schema.feature_count}")
        _append(values, fields, parse, number, schema)
    return np.frombuffer(values, dtype=np.float32).reshape(len(lines), schema.feature_count)


def _append(values: "array[float]", fields: Iterable[Any], parse: _Parse, number: int, schema: Schema) -> None:
    for position, field in enumerate(fields):
        try:
            values.append(_present(parse(field), schema))
        except InvalidField as fault:
            title = column_title(position, schema.feature_names)
            raise _invalid(f"row {number}, {title}: {fault}") from None


def _present(value: float, schema: Schema) -> float:
    if math.isnan(value) and not schema.missing_allowed:
        raise InvalidField("missing value; the model was trained without missing values")
    return value


def _json_feature(field: object) -> float:
    if field is None:
        return math.nan
    if isinstance(field, bool) or not isinstance(field, int | float):
        shown = quoted(field) if isinstance(field, str) else f"a {_JSON_NAMES[type(field)]}"
        raise InvalidField(f"{shown} is not a number")
    try:
        value = float(field)
    except OverflowError:  # an integer beyond the largest double
        value = math.inf
    return checked(value, str(field))


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON; a missing value is null")


def _columns(count: int) -> str:
    return "empty" if count == 0 else "1 column" if count == 1 else f"{count} columns"


def _one_line(fault: Exception) -> str:
    return "nested too deeply" if isinstance(fault, RecursionError) else str(fault).split(";")[0].splitlines()[0]


def _invalid(reason: str) -> RejectedRequest:
    return RejectedRequest(HTTPStatus.BAD_REQUEST, reason)
