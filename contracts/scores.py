"""What a training job's metrics say about candidate and champion, in numbers and in words."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from contracts.metrics import METRICS, Metric, Reading

Verdict = Literal["better", "worse", "the same", ""]

# Three that tell most: of a classification, then of a regression.
_SHOWN: Final = ("accuracy", "f1_macro", "roc_auc", "rmse", "mae", "r2")
# Differences below this are not worth a word: metrics arrive in single precision. In percentage points, in hundredths
# of a number, and as a share of an error in the label's unit.
_SAME_POINTS: Final = 0.05
_SAME_NUMBER: Final = 0.0005
_SAME_SHARE: Final = 0.0005


@dataclass(frozen=True)
class Score:
    """One metric of the candidate, and of the champion on the same held-out rows where there is one."""

    metric: Metric
    candidate: float
    champion: float | None

    @property
    def name(self) -> str:
        """For people."""
        return self.metric.title

    @property
    def meaning(self) -> str:
        """In a few words."""
        return self.metric.meaning

    @property
    def candidate_shown(self) -> str:
        """Such as `96.0 %`, `0.987` or `12.4`."""
        return shown(self.candidate, self.metric.reading)

    @property
    def champion_shown(self) -> str:
        """The same of the champion; empty without one."""
        return "" if self.champion is None else shown(self.champion, self.metric.reading)

    @property
    def verdict(self) -> Verdict:
        """Candidate against champion in a word; empty without a champion."""
        if self.champion is None:
            return ""
        gain = self.metric.gain(self.candidate, self.champion)
        if abs(gain) <= _negligible(self.metric.reading, self.candidate, self.champion):
            return "the same"
        return "better" if gain > 0 else "worse"

    @property
    def difference(self) -> str:
        """Candidate against champion in words, such as `2.0 points better`; empty without a champion."""
        if self.champion is None or self.verdict == "the same":
            return self.verdict
        distance = abs(self.candidate - self.champion)
        amount = f"{100 * distance:.1f} points" if self.metric.reading == "percentage" else _number(distance)
        return f"{amount} {self.verdict}"

    @property
    def bars(self) -> tuple[float, float]:
        """The lengths of bars that show candidate and champion, in percent of the room; 0 without a champion.

        A score fills the room at 1; of two errors the larger does.
        """
        values = (self.candidate, self.champion or 0.0)
        whole = max(*values, 0.0) if self.metric.reading == "label" else 1.0
        candidate, champion = (100 * min(max(value, 0.0) / whole, 1.0) if whole > 0 else 0.0 for value in values)
        return candidate, champion


def shown(value: float, reading: Reading) -> str:
    """A metric's value for people."""
    if reading == "percentage":
        return f"{100 * value:.1f} %"
    return f"{value:.3f}" if reading == "number" else _number(value)


def finite_metrics(metrics: Mapping[str, object]) -> dict[str, float]:
    """Only the metrics that are numbers; a job may report NaN, or nothing."""
    return {
        name: float(value)
        for name, value in metrics.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    }


def read_scores(metrics: Mapping[str, float]) -> tuple[Score, ...]:
    """The scores that the job reported for the candidate: the three that tell most of its task."""
    return tuple(
        Score(METRICS[name], metrics[f"candidate_{name}"], metrics.get(f"champion_{name}"))
        for name in _SHOWN
        if f"candidate_{name}" in metrics
    )


def summary(metrics: Mapping[str, float], champion: str | None) -> str:
    """One or two sentences for a person: what was answered right, or how far answers are off. `champion` is its
    release name.
    """
    rows = round(metrics.get("test_rows", 0))
    unseen = f"{f'{rows} rows' if rows > 0 else 'the rows'} that it had not seen in training, the candidate"
    champions = f"The champion{f' {champion}' if champion else ''}"
    if "candidate_accuracy" in metrics:
        return f"Of {unseen} {_of_classes(metrics, rows, champions)}"
    if "candidate_mae" in metrics:
        return f"On {unseen} {_of_numbers(metrics, champions)}"
    return "The training job reported neither an accuracy nor an error."


def _of_classes(metrics: Mapping[str, float], rows: int, champions: str) -> str:
    accuracy, versus = metrics["candidate_accuracy"], metrics.get("champion_accuracy")
    if rows <= 0:
        return f"answers {accuracy:.1%} right."
    right = round(accuracy * rows)
    told = f"answers {right} right."
    if versus is None:
        return told
    more = right - round(versus * rows)
    compared = (
        "just as many" if more == 0 else f"{right - more}, which is {abs(more)} {'fewer' if more > 0 else 'more'}"
    )
    return f"{told} {champions} answers {compared}."


def _of_numbers(metrics: Mapping[str, float], champions: str) -> str:
    mae, versus = metrics["candidate_mae"], metrics.get("champion_mae")
    told = f"is off by {_number(mae)} on average."
    return told if versus is None else f"{told} {champions} is off by {_number(versus)}."


def _negligible(reading: Reading, candidate: float, champion: float) -> float:
    if reading == "percentage":
        return _SAME_POINTS / 100
    return _SAME_NUMBER if reading == "number" else _SAME_SHARE * max(abs(candidate), abs(champion))


def _number(value: float) -> str:
    """At least four significant digits, without an exponent where that can be read."""
    return f"{value:,.0f}" if 1_000 <= abs(value) < 1e9 else f"{value:.4g}"
