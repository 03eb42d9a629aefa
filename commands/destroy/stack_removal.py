"""Deletes CloudFormation stacks, those included that a failure has left in a state of their own."""

import time
from collections.abc import Callable

from botocore.exceptions import ClientError

from commands.account import Account
from commands.destroy.strays import delete_stray
from commands.faults import CommandFailed
from commands.stacks import Resource, Stack, list_resources, list_stacks

_POLL_SECONDS = 2.0
# SageMaker takes minutes for an endpoint; a stack that hangs for longer has its own time limit of hours.
_LONGEST_SECONDS = 3 * 3600
_ATTEMPTS = 3


def remove_stack(account: Account, stack: Stack, say: Callable[[str], None]) -> None:
    """Delete a stack and wait until it is gone.

    What CloudFormation cannot delete is deleted by its own service, and the stack then lets go of it.

    Raises:
        CommandFailed: it does not go; the message says why, and that destroying can go on afterwards.
    """
    say(f"Deleting {stack.name} ({stack.status})")
    _await_rest(account, stack)
    for _ in range(_ATTEMPTS):
        status = _delete(account, stack, _stuck(account, stack, say))
        if status == "DELETE_COMPLETE":
            return
    reasons = "; ".join(f"{each.logical}: {each.reason}" for each in _failed(account, stack)) or status
    raise CommandFailed(f"{stack.name} cannot be deleted: {reasons}\nMend that and run `make destroy` again.")


def remove_stack_named(account: Account, name: str, say: Callable[[str], None]) -> None:
    """The same, when there is a stack of that name."""
    for stack in list_stacks(account):
        if stack.name == name:
            remove_stack(account, stack, say)


def _stuck(account: Account, stack: Stack, say: Callable[[str], None]) -> list[str]:
    """Logical ids that the stack is to let go of, after their resources have been deleted in another way."""
    if _status(account, stack) != "DELETE_FAILED":
        return []
    freed = []
    for each in _failed(account, stack):
        say(f"  {each.logical} could not be deleted with its stack: {each.reason}")
        if delete_stray(account, each.kind, each.physical):
            freed.append(each.logical)
    return freed


def _delete(account: Account, stack: Stack, retained: list[str]) -> str:
    cloudformation = account.client("cloudformation")
    request = {"StackName": stack.arn, **({"RetainResources": retained} if retained else {})}
    if stack.role and not _exists(account, stack.role):
        # Roles go with the workflow's stack; one that outlived it is deleted with the CDK's.
        names = account.names
        partition = stack.role.split(":")[1]
        name = f"cdk-hnb659fds-cfn-exec-role-{names.account}-{names.region}"
        request["RoleARN"] = f"arn:{partition}:iam::{names.account}:role/{name}"
    cloudformation.delete_stack(**request)
    return _await_rest(account, stack)


def _exists(account: Account, role: str) -> bool:
    iam = account.client("iam")
    try:
        iam.get_role(RoleName=role.rpartition("/")[2])
    except iam.exceptions.NoSuchEntityException:
        return False
    return True


def _failed(account: Account, stack: Stack) -> list[Resource]:
    """What could not be deleted."""
    return [each for each in list_resources(account, stack.arn) if each.status == "DELETE_FAILED"]


def _await_rest(account: Account, stack: Stack) -> str:
    deadline = time.monotonic() + _LONGEST_SECONDS
    while (status := _status(account, stack)).endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS":
        if time.monotonic() > deadline:
            raise CommandFailed(f"{stack.name} is still {status}. Look at its events, then run `make destroy` again.")
        time.sleep(_POLL_SECONDS)
    return status


def _status(account: Account, stack: Stack) -> str:
    # By ARN, which a deleted stack keeps answering to.
    try:
        found = account.client("cloudformation").describe_stacks(StackName=stack.arn)["Stacks"]
    except ClientError as fault:
        if "does not exist" in str(fault):
            return "DELETE_COMPLETE"
        raise
    return str(found[0]["StackStatus"])
