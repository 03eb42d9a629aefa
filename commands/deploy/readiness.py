"""What must be right before anything is deployed, and the stacks' rest before they are touched."""

import time
from collections.abc import Callable

from commands.account import Account
from commands.faults import CommandFailed
from commands.ownership import owner
from commands.stacks import tags_of
from infra.deployment import DEPLOYMENT_TAG

BOOTSTRAP_PARAMETER = "/cdk-bootstrap/hnb659fds/version"
OLDEST_BOOTSTRAP = 6
"""The templates of aws-cdk-lib 2 ask for it (the rule `CheckBootstrapVersion` that they carry)."""
_POLL_SECONDS = 5.0
_LONGEST_SECONDS = 3600
_BROKEN = {
    "UPDATE_ROLLBACK_FAILED": "Mend what the stack's events say and choose `Continue update rollback` in the console",
    "DELETE_FAILED": "Finish its deletion in the console, or run `make destroy`",
}


def check_bootstrap(account: Account) -> int:
    """The version of the CDK's bootstrap stack.

    Raises:
        CommandFailed: account and region were never bootstrapped, or with too old a version.
    """
    remedy = "make bootstrap"
    found = account.parameter(BOOTSTRAP_PARAMETER)
    if found is None:
        raise CommandFailed(f"{account.region} is not prepared for the CDK in this account. Run once: {remedy}")
    if int(found) < OLDEST_BOOTSTRAP:
        raise CommandFailed(
            f"The CDK's bootstrap stack has version {found}, needed is {OLDEST_BOOTSTRAP}. Run: {remedy}"
        )
    return int(found)


def check_alone(account: Account) -> None:
    """See that the account and region have no other deployment: machines, endpoints and groups have fixed names.

    Raises:
        CommandFailed: another deployment is there, or a stack that is called like one of this deployment's and is not.
    """
    cloudformation, name = account.client("cloudformation"), account.names.deployment
    for page in cloudformation.get_paginator("describe_stacks").paginate():
        for stack in page["Stacks"]:
            if stack["StackStatus"] == "DELETE_COMPLETE":
                continue
            found = owner(tags_of(cloudformation, stack))
            if found and found != name:
                raise CommandFailed(
                    f"{account.region} of this account has the deployment {found} already "
                    f"(stack {stack['StackName']}), and there is room for one. To work on that one, write "
                    f"name = {found!r} into infra/deployment.toml; to have another one beside it, "
                    "choose another region or account. Nothing was changed."
                )
            if not found and stack["StackName"] in account.names.stacks:
                raise CommandFailed(
                    f"The stack {stack['StackName']} belongs to somebody else: it does not carry the tag "
                    f"{DEPLOYMENT_TAG} = {name}. Choose another name in infra/deployment.toml. Nothing was changed."
                )


def await_rest(account: Account, say: Callable[[str], None]) -> None:
    """Wait for operations that an interrupted command left behind; CloudFormation takes one at a time.

    Raises:
        CommandFailed: a stack is broken in a way that no deployment mends, or does not come to rest.
    """
    for name in account.names.stacks:
        deadline = time.monotonic() + _LONGEST_SECONDS
        status = _status(account, name)
        if _works(status):
            say(f"{name} is {status}; waiting for that")
        while _works(status):
            if time.monotonic() > deadline:
                raise CommandFailed(f"{name} is still {status} after an hour. Look at its events in the console.")
            time.sleep(_POLL_SECONDS)
            status = _status(account, name)
        if status in _BROKEN:
            raise CommandFailed(f"{name} is {status}. {_BROKEN[status]}; then run `make deploy` again.")


def _works(status: str) -> bool:
    # A stack in review has a change set that nobody has executed: nothing happens in it.
    return status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS"


def _status(account: Account, name: str) -> str:
    return str((account.stack(name) or {}).get("StackStatus", ""))
