"""From what the model says to the body of the answer."""

import csv
import io
import json
from http import HTTPStatus

import numpy as np
from numpy.typing import NDArray

from container.predictor import Positions, Predictor, Rows
from container.serving.media import CSV, JSON, JSON_LINES, AnswerForm
from container.serving.rejections import RejectedRequest

Shares = NDArray[np.float32]


class AnswerWriter:
    """Asks the model, and writes its answers, one for each row:

    - text/csv: a line with the class or number; with probabilities also those, in the order of the schema's classes.
      The last line has no line end.
    - application/json: `{"predictions": [class or number, ...]}`; with probabilities also
      `"classes": [class, ...], "probabilities": [[share, ...], ...]`.
    - application/jsonlines: a line with the class or number; with probabilities
      `{"prediction": class, "probabilities": [share, ...]}`.

    Numbers are the shortest texts that are read back as the same 32-bit numbers.
    """

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        self._classes = predictor.schema.classes
        self._csv = [_csv_line(name) for name in self._classes]
        self._json = [json.dumps(name) for name in self._classes]
        self._tables = {media: _table(self._texts_of(media), media) for media in (CSV, JSON, JSON_LINES)}
        self._single = {
            media: [self._all_of(media, np.array([position])) for position in range(len(self._classes))]
            for media in (CSV, JSON, JSON_LINES)
        }

    def write(self, rows: Rows, form: AnswerForm) -> bytes:
        """The body for these rows.

        Raises:
            RejectedRequest: 406, a regression has no probabilities.
        """
        if self._predictor.schema.task == "regression":
            if form.probabilities:
                raise RejectedRequest(
                    HTTPStatus.NOT_ACCEPTABLE, "the model answers numbers, which have no probabilities"
                )
            return _numbers(self._predictor.values(rows), form.media)
        if form.probabilities:
            return self._with_probabilities(*self._predictor.answer_with_probabilities(rows), form.media)
        return self.classes(self._predictor.answer(rows), form.media)

    def write_plain(self, body: bytes, media: str) -> bytes | None:
        """As `write`, of the rows in a plain CSV body; None when it is not plain, see `Predictor.answer_csv`."""
        if self._predictor.schema.task == "regression":
            values = self._predictor.values_csv(body)
            return None if values is None else _numbers(values, media)
        positions = self._predictor.answer_csv(body)
        return None if positions is None else self.classes(positions, media)

    def classes(self, positions: Positions, media: str) -> bytes:
        """The body for these classes, which are positions in the schema's."""
        if len(positions) == 1:
            return self._single[media][positions[0]]
        return self._all_of(media, np.asarray(positions))

    def _texts_of(self, media: str) -> list[str]:
        return self._csv if media == CSV else self._json

    def _all_of(self, media: str, positions: NDArray[np.int64]) -> bytes:
        table = self._tables[media]
        if table is None:
            return _joined(list(map(self._texts_of(media).__getitem__, positions.tolist())), media)
        return _enclosed(table[positions].tobytes()[: -len(_separator(media))], media)

    def _with_probabilities(self, positions: NDArray[np.int64], shares: Shares, media: str) -> bytes:
        texts = [_texts(row) for row in shares]
        if media == CSV:
            lines = [",".join([self._csv[position], *row]) for position, row in zip(positions, texts, strict=True)]
            return "\n".join(lines).encode()
        lists = [f"[{', '.join(row)}]" for row in texts]
        names = [self._json[position] for position in positions]
        if media == JSON_LINES:
            pairs = zip(names, lists, strict=True)
            return "\n".join([f'{{"prediction": {name}, "probabilities": {row}}}' for name, row in pairs]).encode()
        classes = ", ".join(self._json)
        answers = f'"predictions": [{", ".join(names)}], "classes": [{classes}], "probabilities": [{", ".join(lists)}]'
        return f"{{{answers}}}".encode()


def _table(texts: list[str], media: str) -> NDArray[np.bytes_] | None:
    """Each class's bytes with what separates them from the next; None when they are not as long as one another."""
    lines = [(text + _separator(media)).encode() for text in texts]
    lengths = {len(line) for line in lines}
    return np.array(lines, dtype=f"S{lengths.pop()}") if len(lengths) == 1 else None


def _separator(media: str) -> str:
    return ", " if media == JSON else "\n"


def _joined(texts: list[str], media: str) -> bytes:
    return _enclosed(_separator(media).join(texts).encode(), media)


def _enclosed(answers: bytes, media: str) -> bytes:
    return b'{"predictions": [%b]}' % answers if media == JSON else answers


def _numbers(values: NDArray[np.float32], media: str) -> bytes:
    texts = _texts(values)
    if media != CSV and not np.isfinite(values).all():
        # An exponential may be infinite. JSON has no word for that; what is too large for any reader is read as that.
        texts = [text.replace("inf", "1e999") for text in texts]
    return _joined(texts, media)


def _texts(values: NDArray[np.float32]) -> list[str]:
    return [str(value) for value in values]


def _csv_line(name: int | str) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow([name])
    return line.getvalue()
