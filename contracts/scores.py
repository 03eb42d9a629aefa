"""What a training job's metrics say about candidate and champion, in numbers and in words."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

# Differences below this are not worth a word: metrics arrive in single precision.
_SAME_POINTS = 0.05

# For one answer per row, micro F1 is the accuracy once more.
_KINDS = (
    ("Accuracy", "share of rows answered right", "accuracy"),
    ("F1, macro", "every class counts the same, rare ones too", "f1_macro"),
)


@dataclass(frozen=True)
class Score:
    """One score in [0, 1] of the candidate, and of the champion on the same held-out rows where there is one."""

    name: str
    meaning: str
    candidate: float
    champion: float | None

    @property
    def difference(self) -> str:
        """Candidate against champion in percentage points, in words; empty without a champion."""
        if self.champion is None:
            return ""
        points = 100 * (self.candidate - self.champion)
        if abs(points) < _SAME_POINTS:
            return "the same"
        return f"{abs(points):.1f} points {'better' if points > 0 else 'worse'}"


def finite_metrics(metrics: Mapping[str, object]) -> dict[str, float]:
    """Only the metrics that are numbers; a job may report NaN, or nothing."""
    return {
        name: float(value)
        for name, value in metrics.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    }


def read_scores(metrics: Mapping[str, float]) -> tuple[Score, ...]:
    """The scores that the job reported for the candidate."""
    return tuple(
        Score(name, meaning, metrics[f"candidate_{kind}"], metrics.get(f"champion_{kind}"))
        for name, meaning, kind in _KINDS
        if f"candidate_{kind}" in metrics
    )


def summary(metrics: Mapping[str, float], champion: str | None) -> str:
    """One or two sentences for a person: rows right out of rows held out. `champion` is its release name."""
    accuracy, rows = metrics.get("candidate_accuracy"), round(metrics.get("test_rows", 0))
    if accuracy is None:
        return "The training job reported no accuracy."
    if rows <= 0:
        return f"Of the rows that it had not seen in training, the candidate answers {accuracy:.1%} right."
    right = round(accuracy * rows)
    told = f"Of {rows} rows that it had not seen in training, the candidate answers {right} right."
    versus = metrics.get("champion_accuracy")
    if versus is None:
        return told
    more = right - round(versus * rows)
    compared = (
        "just as many" if more == 0 else f"{right - more}, which is {abs(more)} {'fewer' if more > 0 else 'more'}"
    )
    return f"{told} The champion{f' {champion}' if champion else ''} answers {compared}."
