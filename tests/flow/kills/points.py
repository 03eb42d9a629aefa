"""Where a cloud can die: at the entry of every state, and before and after every call of a deployment."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from statemachine.loader import DEFINITIONS, read_definition
from tests.flow.kills.mortal import Point
from tests.flow.product import Product
from tests.flow.records import deployed_roles

# Who deploys: the state machine under its own role, and CloudFormation's handlers under the one it passes. And who
# carries a person's decision, and the end of a run, to where it is waited for.
CALLING = {
    "DeployStackRole": "cloudformation:",
    "DeploymentRole": ("sagemaker:", "application-autoscaling:"),
    "DecideReleaseRole": "states:",
    "RunEndedRole": "states:",
}
# Registering a scalable target asks whether the role may do this too; it is no call of its own, at which one could die.
ASKED_FOR_WITHIN = {"sagemaker:UpdateEndpointWeightsAndCapacities"}
# CloudFormation looks whether a creation that a crash cut short was done: whether a story has such a call is chance.
AFTER_A_CRASH = {"sagemaker:DescribeEndpointConfig", "sagemaker:DescribeModel"}
MOMENTS = ("kill-before-call", "kill-after-call")


def at_states() -> Iterator[Point]:
    """The entry of every state of every definition."""
    for path in DEFINITIONS:
        for state in read_definition(path)["States"]:
            yield {"state_machine": path.name.removesuffix(".asl.yaml"), "state": state}


def at_calls(product: Product) -> Iterator[Point]:
    """Before and after every call that these roles may make."""
    for name, role in deployed_roles(product).items():
        if role["construct"] in CALLING:
            for action in sorted(_granted(role["policy"], CALLING[role["construct"]])):
                for moment in MOMENTS:
                    yield {"action": action, "principal": name, "effect": moment}


def calls_made(product: Product, decisions: Path, since: int) -> set[tuple[str, str]]:
    """(role, action) of every call of theirs that was allowed, from the cloud's own records from line `since` on."""
    deployed = deployed_roles(product).items()
    roles = {name: CALLING[role["construct"]] for name, role in deployed if role["construct"] in CALLING}
    made = set()
    for line in decisions.read_text().splitlines()[since:]:
        decision = json.loads(line)
        name = decision["role"].rsplit("/", 1)[-1]
        if decision["allowed"] and decision["action"].startswith(roles.get(name, ())):
            made.add((name, decision["action"]))
    return made


def _granted(policy: dict[str, Any], prefix: str | tuple[str, ...]) -> set[str]:
    granted = set()
    for statement in policy["Statement"]:
        actions = [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
        granted |= {
            each for each in actions if each.startswith(prefix) and each not in ASKED_FOR_WITHIN | AFTER_A_CRASH
        }
    return granted


def told(point: Point) -> str:
    """A point in a few words."""
    return point.get("state") or f"{point['effect'].removeprefix('kill-')} {point['action']}"
