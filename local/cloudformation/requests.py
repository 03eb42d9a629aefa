"""What a call of CloudFormation's API says, for those that stand around the emulator's entry point."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs


def call_parameters(body: bytes, query_params: Mapping[str, list[str]]) -> dict[str, str]:
    """The query and the form together."""
    merged = {name: values[-1] for name, values in query_params.items() if values}
    return merged | {name: values[-1] for name, values in parse_qs((body or b"").decode("utf-8", "replace")).items()}


def find_change_set(parameters: Mapping[str, str]) -> dict[str, Any] | None:
    """The change set that is named by ``ChangeSetName`` and ``StackName``."""
    from ministack.services.cloudformation import changesets

    name, stack_name = parameters.get("ChangeSetName", ""), parameters.get("StackName", "")
    found: dict[str, Any] | None = changesets._find_change_set(name, stack_name)[1]
    return found
