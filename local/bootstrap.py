"""The CDK's bootstrap stack, deployed before the cloud calls itself ready, so that ``cdk deploy`` finds it."""

import hashlib
import time
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from local import credentials
from local.context import Cloud

STACK = "CDKToolkit"
_POLL_SECONDS = 0.05
_DEADLINE_SECONDS = 120
_COMPLETE = ("CREATE_COMPLETE", "UPDATE_COMPLETE")


class BootstrapFailed(RuntimeError):
    """The bootstrap stack was not deployed; the message says why."""


def deploy(cloud: Cloud) -> bool:
    """Deploy the configured template; False when there is none or the state has it already. Raises BootstrapFailed."""
    template = cloud.configuration.bootstrap_template
    if template is None:
        return False
    try:
        body = template.read_text()
    except OSError as error:
        raise BootstrapFailed(f"{template}: {error.strerror}") from error
    done = _Marker(cloud.configuration.state_dir, body)
    if done.present():
        return False
    try:
        _bring_up(cloud.configuration.region, body)
    except ClientError as error:
        raise BootstrapFailed(str(error)) from error
    done.set()
    return True


class _Marker:
    """Remembers in the state directory which template was deployed: asking CloudFormation takes a second."""

    def __init__(self, state_dir: Path | None, body: str) -> None:
        self._path = state_dir / "bootstrap.sha256" if state_dir else None
        self._digest = hashlib.sha256(body.encode()).hexdigest()

    def present(self) -> bool:
        return self._path is not None and self._path.exists() and self._path.read_text() == self._digest

    def set(self) -> None:
        if self._path is not None:
            self._path.write_text(self._digest)


def _bring_up(region: str, body: str) -> None:
    client = credentials.client("cloudformation", region)
    request = {"StackName": STACK, "TemplateBody": body, "Capabilities": ["CAPABILITY_NAMED_IAM"]}
    try:
        client.create_stack(**request)
    except client.exceptions.AlreadyExistsException:
        try:
            client.update_stack(**request)
        except ClientError as error:
            if "No updates are to be performed" in str(error):
                return
            raise
    status = _settled(client)
    if status not in _COMPLETE:
        events = client.describe_stack_events(StackName=STACK)["StackEvents"]
        reasons = [event.get("ResourceStatusReason", "") for event in events if "FAILED" in event["ResourceStatus"]]
        raise BootstrapFailed(f"{STACK} ended {status}: {reasons[-1] if reasons else 'no reason given'}")


def _settled(client: Any) -> str:
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while time.monotonic() < deadline:
        status = str(client.describe_stacks(StackName=STACK)["Stacks"][0]["StackStatus"])
        if not status.endswith("IN_PROGRESS"):
            return status
        time.sleep(_POLL_SECONDS)
    raise BootstrapFailed(f"{STACK} is still in progress after {_DEADLINE_SECONDS} s")
