"""application/x-parquet. Imports polars, which costs a third of a second and more memory than a server has."""

import io
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from container.fields import quoted
from container.predictor import Rows
from container.schema import Schema
from container.serving.features import Parse, json_parser, text_parser
from container.serving.records import check_column, check_names, check_width, invalid, no_rows, parse_column
from container.serving.rejections import RejectedRequest
from tables.cells import MissingMarks

# A few bytes of Parquet can stand for millions of equal values. What a CSV file of the largest size may hold is more
# than any client needs.
MOST_VALUES: Final = 4_000_000


def read_parquet(body: bytes, schema: Schema) -> Rows:
    """One row per record; null is a missing value. Where the model's columns have names they are found by these, in
    whatever order, else by their places.

    Raises:
        RejectedRequest: 400; 413 for more than `MOST_VALUES`.
    """
    try:
        lazy = pl.scan_parquet(io.BytesIO(body))
        types = lazy.collect_schema()
        count = int(lazy.select(pl.len()).collect().item())
        order = _order(types, schema)
        _check_size(count, schema)
        frame = lazy.select(order).collect()
    except RejectedRequest:
        raise
    except Exception as fault:  # whatever the reader meets in bytes from outside
        raise invalid("the body is not Parquet") from fault
    if not len(frame):
        raise no_rows()
    missing = MissingMarks(schema.missing_values)
    return np.column_stack([_column(frame.to_series(place), place, schema, missing) for place in range(frame.width)])


def _order(types: Mapping[str, object], schema: Schema) -> list[str]:
    names = list(types)
    if schema.feature_names is None:
        check_width(len(names), 1, schema)
        return names
    check_names(names, schema)
    return list(schema.feature_names)


def _check_size(count: int, schema: Schema) -> None:
    if count * schema.feature_count > MOST_VALUES:
        reason = f"{count} rows of {schema.feature_count} columns are more than {MOST_VALUES} values; send fewer rows"
        raise RejectedRequest(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, reason)


def _column(series: pl.Series, place: int, schema: Schema, missing: MissingMarks) -> NDArray[np.float32]:
    column = schema.columns[place]
    if series.dtype.is_numeric() and not series.dtype.is_nested():
        return check_column(series.cast(pl.Float64).to_numpy(), place, schema)
    if series.dtype in (pl.String, pl.Categorical, pl.Enum):
        parse: Parse = text_parser(column, missing)
        return parse_column(series.cast(pl.String).fill_null("").to_list(), parse, place, schema)
    if series.dtype in (pl.Boolean, pl.Null):
        return parse_column(series.to_list(), json_parser(column), place, schema)
    raise invalid(f"column {quoted(series.name)} holds {series.dtype}, not numbers, texts or booleans")
