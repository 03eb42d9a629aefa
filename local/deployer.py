"""Deploys a cloud assembly through the CloudFormation API, as `cdk deploy` does, without Node and its seconds."""

import io
import json
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import boto3
from botocore.exceptions import ClientError

from infra.project import PROJECT

_POLL_SECONDS = 0.05
_DEADLINE_SECONDS = 300
_KEPT_FROM_BYTES = 10 * 1024**2
_GONE_BY = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "REVIEW_IN_PROGRESS")


class DeploymentFailed(RuntimeError):
    """A stack did not reach its template; the message names the stack and the first resource that failed."""


@dataclass(frozen=True)
class Stack:
    """One stack of an assembly: where its template will be, the files to upload, and the tags that it is made with."""

    name: str
    template_object: str
    assets: Path
    tags: dict[str, str]


def read_assembly(folder: Path) -> list[Stack]:
    """The stacks of a cloud assembly, each after those it needs."""
    artifacts = json.loads((folder / "manifest.json").read_text())["artifacts"]
    stacks = {name: a for name, a in artifacts.items() if a["type"] == "aws:cloudformation:stack"}
    ordered: list[Stack] = []

    def add(name: str) -> None:
        for need in stacks[name].get("dependencies", []):
            if need in stacks:
                add(need)
        if name not in [stack.name for stack in ordered]:
            template = stacks[name]["properties"]["stackTemplateAssetObjectUrl"].removeprefix("s3://")
            tags = stacks[name]["properties"].get("tags", {})
            ordered.append(Stack(name, template, folder / f"{name}.assets.json", tags))

    for name in stacks:
        add(name)
    return ordered


class Deployer:
    """Uploads assets and brings stacks to their templates in one account and region."""

    def __init__(self, session: boto3.Session, say: Callable[[str], None] = lambda _: None) -> None:
        """`say` hears one line per stack."""
        self._cloudformation = session.client("cloudformation")
        self._s3 = session.client("s3")
        self._account = session.client("sts").get_caller_identity()["Account"]
        self._region = session.region_name or ""
        self._say = say

    def deploy(self, stacks: list[Stack]) -> None:
        """Upload everything the stacks need, then bring them up in order.

        Raises:
            DeploymentFailed: a stack ended anywhere but in a complete state.
        """
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(self._upload, [asset for stack in stacks for asset in _assets(stack)]))
        for stack in stacks:
            self._bring_up(stack)
            self._say(stack.name)

    def _upload(self, asset: tuple[Path, dict[str, Any]]) -> None:
        path, destination = asset
        body = _zipped(path) if path.is_dir() else path.read_bytes()
        self._s3.put_object(Bucket=self._fill(destination["bucketName"]), Key=destination["objectKey"], Body=body)

    def _fill(self, text: str) -> str:
        return text.replace("${AWS::AccountId}", self._account).replace("${AWS::Region}", self._region)

    def _bring_up(self, stack: Stack) -> None:
        # By address: a template in the request itself may have 51,200 bytes, and the workflow's has more.
        template = f"https://s3.{self._region}.amazonaws.com/{self._fill(stack.template_object)}"
        request = {
            "StackName": stack.name,
            "TemplateURL": template,
            "Capabilities": ["CAPABILITY_NAMED_IAM"],
            "Tags": [{"Key": key, "Value": value} for key, value in stack.tags.items()],
        }
        if (status := self._status(stack.name)) in _GONE_BY:
            self._cloudformation.delete_stack(StackName=stack.name)
            self._wait(stack.name)
            status = None
        try:
            if status is None:
                self._cloudformation.create_stack(**request)
            else:
                self._cloudformation.update_stack(**request)
        except ClientError as fault:
            if "No updates are to be performed" in str(fault):
                return
            raise
        if (status := self._wait(stack.name)) not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            raise DeploymentFailed(f"Stack {stack.name} ended {status}: {self._first_failure(stack.name)}")

    def _status(self, name: str) -> str | None:
        try:
            return str(self._cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"])
        except ClientError as fault:
            if "does not exist" in str(fault):
                return None
            raise

    def _wait(self, name: str) -> str | None:
        deadline = time.monotonic() + _DEADLINE_SECONDS
        while (status := self._status(name)) and status.endswith("IN_PROGRESS"):
            if time.monotonic() > deadline:
                raise DeploymentFailed(f"Stack {name} is still {status} after {_DEADLINE_SECONDS} s")
            time.sleep(_POLL_SECONDS)
        return status

    def _first_failure(self, name: str) -> str:
        events = self._cloudformation.describe_stack_events(StackName=name)["StackEvents"]
        failed = [event for event in reversed(events) if event["ResourceStatus"].endswith("FAILED")]
        return (
            f"{failed[0]['LogicalResourceId']}: {failed[0].get('ResourceStatusReason', '')}"
            if failed
            else "no reason given"
        )


def _assets(stack: Stack) -> Iterator[tuple[Path, dict[str, Any]]]:
    for file in json.loads(stack.assets.read_text())["files"].values():
        for destination in file["destinations"].values():
            yield stack.assets.parent / file["source"]["path"], destination


def _zipped(folder: Path) -> bytes:
    """The folder as a zip. A large one is kept: packing it takes seconds, and its name is the hash of what it holds."""
    if sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < _KEPT_FROM_BYTES:
        buffer = io.BytesIO()
        _pack(folder, buffer)
        return buffer.getvalue()
    packed = PROJECT.built / "packed" / f"{folder.name}.zip"
    if not packed.is_file():
        packed.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=packed.parent, delete=False) as part:
            _pack(folder, part)
        Path(part.name).rename(packed)
    return packed.read_bytes()


def _pack(folder: Path, file: IO[bytes]) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.writestr(
                    zipfile.ZipInfo(str(path.relative_to(folder))), path.read_bytes(), zipfile.ZIP_DEFLATED
                )
