"""One embedded cloud for all tests of its core; those that stop or crash one start their own."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.local.cloud_process import CloudProcess, free_port


@pytest.fixture(scope="session")
def shared_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudProcess]:
    """A cloud that keeps its state. Tests work under names of their own in it."""
    folder = tmp_path_factory.mktemp("shared-cloud")
    cloud = CloudProcess(free_port(), folder / "state", folder / "cloud.log", {}).start()
    yield cloud
    cloud.stop()


@pytest.fixture
def make_cloud(tmp_path: Path) -> Iterator[Callable[..., CloudProcess]]:
    """Starts clouds that end with the test, whatever happens."""
    made: list[CloudProcess] = []

    def make(*, keeps: bool = True, **settings: str) -> CloudProcess:
        cloud = CloudProcess(free_port(), tmp_path / "state" if keeps else None, tmp_path / "cloud.log", settings)
        made.append(cloud)
        return cloud.start()

    yield make
    for cloud in made:
        if cloud.process is not None and cloud.process.poll() is None:
            cloud.crash()


@pytest.fixture
def unused_port() -> int:
    return free_port()


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port on which something listens that is no cloud."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield int(listener.getsockname()[1])
