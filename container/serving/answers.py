"""From classes to the body of the answer."""

import csv
import io
import json

import numpy as np
from numpy.typing import NDArray

from container.schema import Schema
from container.serving.media import CSV


class AnswerWriter:
    """Writes answers as text/csv, one class per line, or as application/json: `{"predictions": [class, ...]}`."""

    def __init__(self, schema: Schema) -> None:
        self._classes = schema.classes
        self._lines = [_csv_line(name) for name in schema.classes]

    def write(self, positions: NDArray[np.int64], media: str) -> bytes:
        """`positions` count in the schema's classes. The last line of text/csv has no line end."""
        if media == CSV:
            return "\n".join([self._lines[position] for position in positions]).encode()
        return json.dumps({"predictions": [self._classes[position] for position in positions]}).encode()


def _csv_line(name: int | str) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow([name])
    return line.getvalue()
