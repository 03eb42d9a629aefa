import numpy as np

from container.serving.answers import AnswerWriter
from container.serving.media import CSV, JSON
from tests.container.schemas import classifier

POSITIONS = np.array([2, 0, 1])


def test_integer_classes() -> None:
    writer = AnswerWriter(classifier(1, (-1, 0, 10)))
    assert writer.write(POSITIONS, CSV) == b"10\n-1\n0"
    assert writer.write(POSITIONS, JSON) == b'{"predictions": [10, -1, 0]}'


def test_text_classes_are_quoted_where_csv_needs_it() -> None:
    writer = AnswerWriter(classifier(1, ("a, b", 'say "c"', "d\u00e9")))
    assert writer.write(POSITIONS, CSV).decode() == 'd\u00e9\n"a, b"\n"say ""c"""'
    assert writer.write(POSITIONS, JSON) == b'{"predictions": ["d\\u00e9", "a, b", "say \\"c\\""]}'
