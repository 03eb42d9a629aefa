"""CSV in its plainest form, read by the native library."""

import re
from typing import Final

import numpy as np
from numpy.typing import NDArray

from container.fields import InvalidField, parse_feature
from container.native.library import function
from container.schema import Schema
from tables.cells import MissingMarks

# Every field that the library reads is one of these.
_LIKE_A_FIELD: Final = re.compile(r"(?=.*[0-9])[0-9+\-.eE]*|")


def parse_csv(body: bytes, columns: int, *, missing_allowed: bool = True) -> NDArray[np.float32] | None:
    """The rows of a plain text, shape (rows, columns), an empty field as NaN; None when the text is not plain.

    It is plain when every line has `columns` numbers or empty fields, none is a header, empty, or has quotes or spaces,
    and no number is infinite to 32 bits. The numbers are those that `container.fields.parse_feature` reads.

    Raises:
        LibraryMissing: see there.
    """
    limit = most_rows(body, columns)
    rows = np.empty((limit, columns), dtype=np.float32)
    count = function("csv_read")(body, len(body), columns, missing_allowed, rows.ctypes.data, limit)
    return rows[:count] if count > 0 else None


def most_rows(body: bytes, columns: int) -> int:
    """No fewer than a text has: each row takes its commas and a line end.

    So an array for them is at most eight times as large as the text, and what no row needs of it is never touched.
    """
    return (len(body) + 1) // columns


def admits_plain_csv(schema: Schema) -> bool:
    """Whether a plain text means to the schema what `parse_csv` takes it for.

    Not when a column holds anything but numbers, a number stands for a missing value, or a column's name could be taken
    for a number: then the first line may be a header.
    """
    return (
        all(column.kind == "number" for column in schema.columns)
        and not any(_LIKE_A_FIELD.fullmatch(name.strip()) for name in schema.feature_names or ())
        and not any(map(_is_number, MissingMarks(schema.missing_values).spellings()))
    )


def _is_number(text: str) -> bool:
    try:
        value = parse_feature(text)
    except InvalidField:
        # An infinite one is refused by either reading, unless it stands for a missing value.
        return _LIKE_A_FIELD.fullmatch(text) is not None
    return value == value  # noqa: PLR0124 - not NaN
