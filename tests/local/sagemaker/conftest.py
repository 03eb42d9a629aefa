"""A cloud in miniature: the real emulator for S3, logs and metrics; our back ends behind a small HTTP server.

Roles are not evaluated here: a role whose name begins with `refused` cannot be assumed.
"""

import gzip
import http.server
import io
import os
import socket
import subprocess
import sys
import tarfile
import threading
import time
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from local.clock import Clock
from local.configuration import Configuration
from local.context import Cloud
from local.credentials import Credentials
from local.gateway.protocol import Backend, Request
from local.sagemaker.front_door import RoleRefused
from local.sagemaker.launcher import ProcessLauncher
from local.sagemaker.service import SageMaker

STAND_IN = (sys.executable, "-I", "-S", str(Path(__file__).with_name("stand_in_container.py")))
ROLE = "arn:aws:iam::123456789012:role/job"
REFUSED_ROLE = "arn:aws:iam::123456789012:role/refused"
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/model@sha256:" + "0" * 64
BUCKET = "artefacts-123456789012"
PATIENCE_SECONDS = 30


def eventually(condition: Callable[[], Any], what: str = "") -> Any:
    """The condition's first true value; fails when there is none in time."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.01)
    raise AssertionError(f"not in {PATIENCE_SECONDS} s: {what or condition}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def make_client(service: str, url: str, access_key: str = "test") -> Any:
    return boto3.client(
        service,
        region_name="us-east-1",
        endpoint_url=url,
        aws_access_key_id=access_key,
        aws_secret_access_key="test",
        config=Config(
            retries={"total_max_attempts": 1},
            s3={"addressing_style": "path"},
            parameter_validation=False,
            read_timeout=70,
        ),
    )


# The emulator would evaluate an alarm when it is written and whenever anybody's metrics come in, from the metrics of all
# endpoints together: the state that a test has set, or begins with, would be that of its neighbours.
_EMULATOR = """
import runpy
from ministack.services import cloudwatch
cloudwatch._evaluate_alarm = lambda alarm: None
runpy.run_module("ministack", run_name="__main__", alter_sys=True)
"""


@pytest.fixture(scope="session")
def emulator_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = free_port()
    log = (tmp_path_factory.mktemp("emulator") / "log").open("wb")
    environment = {"PATH": os.environ["PATH"], "GATEWAY_PORT": str(port), "LOG_LEVEL": "ERROR"}
    emulator = subprocess.Popen([sys.executable, "-c", _EMULATOR], env=environment, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"

    def is_up() -> bool:
        try:
            urllib.request.urlopen(f"{url}/_ministack/health", timeout=1).close()
        except OSError:
            return False
        return True

    try:
        eventually(is_up, "the emulator")
        yield url
    finally:
        emulator.kill()
        emulator.wait()
        log.close()


@pytest.fixture(scope="session")
def emulated(emulator_url: str) -> Callable[[str], Any]:
    """Clients of the emulator, made once."""
    clients: dict[str, Any] = {}

    def client(service: str) -> Any:
        if service not in clients:
            clients[service] = make_client(service, emulator_url)
        return clients[service]

    client("s3").create_bucket(Bucket=BUCKET)
    return client


@dataclass
class TestFrontDoor:
    """The emulator, asked by everybody with the same key; remembers who assumed which role."""

    __test__ = False

    emulated: Callable[[str], Any]
    url: str
    assumed: list[str] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    """Services that cannot be reached."""

    def client(self, service: str, credentials: Credentials | None) -> Any:
        if service in self.broken:
            return make_client(service, "http://127.0.0.1:9")
        return self.emulated(service)

    def assume(self, role_arn: str, session_name: str) -> Credentials:
        self.assumed.append(role_arn)
        if role_arn.endswith("/refused"):
            raise RoleRefused(
                f"Could not assume role {role_arn}. Please ensure that the role exists and allows principal "
                "'sagemaker.amazonaws.com' to assume the role."
            )
        return Credentials("ASIAROLE", "secret-of-the-role", "token-of-the-role")


class BackendServer(http.server.ThreadingHTTPServer):
    """Serves the back ends of the test that runs, with clients that are made once: making one takes 0.1 s."""

    daemon_threads = True
    request_queue_size = 128
    backends: dict[str, Backend]

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        url = f"http://127.0.0.1:{self.server_address[1]}"
        self.clients = {
            service: make_client(service, url)
            for service in ("sagemaker", "sagemaker-runtime", "application-autoscaling")
        }


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: BackendServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = urllib.parse.urlsplit(self.path).path
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request("POST", path, headers, body, {}, "us-east-1", "123456789012")
        response = self._backend(path, headers).handle(request)
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        self.wfile.write(response.body)

    def _backend(self, path: str, headers: dict[str, str]) -> Backend:
        if path.startswith("/endpoints/"):
            return self.server.backends["sagemaker-runtime"]
        scaling = headers.get("x-amz-target", "").startswith("AnyScaleFrontendService.")
        return self.server.backends["application-autoscaling" if scaling else "sagemaker"]

    def log_message(self, *_: object) -> None:
        pass


class MiniatureCloud:
    """Our back ends with clients; `restart` is what a killed server does."""

    def __init__(self, front_door: TestFrontDoor, server: BackendServer, folder: Path, state_dir: Path | None) -> None:
        self.name = f"cloud-{uuid.uuid4()}"
        """Apart from all others that put objects into the same bucket."""
        self.front_door = front_door
        self.clock = Clock()
        self._configuration = Configuration(state_dir=state_dir, project_root=folder)
        self.s3, self.logs = front_door.emulated("s3"), front_door.emulated("logs")
        self._server = server
        self.sagemaker, self.runtime, self.autoscaling = server.clients.values()
        self.start()

    def start(self) -> None:
        cloud = Cloud(self._configuration, self.clock)
        self.faults = cloud.faults
        self.launcher = ProcessLauncher(self._configuration.project_root, STAND_IN)
        self.service = SageMaker(cloud, self.front_door, self.launcher)
        self._server.backends = self.service.backends
        self.service.start()

    def restart(self) -> None:
        self.service.close()
        self.start()

    def close(self) -> None:
        self.service.close()

    # What tests do all the time.

    def put(self, key: str, content: bytes | str) -> str:
        """The object's URI."""
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=content)
        return f"s3://{BUCKET}/{key}"

    def get(self, uri: str) -> bytes:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        return self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()

    def archive(self, key: str, files: dict[str, str]) -> str:
        return self.put(key, make_archive(files))

    def create_model(self, name: str, answer: str = "answer", *, do: str = "", **arguments: Any) -> None:
        container = {"Image": IMAGE, "ModelDataUrl": self.archive(f"{name}/model.tar.gz", {"answer.txt": answer})}
        if do:
            container["Environment"] = {"DO": do}
        self.sagemaker.create_model(
            **{"ModelName": name, "PrimaryContainer": container, "ExecutionRoleArn": ROLE} | arguments
        )

    def create_config(self, name: str, *variants: dict[str, Any], **arguments: Any) -> None:
        self.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=list(variants), **arguments)

    def create_endpoint(self, name: str, config: str, status: str = "InService") -> dict[str, Any]:
        self.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
        return self.await_endpoint(name, status)

    def await_endpoint(self, name: str, status: str = "InService") -> dict[str, Any]:
        """Its description once nothing is in progress any more; that must be with this status."""

        def settled() -> dict[str, Any] | None:
            endpoint = self.sagemaker.describe_endpoint(EndpointName=name)
            return endpoint if endpoint["EndpointStatus"] not in ("Creating", "Updating", "SystemUpdating") else None

        endpoint = eventually(settled, f"endpoint {name}")
        assert endpoint["EndpointStatus"] == status, endpoint
        return endpoint

    def invoke(self, endpoint: str, body: bytes | str = "1,2", **arguments: Any) -> str:
        answer = self.runtime.invoke_endpoint(EndpointName=endpoint, Body=body, ContentType="text/csv", **arguments)
        return answer["Body"].read().decode()


