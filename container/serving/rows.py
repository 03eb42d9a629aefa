"""From a request's body to the rows that the model takes. Rows and columns in messages count from 1."""

import csv
import io
import json
import math
from array import array
from collections.abc import Iterable, Sequence
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Final

import numpy as np

from container.fields import InvalidField, column_title, quoted
from container.native.plain_csv import admits_plain_csv, parse_csv
from container.predictor import Rows
from container.schema import Schema
from container.serving.features import Parse, json_parser, text_parser
from container.serving.media import CSV, JSON, parse_media_type
from container.serving.rejections import RejectedRequest
from tables.cells import MissingMarks

# A server has one schema.
_admits_plain_csv: Final = lru_cache(maxsize=1)(admits_plain_csv)
_JSON_FORM: Final = (
    'send {"instances": [[value, ...], ...]} or [[value, ...], ...]; where columns have names, a row may be a map'
)


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
    if media == CSV and _admits_plain_csv(schema):
        rows = parse_csv(body, schema.feature_count, missing_allowed=schema.missing_allowed)
        if rows is not None:
            return rows
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise _invalid(f"the body is not UTF-8: byte {fault.start + 1}") from None
    return read_csv(text, schema) if media == CSV else read_json(text, schema)


def read_csv(text: str, schema: Schema) -> Rows:
    """One row per line; an empty field is a missing value. A header may name the columns, in whatever order.

    Raises:
        RejectedRequest: 400.
    """
    try:
        # newline="" leaves line ends to the reader; rstrip: what follows the last row's line end is no row
        lines = list(csv.reader(io.StringIO(text.rstrip("\r\n"), newline=""), strict=True))
    except csv.Error as fault:
        raise _invalid(f"the body is not CSV: {fault}") from None
    missing = MissingMarks(schema.missing_values)
    parsers = [text_parser(column, missing) for column in schema.columns]
    names = _header(lines, parsers, schema)
    if names is None:
        return _rows(lines, parsers, schema)
    order = [names.index(name) for name in schema.feature_names or ()]
    for number, fields in enumerate(lines[1:], start=2):
        _check_width(fields, number, schema)
    return _rows([[fields[place] for place in order] for fields in lines[1:]], parsers, schema, first_row=2)


def _header(lines: Sequence[Sequence[str]], parsers: Sequence[Parse], schema: Schema) -> list[str] | None:
    """The names in the first line when it is a header: it names columns, and is no row."""
    known = set(schema.feature_names or ())
    names = [field.strip() for field in lines[0]] if lines else []
    if not known.intersection(names):
        return None
    missing, unknown = sorted(known - set(names)), sorted(set(names) - known)
    if not missing and not unknown and len(names) == len(known):
        return names
    if _is_row(names, parsers):
        return None
    told = [f"lacks {', '.join(map(quoted, missing[:5]))}"] if missing else []
    told += [f"has {', '.join(map(quoted, unknown[:5]))}, which the model does not take"] if unknown else []
    raise _invalid(f"the header {' and '.join(told) or 'names a column twice'}")


def _is_row(fields: Sequence[str], parsers: Sequence[Parse]) -> bool:
    try:
        return [parse(field) for field, parse in zip(fields, parsers, strict=True)] != []
    except ValueError:  # not as many fields, or one that the column cannot hold
        return False


def read_json(text: str, schema: Schema) -> Rows:
    """A list of rows, or an object that holds it as `instances`; null, or a name left out, is a missing value.

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
    rows = [_listed(row, number, schema) for number, row in enumerate(instances, start=1)]
    return _rows(rows, [json_parser(column) for column in schema.columns], schema)


def _listed(row: object, number: int, schema: Schema) -> Sequence[Any]:
    if isinstance(row, list):
        return row
    names = schema.feature_names
    if not isinstance(row, dict) or names is None:
        raise _invalid(f"row {number}: not a list; {_JSON_FORM}")
    if unknown := sorted(row.keys() - set(names)):
        raise _invalid(f"row {number}: {quoted(unknown[0])} is no column of the model's")
    return [row.get(name) for name in names]


def _rows(lines: Sequence[Sequence[Any]], parsers: Sequence[Parse], schema: Schema, first_row: int = 1) -> Rows:
    if not lines:
        raise _invalid("the body holds no rows")
    values = array("f")
    for number, fields in enumerate(lines, start=first_row):
        _check_width(fields, number, schema)
        _append(values, fields, parsers, number, schema)
    return np.frombuffer(values, dtype=np.float32).reshape(len(lines), schema.feature_count)


def _check_width(fields: Sequence[Any], number: int, schema: Schema) -> None:
    if len(fields) != schema.feature_count:
        raise _invalid(f"row {number}: {_columns(len(fields))}, the model takes {schema.feature_count}")


def _append(
    values: "array[float]", fields: Iterable[Any], parsers: Sequence[Parse], number: int, schema: Schema
) -> None:
    for position, (field, parse) in enumerate(zip(fields, parsers, strict=True)):
        try:
            value = parse(field)
            if not schema.missing_allowed and math.isnan(value) and schema.columns[position].kind != "category":
                raise InvalidField("missing value; the model was trained without missing values")
            values.append(value)
        except InvalidField as fault:
            title = column_title(position, schema.feature_names)
            raise _invalid(f"row {number}, {title}: {fault}") from None


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON; a missing value is null")


def _columns(count: int) -> str:
    return "empty" if count == 0 else "1 column" if count == 1 else f"{count} columns"


def _one_line(fault: Exception) -> str:
    return "nested too deeply" if isinstance(fault, RecursionError) else str(fault).split(";")[0].splitlines()[0]


def _invalid(reason: str) -> RejectedRequest:
    return RejectedRequest(HTTPStatus.BAD_REQUEST, reason)
