"""What SageMaker and its clients expect of a container that serves the course's iris model, whoever runs it.

Source: "Custom Inference Code with Hosting Services" and "... with Batch Transform", SageMaker Developer Guide. A module that
has a fixture `service` runs all of it by a class of its own: `class TestProcess(Contract): ...`.
"""

import http.client
import io
import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl
import pytest
from sklearn.datasets import load_iris

from local.demo.iris import KNOWN_ROWS

ROWS: Final = load_iris().data[::3]
"""Shape (50, 4)."""
LIMIT_BYTES: Final = 6 * 1024**2
SECONDS: Final = 60.0


@dataclass(frozen=True)
class Reply:
    status: int
    media: str
    body: bytes

    @property
    def line(self) -> str:
        """The body, which has to be one line of text."""
        assert self.media == "text/plain"
        text = self.body.decode("ascii")
        assert text.isprintable()
        return text


@dataclass(frozen=True)
class Service:
    host: str
    port: int

    def ask(self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Reply:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=SECONDS)
        try:
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            return Reply(response.status, response.getheader("content-type", ""), response.read())
        finally:
            connection.close()

    def invoke(self, body: bytes, content_type: str = "text/csv", accept: str | None = None) -> Reply:
        headers = {"Content-Type": content_type} | ({"Accept": accept} if accept else {})
        return self.ask("POST", "/invocations", body, headers)

    def dial(self) -> socket.socket:
        return socket.create_connection((self.host, self.port), timeout=SECONDS)


def csv_of(rows: Any) -> bytes:
    return "\n".join(",".join(repr(float(value)) for value in row) for row in rows).encode()


def npy_of(rows: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, rows)
    return file.getvalue()


def parquet_of(rows: Any) -> bytes:
    file = io.BytesIO()
    pl.DataFrame(np.asarray(rows), schema=[f"column {place}" for place in range(4)], orient="row").write_parquet(file)
    return file.getvalue()


FORMS: Final = {
    "csv": ("text/csv", csv_of(ROWS)),
    "csv with crlf and spaces": ("text/csv", csv_of(ROWS).replace(b"\n", b"\r\n").replace(b",", b" , ") + b"\r\n"),
    "csv of a charset": ("text/csv; charset=utf-8", b"\xef\xbb\xbf" + csv_of(ROWS)),
    "quoted csv": ("text/csv", b"\n".join(b'"%b"' % line.replace(b",", b'","') for line in csv_of(ROWS).split(b"\n"))),
    "json": ("application/json", json.dumps(ROWS.tolist()).encode()),
    "json instances": ("application/json", json.dumps({"instances": ROWS.tolist()}).encode()),
    "json lines": ("application/jsonlines", "\n".join(map(json.dumps, ROWS.tolist())).encode()),
    "json lines of features": (
        "application/jsonlines",
        "".join(json.dumps({"features": row}) + "\n" for row in ROWS.tolist()).encode(),
    ),
    "npy": ("application/x-npy", npy_of(ROWS)),
    "npy in columns, 32 bits": ("application/x-npy", npy_of(np.asfortranarray(ROWS, dtype=np.float32))),
    "npy of the other order of bytes": ("application/x-npy", npy_of(ROWS.astype(">f8"))),
    "parquet": ("application/x-parquet", parquet_of(ROWS)),
    "parquet by its registered name": ("application/vnd.apache.parquet", parquet_of(ROWS)),
}
REFUSED: Final = [
    (b"1,2,3", "text/csv", None, 400, "row 1: 3 columns, the model takes 4"),
    (b"1,2,3,4\n1,2,3,x", "text/csv", None, 400, "row 2, column 4: 'x' is not a number"),
    (b"1,2,inf,4", "text/csv", None, 400, "row 1, column 3: 'inf' is infinite or too large for a 32-bit float"),
    (b"1,2,3,1e39", "text/csv", None, 400, "row 1, column 4: '1e39' is infinite or too large for a 32-bit float"),
    (b"1,,3,4", "text/csv", None, 400, "row 1, column 2: missing value; the model was trained without missing values"),
    (b"", "text/csv", None, 400, "the body holds no rows"),
    (b"\xff", "text/csv", None, 400, "the body is not UTF-8: byte 1"),
    (b"[[1,2,3,4],[1,2,3,true]]", "application/json", None, 400, "row 2, column 4: a boolean is not a number"),
    (b"[[1,2,3,NaN]]", "application/json", None, 400, "the body is not JSON: NaN is not JSON"),
    (b"[1,2,3,4]\n[1,2]", "application/jsonlines", None, 400, "row 2: 2 columns, the model takes 4"),
    (b"[1,2,3,4]\n{", "application/jsonlines", None, 400, "row 2 is not JSON: "),
    (npy_of(np.full((2, 4), np.inf)), "application/x-npy", None, 400, "row 1, column 1: infinite or too large"),
    (npy_of(np.full((1, 4), np.nan)), "application/x-npy", None, 400, "row 1, column 1: missing value"),
    (npy_of(np.zeros((2, 3))), "application/x-npy", None, 400, "row 1: 3 columns, the model takes 4"),
    (npy_of(np.array([["1"] * 4])), "application/x-npy", None, 400, "the array does not hold numbers"),
    (npy_of(ROWS)[:-1], "application/x-npy", None, 400, "the array's data is not as long as its header says"),
    (b"PAR1" * 5, "application/x-parquet", None, 400, "the body "),
    (b"1,2,3,4", "text/csv", "image/png", 406, "answers come as text/csv, application/json, application/jsonlines"),
    (b"1,2,3,4", "text/plain", None, 415, "content type 'text/plain' is not supported; send text/csv, "),
    (b"1,2,3,4", "text/csv; charset=utf-16", None, 415, "content type 'text/csv; charset=utf-16' is not supported"),
]


