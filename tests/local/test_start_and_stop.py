import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.local.cloud_process import ROOT, CloudProcess, until


def second_start(**settings: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, **settings}
    command = [sys.executable, "-m", "local"]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=30, check=False)


def children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += [int(child), *children(int(child))]
    return found


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_says_what_it_does_and_where_it_answers(shared_cloud: CloudProcess) -> None:
    said = shared_cloud.log.read_text()
    assert "loopback only, IAM on" in said
    assert str(shared_cloud.state_dir) in said
    assert f"http://localhost:{shared_cloud.port}" in said


def test_listens_on_loopback_only(shared_cloud: CloudProcess) -> None:
    port = f"{shared_cloud.port:04X}"
    listening = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    addresses = {line[1] for line in listening if line[3] == "0A" and line[1].endswith(f":{port}")}
    assert addresses == {f"0100007F:{port}"}


def test_a_second_start_on_the_port_says_who_is_there(shared_cloud: CloudProcess) -> None:
    assert shared_cloud.process is not None
    second = second_start(GATEWAY_PORT=str(shared_cloud.port))
    assert second.returncode == 1
    assert second.stdout == ""
    assert len(second.stderr.strip().splitlines()) == 1
    assert f"process {shared_cloud.process.pid}" in second.stderr
    assert "GATEWAY_PORT" in second.stderr


def test_a_second_start_on_the_state_says_who_is_there(shared_cloud: CloudProcess, unused_port: int) -> None:
    second = second_start(GATEWAY_PORT=str(unused_port), STATE_DIR=str(shared_cloud.state_dir))
    assert second.returncode == 1
    assert len(second.stderr.strip().splitlines()) == 1
    assert f"port {shared_cloud.port}" in second.stderr
    assert "STATE_DIR" in second.stderr


def test_a_port_of_another_program_is_named_as_such(taken_port: int) -> None:
    second = second_start(GATEWAY_PORT=str(taken_port))
    assert second.returncode == 1
    assert f"Port {taken_port} is in use by another program" in second.stderr


def test_a_bad_setting_is_one_line() -> None:
    refused = second_start(TIME_FACTOR="0")
    assert refused.returncode == 1
    assert len(refused.stderr.strip().splitlines()) == 1
    assert "TIME_FACTOR" in refused.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stops_cleanly_on_a_signal(make_cloud: Callable[..., CloudProcess], number: int) -> None:
    cloud = make_cloud(keeps=False)
    assert cloud.process is not None
    cloud.function("busy", "import time\ndef handle(event, context):\n    time.sleep(60)\n", Timeout=60)
    cloud.client("lambda").invoke(FunctionName="busy", InvocationType="Event")
    workers = until("the start of the function", lambda: cloud.process and children(cloud.process.pid))
    cloud.process.send_signal(number)
    assert cloud.process.wait(15) == 0
    # Killed by then; the kernel may still be clearing them away.
    until("the end of the functions", lambda: not [pid for pid in workers if alive(pid)], 10)
    assert "Stopped." in cloud.log.read_text()


def test_functions_die_with_a_killed_cloud(make_cloud: Callable[..., CloudProcess]) -> None:
    cloud = make_cloud(keeps=False)
    cloud.function("idle", "def handle(event, context):\n    return 1\n")
    cloud.client("lambda").invoke(FunctionName="idle")
    cloud.function("busy", "import time\ndef handle(event, context):\n    time.sleep(60)\n", Timeout=60)
    cloud.client("lambda").invoke(FunctionName="busy", InvocationType="Event")
    workers = until("the start of the functions", lambda: _two(children(cloud.process.pid)))
    cloud.crash()
    until("the end of the functions", lambda: not [pid for pid in workers if alive(pid)], 10)


def _two(found: list[int]) -> list[int]:
    return found if len(found) >= 2 else []


def test_the_laptops_own_aws_settings_play_no_part(make_cloud: Callable[..., CloudProcess]) -> None:
    cloud = make_cloud(
        keeps=False,
        AWS_PROFILE="nobody",
        AWS_ACCESS_KEY_ID="AKIAREAL",
        AWS_SECRET_ACCESS_KEY="real",
        AWS_SESSION_TOKEN="real",
        AWS_REGION="eu-central-1",
        SMTP_HOST="mail.example.com:25",
    )
    assert cloud.client("sts").get_caller_identity()["Account"] == "123456789012"
    cloud.function("env", "import os\ndef handle(event, context):\n    return dict(os.environ)\n")
    seen = cloud.client("lambda").invoke(FunctionName="env")["Payload"].read().decode()
    assert "real" not in seen
    assert "nobody" not in seen
    assert "eu-central-1" not in seen