def make_archive(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w") as tar,
    ):
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content.encode())
            tar.addfile(member, io.BytesIO(content.encode()))
    return buffer.getvalue()


def variant(model: str, name: str = "model-a", count: int = 1, weight: float = 1.0, **more: Any) -> dict[str, Any]:
    return {
        "VariantName": name,
        "ModelName": model,
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": count,
        "InitialVariantWeight": weight,
    } | more


@pytest.fixture
def front_door(emulated: Callable[[str], Any], emulator_url: str) -> TestFrontDoor:
    return TestFrontDoor(emulated, emulator_url)


@pytest.fixture(scope="session")
def backend_server() -> Iterator[BackendServer]:
    server = BackendServer()
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def cloud(front_door: TestFrontDoor, backend_server: BackendServer, tmp_path: Path) -> Iterator[MiniatureCloud]:
    """Nothing survives it."""
    miniature = MiniatureCloud(front_door, backend_server, tmp_path, None)
    yield miniature
    miniature.close()


@pytest.fixture
def lasting_cloud(front_door: TestFrontDoor, backend_server: BackendServer, tmp_path: Path) -> Iterator[MiniatureCloud]:
    """One that can be restarted."""
    miniature = MiniatureCloud(front_door, backend_server, tmp_path, tmp_path / "state")
    yield miniature
    miniature.close()