class Contract:
    """The tests; each takes the fixture `service`."""

    def test_ping_says_200_and_nothing_else(self, service: Service) -> None:
        reply = service.ask("GET", "/ping")
        assert (reply.status, reply.body) == (200, b"")

    def test_execution_parameters_are_those_of_batch_transform(self, service: Service) -> None:
        reply = service.ask("GET", "/execution-parameters")
        assert (reply.status, reply.media) == (200, "application/json")
        assert json.loads(reply.body) == {
            "MaxConcurrentTransforms": 1,
            "BatchStrategy": "MULTI_RECORD",
            "MaxPayloadInMB": 6,
        }

    def test_the_known_rows(self, service: Service) -> None:
        """S9."""
        for row, expected in KNOWN_ROWS.items():
            assert service.invoke(row.encode()) == Reply(200, "text/csv", expected.encode())

    @pytest.mark.parametrize("form", FORMS)
    def test_the_same_rows_have_the_same_answers_in_every_form(self, service: Service, form: str) -> None:
        media, body = FORMS[form]
        for accept in ("text/csv", "application/json; probabilities=true"):
            assert service.invoke(body, media, accept) == service.invoke(csv_of(ROWS), accept=accept)

    def test_the_same_answers_come_in_every_form(self, service: Service) -> None:
        lines = service.invoke(csv_of(ROWS), accept="text/csv").body.decode().split("\n")
        predictions = [int(line) for line in lines]
        assert len(predictions) == len(ROWS)
        reply = service.invoke(csv_of(ROWS), accept="application/json")
        assert (reply.media, json.loads(reply.body)) == ("application/json", {"predictions": predictions})
        reply = service.invoke(csv_of(ROWS), accept="application/jsonlines")
        assert reply.media == "application/jsonlines"
        assert [json.loads(line) for line in reply.body.splitlines()] == predictions

    def test_probabilities_come_when_they_are_asked_for(self, service: Service) -> None:
        body = service.invoke(csv_of(ROWS), accept="application/json; probabilities=true").body
        document = json.loads(body)
        shares = np.array(document["probabilities"])
        assert shares.shape == (len(ROWS), 3)
        assert document["classes"] == [0, 1, 2]
        np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-6)
        assert (shares.argmax(axis=1) == document["predictions"]).all()
        lines = service.invoke(csv_of(ROWS), accept="application/jsonlines; probabilities=true").body.splitlines()
        assert [json.loads(line)["probabilities"] for line in lines] == document["probabilities"]
        table = service.invoke(csv_of(ROWS), accept="text/csv; probabilities=true").body.decode().split("\n")
        numbers = np.array([[float(cell) for cell in line.split(",")] for line in table])
        assert numbers.tolist() == np.column_stack([document["predictions"], shares]).tolist()

    @pytest.mark.parametrize(("body", "media", "accept", "status", "reason"), REFUSED)
    def test_refuses_with_one_line(
        self, service: Service, body: bytes, media: str, accept: str | None, status: int, reason: str
    ) -> None:
        reply = service.invoke(body, media, accept)
        assert reply.status == status
        assert reply.line.startswith(reason)

    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [("GET", "/", 404), ("POST", "/ping", 405), ("GET", "/invocations", 405), ("PUT", "/invocations", 405)],
    )
    def test_refuses_other_paths_and_methods(self, service: Service, method: str, path: str, status: int) -> None:
        assert service.ask(method, path).status == status

    def test_takes_as_much_as_sagemaker_sends_and_no_more(self, service: Service) -> None:
        row = b"4.6,3.1,1.5,0.2\n"
        body = row * (LIMIT_BYTES // len(row))
        reply = service.invoke(body)
        assert (reply.status, reply.body.count(b"\n") + 1) == (200, LIMIT_BYTES // len(row))
        reply = service.invoke(body.ljust(LIMIT_BYTES + 1, b"\n"))
        assert (reply.status, reply.line) == (413, f"the body is larger than {LIMIT_BYTES} bytes; send fewer rows")

    def test_one_connection_serves_one_request_after_another(self, service: Service) -> None:
        connection = http.client.HTTPConnection(service.host, service.port, timeout=SECONDS)
        for body, status in (
            (b"4.6,3.1,1.5,0.2", 200),
            (b"x", 400),
            (iter([b"4.6,3.1,", b"1.5,0.2"]), 200),
            (b"1" * 9, 400),
        ):
            connection.request("POST", "/invocations", body, {"Content-Type": "text/csv"})
            response = connection.getresponse()
            assert response.status == status
            response.read()
        connection.close()

    def test_a_client_that_asks_before_it_sends_is_told_to_go_on(self, service: Service) -> None:
        with service.dial() as client:
            head = "POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\nContent-Length: 15\r\n"
            client.sendall(f"{head}Expect: 100-continue\r\n\r\n".encode())
            assert client.recv(1024) == b"HTTP/1.1 100 Continue\r\n\r\n"
            client.sendall(b"4.6,3.1,1.5,0.2")
            assert client.recv(1024).startswith(b"HTTP/1.1 200 ")

    def test_what_is_not_http_is_refused(self, service: Service) -> None:
        with service.dial() as client:
            client.sendall(b"\x16\x03\x01 nonsense\r\n\r\n")
            answer = b"".join(iter(lambda: client.recv(1024), b""))
            assert answer.startswith(b"HTTP/1.1 400 ")

    def test_a_client_that_leaves_in_the_middle_harms_nobody(self, service: Service) -> None:
        for _ in range(20):
            with service.dial() as client:
                client.sendall(b"POST /invocations HTTP/1.1\r\nContent-Type: text/csv\r\nContent-Length: 15\r\n\r\n4.6")
        assert service.ask("GET", "/ping").status == 200
