"""Proposes a contract from a dataset that people trust: what its columns hold, and a little more room."""

import math
from typing import Any, Final

from tables.profiles import ColumnProfile, NumberSpread, Profile

# So many different texts, each in so many rows, look like a list of all there are.
_MOST_ALLOWED: Final = 20
_LEAST_ROWS_EACH: Final = 5
_DIGITS: Final = 2


def propose(profile: Profile) -> dict[str, Any]:
    """The settings of `[data]` that the dataset suggests, as they stand in TOML."""
    proposal: dict[str, Any] = {
        "label": profile.label,
        "header": any(column.name is not None for column in profile.columns),
        "task": profile.task,
        "minimum_rows": max(2, profile.rows // 2),
        "columns": {str(column.title): propose_column(column, profile.rows) for column in profile.columns},
    }
    label: dict[str, Any] = {"missing": 0.0}
    if profile.classes:
        label["allowed"] = list(profile.classes)
        proposal["minimum_rows_per_class"] = max(2, min(profile.classes.values()) // 2)
    elif profile.target is not None:
        label.update(type="number", **_range(profile.target))
    proposal["columns"][str(profile.label)] = label
    return proposal


def propose_column(column: ColumnProfile, rows: int) -> dict[str, Any]:
    """What one column must keep."""
    proposal: dict[str, Any] = {"type": column.kind}
    if column.numbers is not None:
        proposal.update(_range(column.numbers))
    listed = [text for text, count in column.categories if count >= _LEAST_ROWS_EACH]
    if column.kind == "category" and not column.other and len(listed) == column.distinct <= _MOST_ALLOWED:
        proposal["allowed"] = sorted(listed)
    share = column.missing / rows if rows else 0.0
    # Twice as many gaps as there were; none where there was none.
    proposal["missing"] = min(1.0, math.ceil(200 * share) / 100)
    return proposal


def _range(spread: NumberSpread) -> dict[str, float]:
    """As far again as the numbers reach, and not below zero where none is."""
    reach = (spread.maximum - spread.minimum) or abs(spread.maximum) or 1.0
    minimum = 0.0 if spread.minimum >= 0 else _outward(spread.minimum - reach, down=True)
    return {"minimum": minimum, "maximum": _outward(spread.maximum + reach, down=False)}


def _outward(value: float, *, down: bool) -> float:
    """Rounded to a few digits, away from the numbers."""
    if value == 0:
        return 0.0
    unit = 10.0 ** (math.floor(math.log10(abs(value))) - _DIGITS + 1)
    steps = math.floor(value / unit) if down else math.ceil(value / unit)
    return float(f"{steps * unit:.{_DIGITS}g}")
