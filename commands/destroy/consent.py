"""Asks before anything goes that cannot be brought back."""

from typing import TextIO

from botocore.exceptions import ClientError

from commands.account import Account
from commands.faults import CommandFailed
from commands.stacks import list_stacks


def ask(account: Account, given: str, terminal: TextIO) -> None:
    """Have a person type the deployment's name, unless it was given already.

    Raises:
        CommandFailed: another name, or nobody to ask.
    """
    name = account.names.deployment
    if given or terminal.isatty():
        print(_loss(account), flush=True)
    if given:
        answer = given
    elif terminal.isatty():
        print(f"None of it can be brought back. Type the deployment's name ({name}) to go on: ", end="", flush=True)
        answer = terminal.readline().strip()
    else:
        raise CommandFailed(
            f"Nobody can be asked here, and {name} holds production data. "
            f"Run it in a terminal, or name the deployment: make destroy YES={name}"
        )
    if answer != name:
        raise CommandFailed(f"{answer!r} is not {name!r}: nothing was removed.")


def _loss(account: Account) -> str:
    names = account.names
    endpoints = [stack.name for stack in list_stacks(account) if stack.name.startswith(names.endpoint_stack_prefix)]
    served = f"{len(endpoints)} endpoints: {', '.join(endpoints)}" if endpoints else "no endpoints"
    return "\n".join(
        [
            f"This removes deployment {_told(account)}:",
            f"  {served}",
            f"  all releases, their model packages and images, and {_items(account)} records of runs and approvals",
            f"  all datasets, runs and captured requests in {names.bucket}, with all their versions",
        ]
    )


def _told(account: Account) -> str:
    """A deployment as people tell it from others."""
    return f"{account.names.deployment} of account {account.names.account} in {account.region}"


def _items(account: Account) -> str:
    try:
        table = account.client("dynamodb").describe_table(TableName=account.names.ledger_table)["Table"]
    except ClientError:
        return "no"
    return f"about {table['ItemCount']}"
