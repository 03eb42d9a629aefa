"""Two clouds that want the same place: the second says who has it and leaves the first alone."""

import urllib.request

import pytest

from local.configuration import Configuration
from local.launch import CloudNotReady, free_port, running_cloud


def test_a_second_cloud_on_the_same_port_says_who_has_it(tmp_path):
    configuration = Configuration(port=free_port())
    with running_cloud(configuration, tmp_path / "cloud.log") as first:
        with pytest.raises(CloudNotReady) as refused, running_cloud(configuration, tmp_path / "cloud.log"):
            pass
        assert f"port {configuration.port}" in str(refused.value)
        assert str(first.process.pid) in str(refused.value)
        assert "Ready in" not in str(refused.value), "the first one's log is not the second one's answer"
        with urllib.request.urlopen(f"{first.endpoint}/_cloud/health") as reply:
            assert reply.status == 200


def test_a_second_cloud_with_the_same_state_is_refused(tmp_path):
    first = Configuration(port=free_port(), state_dir=tmp_path / "state")
    second = Configuration(port=free_port(), state_dir=tmp_path / "state")
    refusal = pytest.raises(CloudNotReady, match="is in use by another embedded cloud")
    with running_cloud(first, tmp_path / "first.log"), refusal, running_cloud(second, tmp_path / "second.log"):
        pass


def test_any_other_program_on_the_port_is_named_too(tmp_path):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as other:
        configuration = Configuration(port=other.getsockname()[1])
        with (
            pytest.raises(CloudNotReady, match=f"{configuration.port}"),
            running_cloud(configuration, tmp_path / "log"),
        ):
            pass
