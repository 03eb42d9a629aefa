"""text/csv."""

import csv
import io
from collections.abc import Sequence

from container.native.plain_csv import admits_plain_csv, parse_csv
from container.predictor import Rows
from container.schema import Schema
from container.serving.features import Parse, text_parser
from container.serving.records import check_names, check_width, decode, invalid, parse_records
from tables.cells import MissingMarks


class CsvReader:
    """One row per line; an empty field is a missing value. A header may name the columns, in whatever order."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        missing = MissingMarks(schema.missing_values)
        self._parsers = [text_parser(column, missing) for column in schema.columns]
        self._known = frozenset(schema.feature_names or ())
        self._plain = admits_plain_csv(schema)

    def read(self, body: bytes) -> Rows:
        """The rows in `body`.

        Raises:
            RejectedRequest: 400.
        """
        if self._plain:
            rows = parse_csv(body, self._schema.feature_count, missing_allowed=self._schema.missing_allowed)
            if rows is not None:
                return rows
        return self.read_by_the_rules(body)

    def read_by_the_rules(self, body: bytes) -> Rows:
        """The same rows, without the short way of plain numbers.

        Raises:
            RejectedRequest: 400.
        """
        lines = _lines(decode(body))
        self._check_form(lines)
        names = self._header(lines)
        if names is None:
            return parse_records(lines, self._parsers, self._schema)
        order = [names.index(name) for name in self._schema.feature_names or ()]
        for number, fields in enumerate(lines[1:], start=2):
            check_width(len(fields), number, self._schema)
        ordered = [[fields[place] for place in order] for fields in lines[1:]]
        return parse_records(ordered, self._parsers, self._schema, first_row=2)

    def _check_form(self, lines: Sequence[Sequence[str]]) -> None:
        """What people send by mistake gets words of its own."""
        first = lines[0] if lines else []
        if len(first) == 1 < self._schema.feature_count and any(mark in first[0] for mark in ";\t"):
            raise invalid("row 1: columns are sent with commas between them")
        if self._schema.feature_names is None and len(first) == self._schema.feature_count and self._names(first):
            raise invalid("row 1: this looks like a header, and the model's columns have no names; send rows only")

    def _names(self, fields: Sequence[str]) -> bool:
        """Whether every field is a word where the model takes a number."""
        if any(column.kind != "number" for column in self._schema.columns):
            return False
        fields_and_parsers = zip(fields, self._parsers, strict=True)
        return all(field.strip()[:1].isalpha() and not _holds(parse, field) for field, parse in fields_and_parsers)

    def _header(self, lines: Sequence[Sequence[str]]) -> list[str] | None:
        """The names in the first line when it is a header: it names columns, and is no row."""
        names = [field.strip() for field in lines[0]] if lines else []
        if not self._known.intersection(names):
            return None
        if sorted(names) != sorted(self._known) and self._is_row(names):
            return None
        check_names(names, self._schema)
        return names

    def _is_row(self, fields: Sequence[str]) -> bool:
        return len(fields) == len(self._parsers) and all(map(_holds, self._parsers, fields))


def _holds(parse: Parse, field: str) -> bool:
    """Whether a column can hold it."""
    try:
        parse(field)
    except ValueError:
        return False
    return True


def _lines(text: str) -> list[list[str]]:
    try:
        # newline="" leaves line ends to the reader; rstrip: what follows the last row's line end is no row
        return list(csv.reader(io.StringIO(text.rstrip("\r\n"), newline=""), strict=True))
    except csv.Error as fault:
        raise invalid(f"the body is not CSV: {fault}") from None
