import numpy as np

from container.schema import Schema
from container.serving.answers import AnswerWriter
from container.serving.media import CSV, JSON

POSITIONS = np.array([2, 0, 1])


def test_integer_classes() -> None:
    writer = AnswerWriter(Schema(1, None, (-1, 0, 10), "integer", missing_allowed=False))
    assert writer.write(POSITIONS, CSV) == b"10\n-1\n0"
    assert writer.write(POSITIONS, JSON) == b'{"predictions": [10, -1, 0]}'


def test_text_classes_are_quoted_where_csv_needs_it() -> None:
    writer = AnswerWriter(Schema(1, None, ("a, b", 'say "c"', "d\u00e9"), "text", missing_allowed=False))
    assert writer.write(POSITIONS, CSV).decode() == 'd\u00e9\n"a, b"\n"say ""c"""'
    assert writer.write(POSITIONS, JSON) == b'{"predictions": ["d\\u00e9", "a, b", "say \\"c\\""]}'
