"""From the fields of a request to the rows that the model takes. Rows and columns in messages count from 1."""

import math
from array import array
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from container.fields import InvalidField, column_title, quoted
from container.predictor import Rows
from container.schema import Schema
from container.serving.features import Parse, is_truth, number_category
from container.serving.rejections import RejectedRequest
from tables.cells import SINGLE_PRECISION_OVERFLOW

_SHOWN_NAMES: Final = 5
_MISSING: Final = "missing value; the model was trained without missing values"


def invalid(reason: str) -> RejectedRequest:
    """400."""
    return RejectedRequest(HTTPStatus.BAD_REQUEST, reason)


def invalid_at(row: int, column: int, schema: Schema, reason: object) -> RejectedRequest:
    """400; `row` counts from 1, `column` from 0."""
    return invalid(f"row {row}, {column_title(column, schema.feature_names)}: {reason}")


def check_width(count: int, number: int, schema: Schema) -> None:
    """Raises: RejectedRequest, row `number` has `count` columns and the model takes another number of them."""
    if count != schema.feature_count:
        label = "; a row is sent without its label" if count == schema.feature_count + 1 else ""
        raise invalid(f"row {number}: {_columns(count)}, the model takes {schema.feature_count}{label}")


def check_names(names: Sequence[str], schema: Schema) -> None:
    """Raises: RejectedRequest, the columns are not those of the model, in whatever order."""
    known = set(schema.feature_names or ())
    missing, unknown = sorted(known - set(names)), sorted(set(names) - known)
    told = [f"lacks {', '.join(map(quoted, missing[:_SHOWN_NAMES]))}"] if missing else []
    told += [f"has {', '.join(map(quoted, unknown[:_SHOWN_NAMES]))}, which the model does not take"] if unknown else []
    if told or len(names) != len(known):
        raise invalid(f"the header {' and '.join(told) or 'names a column twice'}")


def parse_records(
    records: Sequence[Sequence[Any]], parsers: Sequence[Parse], schema: Schema, first_row: int = 1
) -> Rows:
    """One record for each row, one field for each column.

    Raises:
        RejectedRequest: 400.
    """
    if not records:
        raise no_rows()
    values = array("f")
    for number, fields in enumerate(records, start=first_row):
        check_width(len(fields), number, schema)
        _append(values, fields, parsers, number, schema)
    return np.frombuffer(values, dtype=np.float32).reshape(len(records), schema.feature_count)


def no_rows() -> RejectedRequest:
    """400."""
    return invalid("the body holds no rows")


def check_numbers(numbers: NDArray[np.generic], schema: Schema) -> Rows:
    """An array of numbers, of shape (rows, features), as the model takes it; a category may be one that is a number.

    Raises:
        RejectedRequest: 400.
    """
    if not len(numbers):
        raise no_rows()
    check_width(numbers.shape[1], 1, schema)
    return np.column_stack([check_column(numbers[:, place], place, schema) for place in range(numbers.shape[1])])


def check_column(numbers: NDArray[np.generic], place: int, schema: Schema) -> NDArray[np.float32]:
    """One column of numbers, of shape (rows,), as the model takes it.

    Raises:
        RejectedRequest: 400.
    """
    kind = schema.columns[place].kind
    # A double has room for what single precision has not, so that it can be told.
    wide = numbers.astype(np.float64)
    _refuse(np.abs(wide) >= SINGLE_PRECISION_OVERFLOW, place, schema, "infinite or too large for a 32-bit float")
    if kind == "category":
        texts = {number: number_category(schema.columns[place], number) for number in np.unique(wide).tolist()}
        return np.array([texts.get(number, math.nan) for number in wide.tolist()], dtype=np.float32)
    if not schema.missing_allowed:
        _refuse(np.isnan(wide), place, schema, _MISSING)
    if kind == "boolean":
        _refuse(~np.isnan(wide) & ~is_truth(wide), place, schema, "neither true nor false, nor 1 or 0")
    return wide.astype(np.float32)


def parse_column(fields: Iterable[Any], parse: Parse, place: int, schema: Schema) -> NDArray[np.float32]:
    """One column's fields as the model takes them.

    Raises:
        RejectedRequest: 400.
    """
    values = array("f")
    for number, field in enumerate(fields, start=1):
        values.append(_parsed(field, parse, number, place, schema))
    return np.frombuffer(values, dtype=np.float32)


def _refuse(wrong: NDArray[np.bool_], place: int, schema: Schema, reason: str) -> None:
    rows = np.flatnonzero(wrong)
    if len(rows):
        raise invalid_at(int(rows[0]) + 1, place, schema, reason)


def _append(
    values: "array[float]", fields: Iterable[Any], parsers: Sequence[Parse], number: int, schema: Schema
) -> None:
    for position, (field, parse) in enumerate(zip(fields, parsers, strict=True)):
        values.append(_parsed(field, parse, number, position, schema))


def _parsed(field: object, parse: Parse, row: int, place: int, schema: Schema) -> float:
    try:
        value = parse(field)
        if not schema.missing_allowed and math.isnan(value) and schema.columns[place].kind != "category":
            raise InvalidField(_MISSING)
    except InvalidField as fault:
        raise invalid_at(row, place, schema, fault) from None
    return value


def _columns(count: int) -> str:
    return "empty" if count == 0 else "1 column" if count == 1 else f"{count} columns"


def decode(body: bytes) -> str:
    """UTF-8, with or without a byte order mark.

    Raises:
        RejectedRequest: 400.
    """
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise invalid(f"the body is not UTF-8: byte {fault.start + 1}") from None
