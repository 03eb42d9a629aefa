import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

CSV = {"content-type": "text/csv"}
ROW = b"4.6,3.1,1.5,0.2"
TAKEN = "text/csv, application/json, application/jsonlines, application/x-npy, application/x-parquet"


def test_ping_says_200_when_the_model_answers(complete: Any) -> None:
    assert complete.client.ask("GET", "/ping").status == 200


def test_ping_says_503_when_the_model_does_not_answer(complete: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    client = complete.client

    def broken(_rows: object) -> None:
        raise RuntimeError("out of order")

    monkeypatch.setattr(complete.predictor, "answer", broken)
    answer = client.ask("GET", "/ping")
    assert answer.status == 503
    assert answer.body == "the model does not answer; the log says why"
    assert "out of order" not in answer.body


def test_execution_parameters(complete: Any) -> None:
    answer = complete.client.ask("GET", "/execution-parameters")
    assert answer.status == 200
    assert json.loads(answer.body) == {
        "MaxConcurrentTransforms": 1,
        "BatchStrategy": "MULTI_RECORD",
        "MaxPayloadInMB": 6,
    }


def test_answers_one_class_per_line(complete: Any) -> None:
    answer = complete.client.invoke("4.6,3.1,1.5,0.2\n7.7,2.6,6.9,2.3\n")
    assert (answer.status, answer.body) == (200, "0\n2")
    assert answer.headers == {"content-type": "text/csv"}


@pytest.mark.parametrize("body", ['{"instances":[[4.6,3.1,1.5,0.2]]}', "[[4.6,3.1,1.5,0.2]]"])
def test_takes_and_gives_json(complete: Any, body: str) -> None:
    answer = complete.client.invoke(body, "application/json", accept="application/json")
    assert (answer.status, json.loads(answer.body)) == (200, {"predictions": [0]})
    assert answer.headers["content-type"] == "application/json"
    assert complete.client.invoke(body, "application/json").body == "0"


def test_answers_rows_with_missing_values_where_training_saw_some(sparse: Any, complete: Any) -> None:
    assert sparse.client.invoke(",,1.5,\n").body == "setosa"
    assert complete.client.invoke(",,1.5,\n").status == 400


@pytest.mark.parametrize(
    ("method", "path", "status", "reason"),
    [
        ("GET", "/", 404, "no such path; there are /ping, /execution-parameters, /invocations"),
        ("POST", "/ping/", 404, "no such path; there are /ping, /execution-parameters, /invocations"),
        ("POST", "/ping", 405, "/ping takes GET"),
        ("HEAD", "/ping", 405, "/ping takes GET"),
        ("GET", "/invocations", 405, "/invocations takes POST"),
        ("DELETE", "/execution-parameters", 405, "/execution-parameters takes GET"),
    ],
)
def test_refuses_other_paths_and_methods(complete: Any, method: str, path: str, status: int, reason: str) -> None:
    answer = complete.client.ask(method, path, ROW, CSV)
    assert (answer.status, answer.body, answer.headers["content-type"]) == (status, reason, "text/plain")
    assert (answer.headers.get("allow") == reason.rpartition(" ")[2]) == (status == 405)


@pytest.mark.parametrize(
    ("headers", "body", "status", "reason"),
    [
        ({}, ROW, 415, f"content type '' is not supported; send {TAKEN}; text in UTF-8"),
        (
            {"content-type": "text/csv", "accept": "image/png"},
            ROW,
            406,
            "answers come as text/csv, application/json, application/jsonlines",
        ),
        (CSV, b"1,2,3", 400, "row 1: 3 columns, the model takes 4"),
        (CSV, ROW + b"\n1,2,?,4", 400, "row 2, column 3: '?' is not a number"),
        (CSV, b"", 400, "the body holds no rows"),
        (
            {**CSV, "content-encoding": "gzip"},
            ROW,
            415,
            "a body with a content-encoding is not supported; send it as it is",
        ),
    ],
)
def test_refuses_requests_with_one_line(
    complete: Any, headers: dict[str, str], body: bytes, status: int, reason: str
) -> None:
    answer = complete.client.ask("POST", "/invocations", body, headers)
    assert (answer.status, answer.body) == (status, reason)


def test_answers_many_rows_in_their_order(complete: Any) -> None:
    body = b"4.6,3.1,1.5,0.2\n7.7,2.6,6.9,2.3\n" * 3_000
    assert complete.client.invoke(body).body == "\n".join(["0", "2"] * 3_000)


@given(
    method=st.sampled_from(["GET", "POST", "PUT"]),
    path=st.sampled_from(["/ping", "/invocations", "/execution-parameters"])
    | st.text(alphabet=st.characters(max_codepoint=255)),
    body=st.binary() | st.text(alphabet="0123456789,.\n-e").map(str.encode),
    content_type=st.sampled_from(["text/csv", "application/json"]) | st.text(),
    accept=st.sampled_from(["*/*", "application/json"]) | st.text(),
)
def test_never_answers_5xx(
    *, method: str, path: str, body: bytes, content_type: str, accept: str, complete: Any
) -> None:
    answer = complete.client.ask(method, path, body, {"content-type": content_type, "accept": accept})
    assert answer.status in (200, 400, 404, 405, 406, 415)
    if answer.status >= 400:
        assert "\n" not in answer.body
