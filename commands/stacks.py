"""The CloudFormation stacks of a deployment: its own, and those of the endpoints that runs have brought up."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from commands.account import Account
from commands.ownership import Tags, is_ours


@dataclass(frozen=True)
class Stack:
    """A stack that is there. `role` is what CloudFormation acts with; empty when it acts as the caller."""

    name: str
    arn: str
    status: str
    role: str


@dataclass(frozen=True)
class Resource:
    """What a stack has made. `physical` is empty where it could not be made."""

    logical: str
    kind: str
    physical: str
    status: str
    reason: str


def list_stacks(account: Account) -> list[Stack]:
    """All of them, in order of their names. Stacks of others that only have a fitting name are not among them."""
    cloudformation = account.client("cloudformation")
    found = [
        Stack(each["StackName"], each["StackId"], each["StackStatus"], each.get("RoleARN", ""))
        for page in cloudformation.get_paginator("describe_stacks").paginate()
        for each in page["Stacks"]
        if has_our_name(account, each["StackName"]) and is_ours(account, tags_of(cloudformation, each))
    ]
    return sorted((stack for stack in found if stack.status != "DELETE_COMPLETE"), key=lambda stack: stack.name)


def list_resources(account: Account, stack_arn: str) -> list[Resource]:
    """What a stack lists, also one that was deleted in the last 90 days."""
    pages = account.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack_arn)
    return [
        Resource(
            each["LogicalResourceId"],
            each["ResourceType"],
            each.get("PhysicalResourceId", ""),
            each["ResourceStatus"],
            each.get("ResourceStatusReason", "no reason given"),
        )
        for page in pages
        for each in page["StackResourceSummaries"]
    ]


def physical_names(resources: Iterable[Resource], kind: str) -> list[str]:
    """The names of a stack's resources of one type, where CloudFormation lists ARNs too."""
    return [each.physical.rpartition("/")[2] for each in resources if each.kind == kind and each.physical]


def has_our_name(account: Account, stack: str) -> bool:
    """Whether a stack is called as one of this deployment would be."""
    return stack in account.names.stacks or stack.startswith(account.names.endpoint_stack_prefix)


def tags_of(cloudformation: Any, stack: dict[str, Any]) -> Tags:  # noqa: ANN401 -- a boto3 client
    """A described stack's tags; one that nothing has been executed in has those of its change sets."""
    if stack.get("Tags") or stack["StackStatus"] != "REVIEW_IN_PROGRESS":
        return list(stack.get("Tags", []))
    pages = cloudformation.get_paginator("list_change_sets").paginate(StackName=stack["StackId"])
    sets = [each["ChangeSetId"] for page in pages for each in page["Summaries"]]
    return [tag for each in sets for tag in cloudformation.describe_change_set(ChangeSetName=each).get("Tags", [])]
