"""What is published for each model: the pointer in SSM, and the settings that it leads to."""

import json
from typing import Any

from botocore.exceptions import ClientError

from commands.account import Account


def pointers(account: Account) -> dict[str, dict[str, Any]]:
    """The pointer of every model, by the model's name; what else others may have put there is left out."""
    prefix = account.names.models_prefix
    pages = account.client("ssm").get_paginator("get_parameters_by_path").paginate(Path=prefix)
    found = {
        parameter["Name"].removeprefix(prefix): _pointer(account, parameter["Value"])
        for page in pages
        for parameter in page["Parameters"]
    }
    return {model: pointer for model, pointer in found.items() if pointer is not None}


def _pointer(account: Account, text: str) -> dict[str, Any] | None:
    """A pointer leads to settings, and to endpoint stacks of this deployment."""
    try:
        found = json.loads(text)
        stack = found["production"]["stack"]
    except (ValueError, TypeError, KeyError):
        return None
    return found if "settings" in found and str(stack).startswith(account.names.endpoint_stack_prefix) else None


def published_settings(account: Account) -> dict[str, Any]:
    """The resolved settings of every published model; None for those that cannot be read."""
    s3 = account.client("s3")

    def read(place: dict[str, str]) -> Any:  # noqa: ANN401 -- JSON
        try:
            return json.loads(s3.get_object(Bucket=place["bucket"], Key=place["key"])["Body"].read())
        except ClientError:
            return None

    return {model: read(pointer["settings"]) for model, pointer in pointers(account).items()}


def changes(before: object, after: object, path: str = "") -> list[str]:
    """One line for each value that differs, with the settings' own key."""
    if isinstance(before, dict) and isinstance(after, dict):
        return [
            line
            for key in sorted(before.keys() | after.keys())
            for line in changes(before.get(key), after.get(key), f"{path}.{key}" if path else str(key))
        ]
    # Tuples and lists are the same to a run, which reads JSON.
    told = (json.dumps(before), json.dumps(after))
    return [] if told[0] == told[1] else [f"{path}: {told[0]} → {told[1]}"]
