"""What an approver can look into beside the dossier's sentences. Kept with the question, and stays as it was shown.

Everything in it is bounded: it is stored in one item with the question.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from contracts.metrics import METRICS, Metric
from contracts.scores import shown


@dataclass(frozen=True)
class Measured:
    """One model's metric, with the ends of its bootstrap interval where it was resampled."""

    value: float
    lower: float | None = None
    upper: float | None = None


@dataclass(frozen=True)
class MetricRow:
    """Candidate and champion on the same held-out rows; `gain` is above 0 where the candidate is better."""

    name: str
    candidate: Measured
    champion: Measured | None = None
    gain: Measured | None = None

    @property
    def metric(self) -> Metric:
        """What it is."""
        return METRICS[self.name]

    @property
    def places(self) -> dict[str, tuple[float, float, float] | None]:
        """Where value and ends of candidate and champion lie on a line from 0 to 200 that holds both with some room."""
        both = {"candidate": self.candidate, "champion": self.champion}
        spans = {name: _span(measured) for name, measured in both.items() if measured}
        low, high = min(map(min, spans.values())), max(map(max, spans.values()))
        room = (high - low) * 0.1 or 1.0

        def place(value: float) -> float:
            return 200 * (value - low + room) / (high - low + 2 * room)

        placed = {name: (place(value), place(lower), place(upper)) for name, (value, lower, upper) in spans.items()}
        return {name: placed.get(name) for name in both}

    def told(self, measured: Measured | None) -> str:
        """Such as `96.0 % (92.0 % to 98.0 %)`."""
        if measured is None:
            return ""
        text = shown(measured.value, self.metric.reading)
        if measured.lower is None or measured.upper is None:
            return text
        ends = (shown(end, self.metric.reading) for end in (measured.lower, measured.upper))
        return f"{text} ({' to '.join(ends)})"


def _span(measured: Measured) -> tuple[float, float, float]:
    lower = measured.value if measured.lower is None else measured.lower
    upper = measured.value if measured.upper is None else measured.upper
    return measured.value, lower, upper


@dataclass(frozen=True)
class ClassRow:
    """How rows of one class were answered. None where there is nothing to divide by."""

    name: str
    rows: int
    precision: float | None
    recall: float | None


@dataclass(frozen=True)
class ColumnRow:
    """One column of the dataset in words, and of the last release's. Shares of missing values are in [0, 1]."""

    name: str
    now: str
    missing_now: float
    before: str = ""
    missing_before: float | None = None


@dataclass(frozen=True)
class SettingRow:
    """A setting that differs from the live release's; empty where there is none."""

    key: str
    before: str
    now: str


@dataclass(frozen=True)
class Evidence:
    """`confidence` is of each end of the intervals. `unread` says in sentences what could not be looked up."""

    metrics: tuple[MetricRow, ...] = ()
    confidence: float | None = None
    classes: tuple[str, ...] = ()
    confusion_matrix: tuple[tuple[int, ...], ...] = ()
    """Rows of a class by the answer; empty for a regression, and where there are too many classes to look at."""
    class_rows: tuple[ClassRow, ...] = ()
    calibration: tuple[tuple[float, float], ...] = ()
    """How sure the candidate was on average, and the share that was right, bin by bin."""
    importance: tuple[tuple[str, float], ...] = ()
    """What shuffling a feature costs, the most important first."""
    rows_now: int = 0
    rows_before: int | None = None
    columns: tuple[ColumnRow, ...] = ()
    more_columns: int = 0
    settings: tuple[SettingRow, ...] = ()
    settings_before: str = ""
    """The release whose settings these differ from; empty where there is none."""
    unread: tuple[str, ...] = field(default=())

    def to_json(self) -> str:
        """As it is stored."""
        return json.dumps(asdict(self), allow_nan=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "Evidence":
        """What `to_json` has made."""
        fields: dict[str, Any] = json.loads(text)
        for name, row in _ROWS.items():
            fields[name] = tuple(row(each) for each in fields[name])
        for name in ("classes", "unread"):
            fields[name] = tuple(fields[name])
        return cls(**fields)


def _metric_row(row: Mapping[str, Any]) -> MetricRow:
    measured: dict[str, Any] = {
        name: Measured(**row[name]) if row[name] else None for name in ("candidate", "champion", "gain")
    }
    return MetricRow(name=row["name"], **measured)


_ROWS: Mapping[str, Callable[[Any], object]] = {
    "metrics": _metric_row,
    "class_rows": lambda row: ClassRow(**row),
    "columns": lambda row: ColumnRow(**row),
    "settings": lambda row: SettingRow(**row),
    **dict.fromkeys(("confusion_matrix", "calibration", "importance"), tuple),
}
