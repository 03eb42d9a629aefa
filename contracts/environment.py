"""A function's environment variables as a typed record, read once at cold start."""

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Record = TypeVar("Record", bound="DataclassInstance")


class MissingVariables(RuntimeError):
    """The function was deployed without variables it needs; the message names them."""


def read_environment(record: type[Record], variables: Mapping[str, str]) -> Record:
    """Fill a dataclass of texts: its field `approvals_table` is the variable `APPROVALS_TABLE`.

    Raises:
        MissingVariables: one or more are unset or empty.
    """
    names = {field.name: field.name.upper() for field in fields(record)}
    missing = [name for name in names.values() if not variables.get(name)]
    if missing:
        raise MissingVariables(f"not set: {', '.join(missing)}")
    return record(**{field: variables[name] for field, name in names.items()})
