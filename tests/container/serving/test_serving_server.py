import json
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from container.layout import Layout
from container.serving.cores import usable_cores
from container.serving.entry import InvalidSetting, Settings, serve

PROJECT = Path(__file__).parents[3]
CSV = {"Content-Type": "text/csv"}


def log_of(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


def test_trains_and_serves_iris(start_server: Callable[[], Any]) -> None:
    """S9, then what a client may do to a server over a socket."""
    server = start_server()
    for row, expected in (("4.6,3.1,1.5,0.2", "0"), ("7.7,2.6,6.9,2.3", "2"), ("6.1,2.8,4.7,1.2", "1")):
        assert server.ask("POST", "/invocations", row, CSV) == (200, expected)
    assert server.ask("GET", "/ping") == (200, "")
    assert json.loads(server.ask("GET", "/execution-parameters")[1])["MaxPayloadInMB"] == 6
    answer = server.ask("POST", "/invocations", "[[4.6,3.1,1.5,0.2]]", {"Content-Type": "application/json"})
    assert answer == (200, "0")
    assert server.ask("POST", "/invocations", b"1" * (7 * 1024**2), CSV)[0] == 413
    connection = server.connect()
    for _ in range(2):  # the second on the same connection, after a body that was refused unread
        connection.request("POST", "/invocations", iter([b"1" * 1024**2] * 7), CSV, encode_chunked=True)
        response = connection.getresponse()
        assert (response.status, response.read()) == (413, b"the body is larger than 6291456 bytes; send fewer rows")
    connection.close()


def test_sigterm_lets_a_request_finish(start_server: Callable[[], Any], until: Any) -> None:
    server = start_server()
    row = b"4.6,3.1,1.5,0.2"
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as client:
        head = f"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\nContent-Length: {len(row)}\r\n"
        client.sendall(head.encode() + b"Expect: 100-continue\r\n\r\n")
        assert client.recv(1024).startswith(b"HTTP/1.1 100 ")  # the server works on the request and waits for its body
        server.process.send_signal(signal.SIGTERM)
        until(lambda: not server.healthy(), "the server takes no new connections")
        assert server.process.poll() is None
        client.sendall(row)
        answer = b"".join(iter(lambda: client.recv(1024), b""))
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert b"\r\nconnection: close\r\n" in answer
        assert answer.endswith(b"\r\n\r\n0")
    output, errors = server.process.communicate(timeout=60)
    assert (server.process.returncode, errors) == (0, "")
    (line,) = log_of(output)
    assert {name: line[name] for name in ("level", "event", "features", "classes", "port")} == {
        "level": "INFO",
        "event": "serving",
        "features": 4,
        "classes": 3,
        "port": server.port,
    }


def test_serving_needs_nothing_of_training(iris_job: Any) -> None:
    """Loads the model and answers in a fresh interpreter that would notice any pickle."""
    program = f"""
import sys
from pathlib import Path
found = []
sys.addaudithook(lambda event, _: found.append(event) if event.startswith("pickle.") else None)
from container.serving import entry
from container.serving.http import Request
application = entry.Application(entry.load_predictor(Path({str(iris_job.layout.model)!r})), entry.Log())
request = Request(b"POST", b"/invocations", b"text/csv", None, None, b"4.6,3.1,1.5,0.2")
assert application.respond(request).body == b"0"
assert not found, found
print("\\n".join(sys.modules))
"""
    run = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=True)
    modules = set(run.stdout.split())
    assert "container.predictor" in modules
    unwanted = {
        "sklearn",
        "scipy",
        "joblib",
        "onnx",
        "onnxruntime",
        "polars",
        "xgboost",
        "pydantic",
        "pandas",
        "contracts",
        "boto3",
    }
    assert not {module for module in modules if module.split(".")[0] in unwanted}
    assert not {module for module in modules if module.startswith("container.training")}


def test_a_folder_without_a_model_is_not_served(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert serve(Layout(tmp_path), {}) == 1
    assert capsys.readouterr().err.startswith("cannot serve: no model in ")


def test_a_port_in_use_ends_the_server_with_a_reason(
    start_server: Callable[[], Any], start_container: Any, iris_job: Any
) -> None:
    server = start_server()
    environment = {"SAGEMAKER_BASE_DIR": str(iris_job.layout.base), "SERVE_HOST": "127.0.0.1"}
    second = start_container("serve", SAGEMAKER_BIND_TO_PORT=str(server.port), **environment)
    output, errors = second.communicate(timeout=60)
    assert (second.returncode, output) == (1, "")
    assert errors.startswith("cannot serve: ")
    assert "address already in use" in errors.lower()
    assert server.healthy()


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, Settings("0.0.0.0", 8080, usable_cores())),
        (
            {
                "SERVE_HOST": "127.0.0.1",
                "SAGEMAKER_BIND_TO_PORT": "9000",
                "SAGEMAKER_MODEL_SERVER_WORKERS": "3",
                "SERVE_USER": "65532",
            },
            Settings("127.0.0.1", 9000, 3, 65_532),
        ),
        (
            {"SERVE_HOST": "", "SAGEMAKER_BIND_TO_PORT": "", "SAGEMAKER_MODEL_SERVER_WORKERS": ""},
            Settings("0.0.0.0", 8080, usable_cores()),
        ),
    ],
)
def test_serves_as_the_environment_says(environment: dict[str, str], expected: Settings) -> None:
    assert Settings.from_environment(environment) == expected


@pytest.mark.parametrize("number", ["0", "9999999999", "-1", "80a", " 80", "\u0668\u0660"])
@pytest.mark.parametrize("name", ["SAGEMAKER_BIND_TO_PORT", "SAGEMAKER_MODEL_SERVER_WORKERS", "SERVE_USER"])
def test_refuses_what_is_no_number(name: str, number: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InvalidSetting):
        Settings.from_environment({name: number})
    assert serve(Layout(tmp_path), {name: number}) == 1
    assert f"{name} is {number!r}, not a " in capsys.readouterr().err
