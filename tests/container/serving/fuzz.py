"""Coverage-guided fuzzing of what the server makes of bytes: `python -m tests.container.serving.fuzz CORPUS [libFuzzer's options]`.

An input is the bytes of a connection, or a body with its header fields. Whatever it is: no fault of ours, a refusal of one
line, and a CSV body that is accepted has the answers that its rows have when they are read field by field.
"""

import sys
from pathlib import Path
from typing import Any, Final

import atheris

with atheris.instrument_imports(include=["container.serving", "container.fields", "tables.cells"]):
    from container.serving.application import Application
    from container.serving.csv_rows import CsvReader
    from container.serving.http import Request
    from container.serving.rejections import RejectedRequest

import numpy as np
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier

from container.predictor import Predictor
from container.schema import Column, Schema
from container.serving.log import Log
from tests.container.fits import exported
from tests.container.serving.lines import Line

MEDIA: Final = (b"text/csv", b"application/json", b"application/jsonlines", b"application/x-npy")
ACCEPTS: Final = (None, b"text/csv", b"application/json; probabilities=true", b"application/jsonlines", b"*/*;q=0")
MIXED: Final = Schema(
    (
        Column("size", "number"),
        Column("ok", "boolean"),
        Column("colour", "category", ("blue", "12", "a, b")),
        Column("weight", "number"),
    ),
    "classification",
    ("no", "yes", "perhaps"),
    "text",
    missing_allowed=True,
    missing_values=("NA", "-1"),
)
PLAIN: Final = Schema(
    tuple(Column(None, "number") for _ in range(4)), "classification", (0, 1, 2), "integer", missing_allowed=True
)


class Silent(Log):
    """Faults end the fuzzing instead of being written."""

    def fault(self, event: str, fault: BaseException) -> None:
        raise AssertionError(event) from fault


def predictors() -> list[Predictor]:
    iris = load_iris()
    rows = iris.data.astype(np.float32)
    rows[np.random.default_rng(7).random(rows.shape) < 0.2] = np.nan
    forest = RandomForestClassifier(n_estimators=5, max_depth=4, random_state=7).fit(rows, iris.target)
    model = exported(forest)
    return [Predictor(model, schema) for schema in (PLAIN, MIXED)]


class Target:
    """Two models, and everything that can be asked of them."""

    def __init__(self) -> None:
        self._predictors = predictors()
        self._applications = [Application(predictor, Silent()) for predictor in self._predictors]
        self._readers = [_field_by_field(predictor.schema) for predictor in self._predictors]

    def one(self, data: bytes) -> None:
        """One input."""
        provider = atheris.FuzzedDataProvider(data)
        which = provider.ConsumeIntInRange(0, 1)
        if provider.ConsumeBool():
            self._connection(provider.ConsumeBytes(4096), which)
        else:
            media = provider.PickValueInList(list(MEDIA)) if provider.ConsumeBool() else provider.ConsumeBytes(40)
            accept = provider.PickValueInList(list(ACCEPTS)) if provider.ConsumeBool() else provider.ConsumeBytes(40)
            self._body(which, media, accept, provider.ConsumeBytes(4096))

    def _connection(self, data: bytes, which: int) -> None:
        first = Line(self._applications[which].respond)
        # The second knows heads from the first.
        again = Line(self._applications[which].respond, first.desk.heads)
        half = len(data) // 2
        for line in (first, again):
            for part in (data[:half], data[half:]):
                line.send(part)
            line.connection.connection_lost(None)
            assert line.desk.bytes == 0
        assert again.wire.written == first.wire.written

    def _body(self, which: int, media: bytes, accept: bytes | None, body: bytes) -> None:
        request = Request(b"POST", b"/invocations", media, accept, None, body)
        response = self._applications[which].respond(request)
        assert response.status in (200, 400, 406, 413, 415)
        if response.status != 200:
            assert response.body.decode("ascii").isprintable()
        elif media == b"text/csv" and accept == b"text/csv":
            assert response.body == self._answer(which, body)

    def _answer(self, which: int, body: bytes) -> bytes:
        predictor = self._predictors[which]
        try:
            rows = self._readers[which].read(body)
        except RejectedRequest as rejection:
            raise AssertionError("what was answered is refused field by field") from rejection
        return b"\n".join(str(predictor.schema.classes[each]).encode() for each in predictor.answer(rows))


def _field_by_field(schema: Schema) -> CsvReader:
    reader = CsvReader(schema)
    reader._plain = False
    return reader


def seeds(folder: Path) -> None:
    """Inputs to begin with: the provider takes bytes from the beginning, and choices from the end."""
    folder.mkdir(parents=True, exist_ok=True)
    bodies: list[Any] = [
        b"1,2,3,4",
        b"1e3,,-.5,+4.0\r\n1,2,3,4\r\n",
        b'"1",t,"a, b",NA\n',
        b"size,ok,colour,weight\n1,no,blue,2",
    ]
    bodies += [b"[[1,2,3,4]]", b'{"instances": [{"size": 1, "ok": true}]}', b"[1,null,3,4]\n[1,2,3,4]\n"]
    bodies += [b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n"]
    bodies += [b"POST /invocations HTTP/1.1\r\nContent-Type: text/csv\r\nContent-Length: 7\r\n\r\n1,2,3,4"]
    for number, body in enumerate(bodies):
        for which in range(2):
            for kind in range(len(MEDIA)):
                # From the end: the model, no connection, a known medium, this one, a known accept, the second.
                (folder / f"body-{number}-{which}-{kind}").write_bytes(body + bytes([1, 1, kind, 1, 0, which]))
            (folder / f"connection-{number}-{which}").write_bytes(body + bytes([1, which]))


if __name__ == "__main__":
    seeds(Path(sys.argv[1]))
    atheris.Setup(sys.argv, Target().one)
    atheris.Fuzz()
