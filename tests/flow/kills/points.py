"""Where a cloud can die: at the entry of every state, and before and after every call of a deployment.

Each place has a name: `deploy-stack/Look At Stack` for a state's entry, which is one point, and
`DeployStackRole/cloudformation:DescribeStacks` for a role's call, which is two.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from statemachine.loader import DEFINITIONS, read_definition
from tests.flow.kills.mortal import Point
from tests.flow.product import Product
from tests.flow.records import deployed_roles

# Who deploys: the state machine under its own role, and CloudFormation's handlers under the one it passes. Who carries
# a person's decision, and the end of a run, to where it is waited for. And who has a job begun that must not begin twice.
CALLING = {
    "PromoteModelRole": "sagemaker:CreateTrainingJob",
    "DeployStackRole": "cloudformation:",
    "DeploymentRole": ("sagemaker:", "application-autoscaling:"),
    "DecideReleaseRole": "states:",
    "RunEndedRole": "states:",
}
# Registering a scalable target asks whether the role may do this too; it is no call of its own, at which one could die.
ASKED_FOR_WITHIN = {"sagemaker:UpdateEndpointWeightsAndCapacities"}
# CloudFormation looks whether a creation that a crash cut short was done: whether a story has such a call is chance.
AFTER_A_CRASH = {"sagemaker:DescribeEndpointConfig", "sagemaker:DescribeModel"}
# What the embedded cloud never comes by, and why. A story that does come by makes its test fail.
_HANDLERS_DO_WITHOUT = "AWS's resource handlers may ask for this; those of the embedded cloud do without"
NEVER_PASSED = {
    "deploy-stack/Wait For Change Set": "the embedded cloud has made a change set when it answers",
    "DeployStackRole/cloudformation:TagResource": "asked for within CreateChangeSet on AWS, no call of its own",
    "DeploymentRole/application-autoscaling:DescribeScalableTargets": _HANDLERS_DO_WITHOUT,
    "DeploymentRole/application-autoscaling:DescribeScalingPolicies": _HANDLERS_DO_WITHOUT,
    "DeploymentRole/application-autoscaling:DescribeScheduledActions": _HANDLERS_DO_WITHOUT,
    "DeploymentRole/application-autoscaling:ListTagsForResource": _HANDLERS_DO_WITHOUT,
    "DeploymentRole/application-autoscaling:TagResource": _HANDLERS_DO_WITHOUT,
}
MOMENTS = ("kill-before-call", "kill-after-call")


def all_states() -> list[str]:
    """The names of the states of every definition."""
    return [
        f"{path.name.removesuffix('.asl.yaml')}/{state}"
        for path in DEFINITIONS
        for state in read_definition(path)["States"]
    ]


def all_calls(product: Product) -> list[str]:
    """The names of the calls that these roles may make."""
    return [
        f"{role['construct']}/{action}"
        for role in deployed_roles(product).values()
        if role["construct"] in CALLING
        for action in sorted(_granted(role["policy"], CALLING[role["construct"]]))
    ]


def points_at(product: Product, places: Iterable[str]) -> list[Point]:
    """The points of these places."""
    roles = {role["construct"]: name for name, role in deployed_roles(product).items()}
    found: list[Point] = []
    for of, _, what in (place.partition("/") for place in places):
        if of in roles:
            found += [{"action": what, "principal": roles[of], "effect": moment} for moment in MOMENTS]
        else:
            found.append({"state_machine": of, "state": what})
    return found


def calls_made(product: Product, decisions: Path, since: int) -> set[str]:
    """The names of the calls that were allowed, from the cloud's own records from line `since` on."""
    deployed = {name: role["construct"] for name, role in deployed_roles(product).items()}
    made = set()
    for line in decisions.read_text().splitlines()[since:]:
        decision = json.loads(line)
        construct = deployed.get(decision["role"].rsplit("/", 1)[-1], "")
        if decision["allowed"] and construct in CALLING and decision["action"].startswith(CALLING[construct]):
            made.add(f"{construct}/{decision['action']}")
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
