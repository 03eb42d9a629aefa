"""What is known about a dataset once it was read: kept with a release, compared with the next, shown at approval."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from tables.kinds import Kind, Task

VERSION: Final = 1
SHARES: Final = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
"""Which quantiles a profile tells."""


class UnreadableProfile(ValueError):
    """Not a profile of this version."""


@dataclass(frozen=True)
class NumberSpread:
    """How a column's numbers are spread."""

    minimum: float
    maximum: float
    mean: float
    quantiles: tuple[float, ...]
    """At `SHARES`."""
    distribution: tuple[tuple[float, float], ...]
    """(value, share of the numbers that are at most it), ascending; the last share is 1."""


@dataclass(frozen=True)
class ColumnProfile:
    """One feature. `numbers` of a number; `categories` of the others: rows by text, the most frequent first."""

    name: str | None
    position: int
    kind: Kind
    missing: int
    numbers: NumberSpread | None = None
    categories: tuple[tuple[str, int], ...] = ()
    """As many as are kept; the rest is in `other`."""
    distinct: int = 0
    """Different texts, as far as they were counted."""
    other: int = 0

    @property
    def title(self) -> int | str:
        """How messages call it."""
        return self.name if self.name is not None else self.position


@dataclass(frozen=True)
class Profile:
    """A whole dataset, its validation files apart."""

    rows: int
    validation_rows: int | None
    """None where there are no validation files."""
    task: Task
    label: int | str
    classes: Mapping[str, int]
    """Rows by class; empty for a regression."""
    target: NumberSpread | None
    """Of a regression."""
    columns: tuple[ColumnProfile, ...]
    duplicates: float
    """The share of rows that are copies of an earlier one."""
    leakage: float | None
    """The share of validation rows that also stand in the training files; None without validation files."""

    def to_json(self) -> str:
        """The file's text; the same profile gives the same bytes."""
        return json.dumps({"version": VERSION, **asdict(self)}, allow_nan=False)

    @classmethod
    def from_json(cls, text: str | bytes) -> "Profile":
        """Raises: UnreadableProfile."""
        try:
            fields = json.loads(text)
            if fields.pop("version") != VERSION:
                raise UnreadableProfile("the profile is of another version")
            columns = tuple(_column(column) for column in fields.pop("columns"))
            return cls(columns=columns, target=_spread(fields.pop("target")), **fields)
        except (ValueError, KeyError, TypeError, AttributeError) as fault:
            raise UnreadableProfile(f"the profile does not have the expected form: {fault!r}") from fault


def _column(fields: dict[str, Any]) -> ColumnProfile:
    categories = tuple((text, rows) for text, rows in fields.pop("categories"))
    return ColumnProfile(numbers=_spread(fields.pop("numbers")), categories=categories, **fields)


def _spread(fields: dict[str, Any] | None) -> NumberSpread | None:
    if fields is None:
        return None
    distribution = tuple((value, share) for value, share in fields.pop("distribution"))
    return NumberSpread(quantiles=tuple(fields.pop("quantiles")), distribution=distribution, **fields)
