"""The stacks that no operation is working on: what they consist of is durable before anyone reads that they are done."""

import sys


def finished_stacks() -> frozenset[tuple[str, str]]:
    """(stack id, status) of each stack that is not IN_PROGRESS; none while CloudFormation is not in use."""
    loaded = sys.modules.get("ministack.services.cloudformation")
    stacks = loaded._stacks._data.values() if loaded is not None else ()
    return frozenset(
        (stack["StackId"], stack["StackStatus"])
        for stack in list(stacks)
        if not stack["StackStatus"].endswith("IN_PROGRESS")
    )
