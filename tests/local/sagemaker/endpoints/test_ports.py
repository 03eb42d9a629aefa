"""Ports of serving processes: one cloud's are never another's."""

import contextlib
import socket
import tempfile
from pathlib import Path

import pytest

from local.sagemaker.endpoints.ports import Ports


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Locks of these tests' own: clouds of other tests run beside them."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def test_two_clouds_that_start_at_the_same_place_take_different_ports() -> None:
    first, second = Ports(), Ports()
    taken = [cloud.take() for _ in range(20) for cloud in (first, second)]
    assert len(set(taken)) == len(taken)


def test_what_somebody_listens_on_is_passed_over() -> None:
    cloud = Ports()
    port = cloud.take()
    with contextlib.ExitStack() as held:
        with contextlib.suppress(OSError):  # or else somebody listens there already
            held.enter_context(socket.create_server(("127.0.0.1", port + 1)))
        assert cloud.take() != port + 1


def test_locks_are_given_back() -> None:
    """A cloud that starts thousands of processes holds a bounded number of files."""
    first, second = Ports(), Ports()
    early = first.take()
    for _ in range(100):
        first.take()
    assert len(first._locked) == 64
    assert second.take() == early
