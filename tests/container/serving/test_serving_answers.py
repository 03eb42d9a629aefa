import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from container.schema import Schema, number_columns
from container.serving.answers import AnswerWriter
from container.serving.media import CSV, JSON, JSON_LINES, AnswerForm
from container.serving.rejections import RejectedRequest
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

    def answer_with_probabilities(self, rows: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        return self.answer(rows), np.array([[0.1, 0.2, 0.7], [1, 0, 0], [1 / 3, 2 / 3, 0]], np.float32)

    def values(self, _rows: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.array(self.told, dtype=np.float32)


def writer_of(schema: Schema, told: Any = (2, 0, 1)) -> AnswerWriter:
    return AnswerWriter(Known(schema, told))  # type: ignore[arg-type]


def test_integer_classes() -> None:
    writer = writer_of(classifier(1, (-1, 0, 10)))
    assert writer.write(ROWS, AnswerForm(CSV)) == b"10\n-1\n0"
    assert writer.write(ROWS, AnswerForm(JSON)) == b'{"predictions": [10, -1, 0]}'


def test_text_classes_are_quoted_where_csv_needs_it() -> None:
    writer = writer_of(classifier(1, ("a, b", 'say "c"', "d\u00e9")))
    assert writer.write(ROWS, AnswerForm(CSV)).decode() == 'd\u00e9\n"a, b"\n"say ""c"""'
    assert writer.write(ROWS, AnswerForm(JSON)) == b'{"predictions": ["d\\u00e9", "a, b", "say \\"c\\""]}'


def test_json_lines() -> None:
    assert writer_of(classifier(1, (-1, 0, 10))).write(ROWS, AnswerForm(JSON_LINES)) == b"10\n-1\n0"
    writer = writer_of(classifier(1, ("a", 'say "c"', "d\u00e9")))
    assert writer.write(ROWS, AnswerForm(JSON_LINES)) == b'"d\\u00e9"\n"a"\n"say \\"c\\""'


@pytest.mark.parametrize(
    ("media", "expected"),
    [
        (CSV, 'c,0.1,0.2,0.7\n"a, b",1.0,0.0,0.0\nb,0.33333334,0.6666667,0.0'),
        (
            JSON,
            (
                '{"predictions": ["c", "a, b", "b"], "classes": ["a, b", "b", "c"], '
                '"probabilities": [[0.1, 0.2, 0.7], [1.0, 0.0, 0.0], [0.33333334, 0.6666667, 0.0]]}'
            ),
        ),
        (
            JSON_LINES,
            (
                '{"prediction": "c", "probabilities": [0.1, 0.2, 0.7]}\n'
                '{"prediction": "a, b", "probabilities": [1.0, 0.0, 0.0]}\n'
                '{"prediction": "b", "probabilities": [0.33333334, 0.6666667, 0.0]}'
            ),
        ),
    ],
)
def test_probabilities(media: str, expected: str) -> None:
    writer = writer_of(classifier(1, ("a, b", "b", "c")))
    assert writer.write(ROWS, AnswerForm(media, probabilities=True)).decode() == expected


def test_a_regression_has_no_probabilities() -> None:
    with pytest.raises(RejectedRequest) as told:
        writer_of(REGRESSION, (1.0,)).write(ROWS, AnswerForm(CSV, probabilities=True))
    assert told.value.status == 406


@pytest.mark.parametrize("media", [CSV, JSON])
def test_numbers_are_read_back_as_the_same_32_bit_numbers(media: str) -> None:
    values = np.array([0.1, -2.5e-30, 16777217, 3.4e38, 1 / 3], dtype=np.float32)
    body = writer_of(REGRESSION, values).write(ROWS, AnswerForm(media))
    read = json.loads(body)["predictions"] if media == JSON else [float(line) for line in body.decode().split("\n")]
    np.testing.assert_array_equal(np.array(read, dtype=np.float32), values)
    assert len(body) < 80


@pytest.mark.parametrize("media", [CSV, JSON, JSON_LINES])
def test_what_is_infinite_is_read_as_that(media: str) -> None:
    body = writer_of(REGRESSION, (np.inf, 1.5)).write(ROWS, AnswerForm(media))
    lines = [body] if media == JSON else body.split(b"\n")
    read = [float(line) if media == CSV else json.loads(line) for line in lines]
    assert (read[0]["predictions"] if media == JSON else read) == [np.inf, 1.5]


@pytest.mark.parametrize(
    "classes", [(0, 1, 2), ("a", "b", "c"), ("d\u00e9", "n\u00ee", "\u00fb\u00fc"), ("", "long", "x")]
)
@pytest.mark.parametrize("media", [CSV, JSON, JSON_LINES])
def test_names_of_one_length_are_written_as_others(media: str, classes: tuple[int | str, ...]) -> None:
    writer = writer_of(classifier(1, classes))
    one_by_one = [writer_of(classifier(1, classes), (place,)).write(ROWS, AnswerForm(media)) for place in (2, 0, 1)]
    body = writer.write(ROWS, AnswerForm(media))
    if media == JSON:
        assert json.loads(body) == {"predictions": [json.loads(one)["predictions"][0] for one in one_by_one]}
    else:
        assert body == b"\n".join(one_by_one)
