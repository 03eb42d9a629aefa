"""What an audit of the flows needs to know afterwards: who asked IAM for what, and with which arguments tasks ran.

The flow tests record when FLOW_RECORDS names a folder; each worker's cloud writes files of its own there.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from commands.history import read_events
from tests.flow.product import Product

VARIABLE = "FLOW_RECORDS"


@dataclass(frozen=True)
class Recorder:
    """Records one cloud's session into `folder`."""

    folder: Path
    cloud: str

    @property
    def decisions_file(self) -> Path:
        return self.folder / f"decisions-{self.cloud}.jsonl"

    def deployed(self, product: Product) -> None:
        """Keep the roles as the stacks made them, before any test changes one."""
        self._write("roles", deployed_roles(product))

    def ended(self, product: Product) -> None:
        """Keep the arguments of every task that ran, one of each kind."""
        self._write(
            "tasks", list({json.dumps(task, sort_keys=True): task for task in scheduled_tasks(product)}.values())
        )

    def _write(self, kind: str, value: Any) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / f"{kind}-{self.cloud}.json").write_text(json.dumps(value))


def recorder() -> Recorder | None:
    """The recorder of this worker, or None when nobody wants records."""
    folder = os.environ.get(VARIABLE)
    return Recorder(Path(folder), os.environ.get("PYTEST_XDIST_WORKER", "only")) if folder else None


def deployed_roles(product: Product) -> dict[str, dict[str, Any]]:
    """The roles of the product's own stacks by their name in IAM: construct, and the one inline policy."""
    cloudformation, iam = product.client("cloudformation"), product.client("iam")
    found = {}
    for stack in cloudformation.describe_stacks()["Stacks"]:
        for resource in cloudformation.describe_stack_resources(StackName=stack["StackName"])["StackResources"]:
            if resource["ResourceType"] != "AWS::IAM::Role" or not stack["StackName"].startswith("mlops-"):
                continue
            name = resource["PhysicalResourceId"]
            policy = iam.get_role_policy(RoleName=name, PolicyName="grants")["PolicyDocument"]
            found[name] = {"construct": resource["LogicalResourceId"][:-8], "policy": policy}
    return found


def scheduled_tasks(product: Product) -> Iterator[dict[str, Any]]:
    """Machine, state, resource and arguments of every task that any execution has scheduled."""
    client = product.stepfunctions
    for machine in client.list_state_machines()["stateMachines"]:
        pages = client.get_paginator("list_executions").paginate(stateMachineArn=machine["stateMachineArn"])
        for execution in (each for page in pages for each in page["executions"]):
            state = ""
            for event in read_events(client, execution["executionArn"]):
                state = event.get("stateEnteredEventDetails", {}).get("name", state)
                if scheduled := event.get("taskScheduledEventDetails"):
                    resource = f"{scheduled['resourceType']}:{scheduled['resource']}"
                    arguments = json.loads(scheduled["parameters"])
                    yield {"machine": machine["name"], "state": state, "resource": resource, "arguments": arguments}
