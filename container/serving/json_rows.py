"""application/json and application/jsonlines."""

import json
from collections.abc import Sequence
from itertools import chain
from typing import Any, Final

import numpy as np

from container.fields import quoted
from container.predictor import Rows
from container.schema import Schema
from container.serving.features import json_parser
from container.serving.records import decode, invalid, no_rows, parse_records
from tables.cells import SINGLE_PRECISION_OVERFLOW

_FORM: Final = (
    'send {"instances": [[value, ...], ...]} or [[value, ...], ...]; where columns have names, a row may be a map'
)
_LINE_FORM: Final = "send a list of values on each line; where columns have names, a line may be a map"
_NUMBERS: Final = frozenset({int, float})
_NUMBERS_OR_NONE: Final = frozenset({int, float, type(None)})


class JsonReader:
    """Rows are lists of values, or maps of names; null, or a name left out, is a missing value."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._parsers = [json_parser(column) for column in schema.columns]
        self._only_numbers = all(column.kind == "number" for column in schema.columns)
        self._places = {name: place for place, name in enumerate(schema.feature_names or ())}

    def read(self, body: bytes) -> Rows:
        """A list of rows, or an object that holds it as `instances`.

        Raises:
            RejectedRequest: 400.
        """
        document = _parse(decode(body), "the body")
        instances = document.get("instances") if isinstance(document, dict) else document
        if not isinstance(instances, list):
            raise invalid(_FORM)
        return self._rows(instances, _FORM)

    def read_lines(self, body: bytes) -> Rows:
        """A row on each line; its list of values may stand in a map, as `features`.

        Raises:
            RejectedRequest: 400.
        """
        lines = decode(body).rstrip("\r\n").split("\n")
        if lines == [""]:
            raise no_rows()
        return self._rows(
            [_features(_parse(line, f"row {number}")) for number, line in enumerate(lines, 1)], _LINE_FORM
        )

    def _rows(self, instances: list[Any], form: str) -> Rows:
        listed = [self._listed(row, number, form) for number, row in enumerate(instances, start=1)]
        rows = self._plain_numbers(listed)
        return parse_records(listed, self._parsers, self._schema) if rows is None else rows

    def _listed(self, row: object, number: int, form: str) -> Sequence[Any]:
        if isinstance(row, list):
            return row
        if isinstance(row, dict) and not self._places:
            raise invalid(f"row {number}: a map, and the model's columns have no names; send a list of values")
        if not isinstance(row, dict):
            raise invalid(f"row {number}: not a list; {form}")
        if unknown := sorted(row.keys() - self._places.keys()):
            raise invalid(f"row {number}: {quoted(unknown[0])} is no column of the model's")
        return [row.get(name) for name in self._places]

    def _plain_numbers(self, rows: list[Sequence[Any]]) -> Rows | None:
        """Rows of nothing but numbers, at once; None when there is anything that has to be looked at by itself."""
        admitted = _NUMBERS_OR_NONE if self._schema.missing_allowed else _NUMBERS
        if not rows or not self._only_numbers or set(map(len, rows)) != {self._schema.feature_count}:
            return None
        if not admitted.issuperset(map(type, chain.from_iterable(rows))):
            return None
        try:
            numbers = np.array(rows, dtype=np.float64)
        except OverflowError:  # an integer beyond the largest double
            return None
        if (np.abs(numbers) >= SINGLE_PRECISION_OVERFLOW).any():
            return None
        return numbers.astype(np.float32)


def _features(row: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
    """What SageMaker's own algorithms call a row's values."""
    if isinstance(row, dict) and row.keys() == {"features"} and isinstance(row["features"], list):
        return row["features"]
    return row


def _parse(text: str, what: str) -> Any:  # noqa: ANN401 - whatever JSON holds
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as fault:
        raise invalid(f"{what} is not JSON: {_one_line(fault)}") from None


def _refuse_constant(name: str) -> float:
    raise ValueError("NaN is not JSON, a missing value is null" if name == "NaN" else f"{name} is not JSON")


def _one_line(fault: Exception) -> str:
    return "nested too deeply" if isinstance(fault, RecursionError) else str(fault).split(";")[0].splitlines()[0]
