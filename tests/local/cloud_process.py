"""An embedded cloud as a process of its own, as the tests of its outside use it."""

import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

ROOT = Path(__file__).resolve().parents[2]
ACCOUNT = "123456789012"
REGION = "us-east-1"
DEADLINE_SECONDS = 30
# One for all: a session of its own would read the service's model again.
_SESSION = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test")


def until(what: str, probe: Callable[[], Any], deadline_seconds: float = DEADLINE_SECONDS) -> Any:
    """The first true value of `probe`; fails the test when there is none in time."""
    deadline = time.monotonic() + deadline_seconds
    while time.monotonic() < deadline:
        if value := probe():
            return value
        time.sleep(0.02)
    raise AssertionError(f"{what} did not happen within {deadline_seconds} s")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@dataclass
class CloudProcess:
    """One `python -m local`. Starting again after `crash` uses the same port and state."""

    port: int
    state_dir: Path | None
    log: Path
    settings: Mapping[str, str]
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> "CloudProcess":
        environment = {**os.environ, "GATEWAY_PORT": str(self.port), **self.settings}
        if self.state_dir:
            environment["STATE_DIR"] = str(self.state_dir)
        with self.log.open("ab") as output:
            command = [sys.executable, "-m", "local"]
            self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)
        until("the start of the cloud", self._answers)
        return self

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()
        try:
            return self.get("/_cloud/health")["status"] == "ready"
        except OSError:
            return False

    def crash(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(DEADLINE_SECONDS)

    def client(self, service: str, credentials: Mapping[str, str] | None = None, region: str = REGION) -> Any:
        keys = credentials or {"AccessKeyId": "test", "SecretAccessKey": "test"}
        return _SESSION.client(
            service,
            region_name=region,
            endpoint_url=self.endpoint,
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys.get("SessionToken"),
            config=Config(retries={"total_max_attempts": 1}),
        )

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.endpoint + path, timeout=10) as answer:
            return json.load(answer)

    def post(self, path: str, body: Any) -> Any:
        request = urllib.request.Request(self.endpoint + path, data=json.dumps(body).encode(), method="POST")
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def delete(self, path: str) -> Any:
        with urllib.request.urlopen(
            urllib.request.Request(self.endpoint + path, method="DELETE"), timeout=10
        ) as answer:
            return json.load(answer)

    # What nearly every test needs in the account.

    def role(self, name: str, service: str, statements: list[dict[str, Any]] | None = None) -> str:
        """A role that `service` (or, for "account", anybody in the account) may assume, with these rights."""
        principal = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"} if service == "account" else {"Service": service}
        iam = self.client("iam")
        trust = {"Statement": [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}]}
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=_policy(trust))["Role"]["Arn"]
        if statements:
            iam.put_role_policy(RoleName=name, PolicyName="rights", PolicyDocument=_policy({"Statement": statements}))
        return str(arn)

    def assume(self, role_arn: str) -> Mapping[str, str]:
        return self.client("sts").assume_role(RoleArn=role_arn, RoleSessionName="test")["Credentials"]

    def function(self, name: str, source: str, **settings: Any) -> str:
        """A Python function from one file's source, handler `handle`."""
        role = settings.pop("Role", None) or self.role(f"{name}-role", "lambda.amazonaws.com")
        made = self.client("lambda").create_function(
            FunctionName=name,
            Runtime="python3.13",
            Handler="task.handle",
            Role=role,
            Code={"ZipFile": zipped({"task.py": source})},
            **settings,
        )
        return str(made["FunctionArn"])

    def decisions(self, **query: str) -> list[dict[str, Any]]:
        parameters = "&".join(f"{name}={value}" for name, value in query.items())
        return list(self.get(f"/_cloud/decisions?{parameters}")["decisions"])


def allow(actions: str | list[str], resource: str = "*", **condition: Any) -> dict[str, Any]:
    """A statement that allows."""
    statement = {"Effect": "Allow", "Action": actions, "Resource": resource}
    return statement | ({"Condition": condition["condition"]} if condition else {})


def zipped(files: Mapping[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return buffer.getvalue()


def _policy(document: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", **document})
