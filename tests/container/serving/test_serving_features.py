import math
import subprocess
import sys

import pytest

from container.fields import InvalidField
from container.schema import Column
from container.serving.features import text_parser
from tables.cells import MissingMarks


@pytest.mark.parametrize(
    ("column", "mark", "value"),
    [
        (Column("x", "number"), "-999", 1.0),
        (Column("x", "boolean"), "n", 1.0),
        (Column("x", "category", ("n", "1")), "n", 1.0),
        (Column("x", "number"), "unknown", 1.0),
    ],
)
def test_what_stands_for_a_missing_value_is_missing_even_where_it_would_be_a_value(
    column: Column, mark: str, value: float
) -> None:
    parse = text_parser(column, MissingMarks([mark]))
    assert all(math.isnan(parse(text)) for text in (mark, mark.upper(), f" {mark} ", "nan"))
    assert parse("t" if column.kind == "boolean" else "1") == value


def test_what_stands_for_nothing_is_a_value_or_refused() -> None:
    assert text_parser(Column("x", "number"), MissingMarks(["-9"]))("-999") == -999.0
    assert text_parser(Column("x", "boolean"), MissingMarks(["-9"]))("n") == 0.0
    with pytest.raises(InvalidField):
        text_parser(Column("x", "number"), MissingMarks(["-9"]))("x")


def test_serving_reads_cells_without_the_library_that_reads_tables() -> None:
    program = "import container.serving.rows, sys; sys.exit('polars' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
