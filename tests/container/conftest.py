"""Datasets, a trained model, a running server, and a client for the container's tests."""

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier

from container.layout import Layout
from container.predictor import Predictor
from container.schema import Schema
from container.serving.application import Application
from container.serving.http import Request
from container.serving.log import Log
from tests.container.fits import exported
from tests.container.schemas import classifier

PROJECT = Path(__file__).parents[2]
DEADLINE_SECONDS = 60.0

# The rest as it was. A slow machine is no fault of the example that it happened to work on.
settings.register_profile("unhurried", settings(), deadline=None)
settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def iris_csv() -> str:
    """S1: the label first, no header, three decimals."""
    iris = load_iris()
    rows = np.column_stack([iris.target, iris.data])
    return "".join(",".join(f"{value:.3f}" for value in row) + "\n" for row in rows)


LayOut = Callable[..., Layout]


@pytest.fixture
def lay_out(tmp_path: Path) -> LayOut:
    """Makes an `/opt/ml` of its own: lay_out(csv, hyperparameters, validation=csv)."""

    def make(train: str | bytes, hyperparameters: Mapping[str, str] | None = None, **channels: str) -> Layout:
        return lay_out_at(tmp_path / "ml", train, hyperparameters or {}, **channels)

    return make


def lay_out_at(base: Path, train: str | bytes, hyperparameters: Mapping[str, str], **channels: str) -> Layout:
    layout = Layout(base)
    layout.hyperparameters.parent.mkdir(parents=True)
    layout.hyperparameters.write_text(json.dumps(hyperparameters))
    for name, content in {"train": train, **channels}.items():
        layout.channel(name).mkdir(parents=True)
        data = content if isinstance(content, bytes) else content.encode()
        (layout.channel(name) / "dataset.csv").write_bytes(data)
    return layout


def run_container(command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "container", *command],
        cwd=PROJECT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


StartContainer = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start_container() -> Iterator[StartContainer]:
    """Starts `python -m container …`; what still runs when the test ends is killed."""
    started: list[subprocess.Popen[str]] = []

    def start(*command: str, **environment: str) -> "subprocess.Popen[str]":
        started.append(run_container(command, environment))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


@dataclass(frozen=True)
class TrainedJob:
    layout: Layout
    output: str


@pytest.fixture(scope="session")
def iris_job(tmp_path_factory: pytest.TempPathFactory, iris_csv: str) -> TrainedJob:
    """S8: trained as a process of its own; the word `train` is missing, as in the SageMaker SDK's local mode."""
    hyperparameters = {"max_depth": "20", "n_jobs": "4", "n_estimators": "120"}
    layout = lay_out_at(tmp_path_factory.mktemp("iris") / "ml", iris_csv, hyperparameters)
    layout.resources.write_text(json.dumps({"current_host": "algo-1", "hosts": ["algo-1"]}))
    environment = {"SAGEMAKER_BASE_DIR": str(layout.base), "TRAINING_JOB_NAME": "iris"}
    with run_container([], environment) as process:
        output, errors = process.communicate(timeout=DEADLINE_SECONDS)
    assert process.returncode == 0, errors
    return TrainedJob(layout, output)


@dataclass(frozen=True)
class Server:
    process: "subprocess.Popen[str]"
    port: int

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_SECONDS)

    def ask(
        self, method: str, path: str, body: str | bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, str]:
        connection = self.connect()
        try:
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def healthy(self) -> bool:
        try:
            return self.ask("GET", "/ping")[0] == 200
        except ConnectionError:
            return False


def wait_until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"timed out waiting until {what}"
        time.sleep(0.01)


@pytest.fixture(scope="session")
def until() -> Callable[[Callable[[], bool], str], None]:
    """Polls a condition with a deadline."""
    return wait_until


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


StartServer = Callable[..., Server]


@pytest.fixture
def start_server(iris_job: TrainedJob, start_container: StartContainer) -> StartServer:
    """Starts a server of the trained model that answers already."""

    def start(**environment: str) -> Server:
        port = free_port()
        process = start_container(
            "serve",
            SAGEMAKER_BASE_DIR=str(iris_job.layout.base),
            SAGEMAKER_BIND_TO_PORT=str(port),
            SERVE_HOST="127.0.0.1",
            **environment,
        )
        server = Server(process, port)
        wait_until(lambda: server.healthy() or process.poll() is not None, "the server answers")
        assert process.poll() is None
        return server

    return start


@dataclass(frozen=True)
class Answer:
    status: int
    body: str
    headers: Mapping[str, str]


@dataclass
class Client:
    """Asks an application as the server does, without a socket."""

    application: Application

    def ask(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
        given = {name.lower(): value for name, value in (headers or {}).items()}
        fields = [given.get(name) for name in ("content-type", "accept", "content-encoding")]
        sent = [None if field is None else field.encode("utf-8", "surrogatepass") for field in fields]
        request = Request(method.encode(), path.encode("utf-8", "surrogatepass"), *sent, body)
        response = self.application.respond(request)
        answered = {"content-type": response.media}
        answered |= dict(line.split(": ") for line in response.fields.decode().splitlines())
        return Answer(response.status, response.body.decode(), answered)

    def invoke(self, body: bytes | str, content_type: str = "text/csv", **headers: str) -> Answer:
        data = body if isinstance(body, bytes) else body.encode()
        return self.ask("POST", "/invocations", data, {"content-type": content_type, **headers})


@dataclass(frozen=True, repr=False)
class Fitted:
    """A small forest and its exported graph."""

    forest: RandomForestClassifier
    predictor: Predictor
    rows: np.typing.NDArray[np.float32]

    @property
    def client(self) -> Client:
        return Client(Application(self.predictor, Log()))


def fit_iris(schema: Schema, share_missing: float) -> Fitted:
    iris = load_iris()
    rows = iris.data.astype(np.float32)
    rows[np.random.default_rng(7).random(rows.shape) < share_missing] = np.nan
    forest = RandomForestClassifier(n_estimators=20, max_depth=6, random_state=7).fit(rows, iris.target)
    return Fitted(forest, Predictor(exported(forest), schema), rows)


@pytest.fixture(scope="session")
def complete() -> Fitted:
    """Fitted without missing values: refuses them. Integer classes, unnamed features."""
    return fit_iris(classifier(4, (0, 1, 2), missing_allowed=False), share_missing=0)


@pytest.fixture(scope="session")
def sparse() -> Fitted:
    """Fitted with missing values: takes them. Text classes, named features."""
    names = ("sepal length", "sepal width", "petal length", "petal width")
    classes = ("setosa", 'versi"color', "virginica, blue")
    return fit_iris(classifier(names, classes, missing_allowed=True), share_missing=0.2)
