"""The container's contract, kept by a plain process; or by whatever is at CONTAINER_URL, such as http://127.0.0.1:8080."""

import os
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.container.conftest import TrainedJob, free_port, run_container, wait_until
from tests.container.contract import Contract, Service


@pytest.fixture(scope="module")
def service(request: pytest.FixtureRequest) -> Iterator[Service]:
    if url := os.environ.get("CONTAINER_URL"):
        address = urlsplit(url)
        yield Service(address.hostname or "127.0.0.1", address.port or 80)
        return
    iris_job: TrainedJob = request.getfixturevalue("iris_job")
    port = free_port()
    environment = {"SAGEMAKER_BASE_DIR": str(iris_job.layout.base), "SERVE_HOST": "127.0.0.1"}
    with run_container(["serve"], {**environment, "SAGEMAKER_BIND_TO_PORT": str(port)}) as process:
        served = Service("127.0.0.1", port)
        wait_until(lambda: answers(served) or process.poll() is not None, "the server answers")
        yield served
        process.terminate()
        _, errors = process.communicate(timeout=60)
        assert errors == ""
        assert process.returncode == 0


def answers(service: Service) -> bool:
    try:
        return service.ask("GET", "/ping").status == 200
    except ConnectionError:
        return False


class TestContract(Contract):
    """All of it."""
