"""Starts the embedded cloud as a process of its own and brings the product's stacks up in it."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from commands.account import find_account
from commands.deploy.image_pipeline import build_image
from infra.deployment import load_deployment
from infra.project import PROJECT
from local import processes
from local.configuration import Configuration
from local.deployer import Deployer, read_assembly

ROOT = Path(__file__).resolve().parent.parent
ASSEMBLY = ROOT / "build" / "cloud-assembly"
BOOTSTRAP_TEMPLATE = Path(__file__).with_name("cdk-toolkit.template.yaml")
_READY_SECONDS = 60
_STOP_SECONDS = 20


class CloudNotReady(RuntimeError):
    """The embedded cloud ended or hung while it started; the message carries its own last words."""


class CloudSession(boto3.Session):
    """A session whose clients call one cloud, whatever the environment says: several may run beside each other."""

    def __init__(self, endpoint: str, region: str) -> None:
        super().__init__(aws_access_key_id="test", aws_secret_access_key="test", region_name=region)  # noqa: S106 -- no secret: any key opens the embedded cloud
        self._endpoint = endpoint

    def client(self, service_name: str, **options: Any) -> Any:
        """A client for one service, with the same options as boto3's."""
        return super().client(service_name, **{"endpoint_url": self._endpoint, **options})


@dataclass(frozen=True)
class RunningCloud:
    """An embedded cloud that answers."""

    endpoint: str
    region: str
    process: subprocess.Popen[bytes]

    def session(self) -> boto3.Session:
        """A session of the account's root user in this cloud."""
        return CloudSession(self.endpoint, self.region)

    def environment(self) -> dict[str, str]:
        """What any AWS client has to be told to use this cloud."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }


@contextmanager
def running_cloud(configuration: Configuration, log: Path) -> Iterator[RunningCloud]:
    """Start a cloud, yield it once it answers, and stop it.

    Raises:
        CloudNotReady: it ended or did not answer in time.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    # Appended to: it may be the log of another cloud, which is about to refuse this one.
    with log.open("ab") as output:
        said_before = output.tell()
        command = [sys.executable, "-m", "local"]
        process = processes.spawn(
            command, cwd=ROOT, env=_environment(configuration), stdout=output, stderr=subprocess.STDOUT
        )
        try:
            _await_ready(configuration.endpoint, process, log, said_before)
            yield RunningCloud(configuration.endpoint, configuration.region, process)
        finally:
            process.terminate()
            processes.stop(process, _STOP_SECONDS)


def deploy_product(cloud: RunningCloud, say: Callable[[str], None] = lambda _: None, assembly: Path = ASSEMBLY) -> None:
    """Bring up the stacks of the cloud assembly, have the image pipeline build, and verify the mail sender."""
    session = cloud.session()
    deployment = load_deployment(PROJECT.deployment_file)
    Deployer(session, say).deploy(read_assembly(assembly))
    build_image(find_account(deployment.name, session), PROJECT.root, lambda _: None)
    if not deployment.mails_by_sns:
        # What a person does once on AWS: SES sends only from addresses that were verified.
        session.client("sesv2").create_email_identity(EmailIdentity=deployment.sender)


def free_port() -> int:
    """A port of the loopback interface that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _environment(configuration: Configuration) -> dict[str, str]:
    environment = {
        **os.environ,
        "GATEWAY_PORT": str(configuration.port),
        "TIME_FACTOR": str(configuration.time_factor),
        "RUNTIME": configuration.runtime,
        "CONTAINER_IMAGE": configuration.container_image,
        "INSTANCE_START_SECONDS": str(configuration.instance_start_seconds),
        "HISTORY_EVENTS": str(configuration.history_events),
        "BOOTSTRAP_TEMPLATE": str(configuration.bootstrap_template or BOOTSTRAP_TEMPLATE),
    }
    environment.pop("STATE_DIR", None)
    environment.pop("DECISIONS_FILE", None)
    environment.pop("FAULTS_FILE", None)
    environment.pop("AWS_ENDPOINT_URL", None)
    if configuration.state_dir:
        environment["STATE_DIR"] = str(configuration.state_dir)
    if configuration.decisions_file:
        environment["DECISIONS_FILE"] = str(configuration.decisions_file)
    if configuration.faults_file:
        environment["FAULTS_FILE"] = str(configuration.faults_file)
    return environment


def _await_ready(endpoint: str, process: subprocess.Popen[bytes], log: Path, said_before: int) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            last_words = log.read_bytes()[said_before:].decode(errors="replace").strip()
            raise CloudNotReady(last_words or f"the embedded cloud ended with {process.returncode}")
        try:
            with urllib.request.urlopen(f"{endpoint}/_cloud/health", timeout=2) as reply:  # noqa: S310 -- our own loopback address
                health = json.load(reply)
                # Another cloud may have the port; then ours is about to end and say so.
                if health["status"] == "ready" and health["pid"] == process.pid:
                    return
        except (urllib.error.URLError, OSError):
            pass  # nobody listens yet
        time.sleep(0.02)
    raise CloudNotReady(f"the embedded cloud did not answer within {_READY_SECONDS} s; its log: {log}")
