"""From classes to the body of the answer."""

import csv
import io
import json

import numpy as np
from numpy.typing import NDArray

from container.predictor import Predictor, Rows
from container.serving.media import CSV


class AnswerWriter:
    """Asks the model, and writes its answers as text/csv, one per line, or as application/json:
    `{"predictions": [class or number, ...]}`.
    """

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        self._classes = predictor.schema.classes
        self._lines = [_csv_line(name) for name in self._classes]

    def answer(self, rows: Rows, media: str) -> bytes:
        """The body for these rows. The last line of text/csv has no line end."""
        if self._predictor.schema.task == "regression":
            return _numbers(self._predictor.values(rows), media)
        positions = self._predictor.answer(rows)
        if media == CSV:
            return "\n".join([self._lines[position] for position in positions]).encode()
        return json.dumps({"predictions": [self._classes[position] for position in positions]}).encode()


def _numbers(values: NDArray[np.float32], media: str) -> bytes:
    """The shortest texts that are read back as the same 32-bit numbers."""
    texts = [str(value) for value in values]
    if media == CSV:
        return "\n".join(texts).encode()
    return f'{{"predictions": [{", ".join(texts)}]}}'.encode()


def _csv_line(name: int | str) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow([name])
    return line.getvalue()
