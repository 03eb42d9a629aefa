"""The CloudFormation stacks of a deployment: its own, and those of the endpoints that runs have brought up."""

from dataclasses import dataclass

from commands.account import Account


@dataclass(frozen=True)
class Stack:
    """A stack that is there. `role` is what CloudFormation acts with; empty when it acts as the caller."""

    name: str
    arn: str
    status: str
    role: str


def list_stacks(account: Account) -> list[Stack]:
    """All of them, in order of their names."""
    names = account.names
    pages = account.client("cloudformation").get_paginator("describe_stacks").paginate()
    found = [
        Stack(each["StackName"], each["StackId"], each["StackStatus"], each.get("RoleARN", ""))
        for page in pages
        for each in page["Stacks"]
        if each["StackName"] in names.stacks or each["StackName"].startswith(names.endpoint_stack_prefix)
    ]
    return sorted((stack for stack in found if stack.status != "DELETE_COMPLETE"), key=lambda stack: stack.name)
