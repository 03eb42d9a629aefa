import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from container.schema import Schema, number_columns
from container.serving.answers import AnswerWriter
from container.serving.media import CSV, JSON
from tests.container.schemas import classifier

ROWS = np.zeros((3, 1), dtype=np.float32)
REGRESSION = Schema(number_columns(1), "regression", (), "number", missing_allowed=False)


@dataclass
class Known:
    """In a predictor's place: answers what it was told."""

    schema: Schema
    told: Any

    def answer(self, _rows: NDArray[np.float32]) -> NDArray[np.int64]:
        return np.array(self.told)

    def values(self, _rows: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.array(self.told, dtype=np.float32)


def writer_of(schema: Schema, told: Any = (2, 0, 1)) -> AnswerWriter:
    return AnswerWriter(Known(schema, told))  # type: ignore[arg-type]


def test_integer_classes() -> None:
    writer = writer_of(classifier(1, (-1, 0, 10)))
    assert writer.answer(ROWS, CSV) == b"10\n-1\n0"
    assert writer.answer(ROWS, JSON) == b'{"predictions": [10, -1, 0]}'


def test_text_classes_are_quoted_where_csv_needs_it() -> None:
    writer = writer_of(classifier(1, ("a, b", 'say "c"', "d\u00e9")))
    assert writer.answer(ROWS, CSV).decode() == 'd\u00e9\n"a, b"\n"say ""c"""'
    assert writer.answer(ROWS, JSON) == b'{"predictions": ["d\\u00e9", "a, b", "say \\"c\\""]}'


@pytest.mark.parametrize("media", [CSV, JSON])
def test_numbers_are_read_back_as_the_same_32_bit_numbers(media: str) -> None:
    values = np.array([0.1, -2.5e-30, 16777217, 3.4e38, 1 / 3], dtype=np.float32)
    body = writer_of(REGRESSION, values).answer(ROWS, media)
    read = json.loads(body)["predictions"] if media == JSON else [float(line) for line in body.decode().split("\n")]
    np.testing.assert_array_equal(np.array(read, dtype=np.float32), values)
    assert len(body) < 80
