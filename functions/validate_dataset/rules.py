"""The rules a dataset is held to: the `[data]` section of the model's settings, as a run carries it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Rules:
    """`label` is a position from 0, or a name in the header."""

    label: int | str
    header: bool
    maximum_bytes: int
    minimum_rows: int
    minimum_rows_per_class: int

    @classmethod
    def from_settings(cls, data: Mapping[str, Any]) -> "Rules":
        """Raises: KeyError when the settings lack a rule."""
        return cls(
            label=data["label"],
            header=data["header"],
            maximum_bytes=data["maximum_bytes"],
            minimum_rows=data["minimum_rows"],
            minimum_rows_per_class=data["minimum_rows_per_class"],
        )
