"""The metrics that judge a model: their names in settings, jobs and reports, and how people read them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

Task = Literal["classification", "regression"]
Reading = Literal["percentage", "number", "label"]
"""A share of rows; a number without a unit; a number in the label's own unit."""


@dataclass(frozen=True)
class Metric:
    """One metric on the held-out rows. `title` and `meaning` are for people."""

    name: str
    task: Task
    title: str
    meaning: str
    reading: Reading
    higher_is_better: bool = True
    comparable: bool = True
    """Whether a candidate may be compared with the champion by it."""

    def gain(self, candidate: float, champion: float) -> float:
        """Candidate against champion in the metric's own unit; above 0 where the candidate is better."""
        return candidate - champion if self.higher_is_better else champion - candidate


_ALL: Final = (
    Metric("accuracy", "classification", "Accuracy", "share of rows answered right", "percentage"),
    Metric("f1_macro", "classification", "F1, macro", "every class counts the same, rare ones too", "percentage"),
    # For one answer per row it is the accuracy, unless rows were refused.
    Metric("f1_micro", "classification", "F1, micro", "every answer counts the same", "percentage"),
    Metric("roc_auc", "classification", "ROC AUC", "how well probabilities rank a class before the others", "number"),
    Metric("log_loss", "classification", "Log loss", "how sure of the right class", "number", higher_is_better=False),
    # Its expectation falls as rows are added, so a difference of two says little.
    Metric(
        "calibration_error",
        "classification",
        "Calibration error",
        "how far probabilities are from the share that is right",
        "percentage",
        higher_is_better=False,
        comparable=False,
    ),
    Metric("rmse", "regression", "RMSE", "error that counts large misses more", "label", higher_is_better=False),
    Metric("mae", "regression", "MAE", "how far an answer is off on average", "label", higher_is_better=False),
    Metric("r2", "regression", "R²", "share of the label's variance that is explained", "number"),
)

METRICS: Final[Mapping[str, Metric]] = {metric.name: metric for metric in _ALL}

COMPARED_BY_DEFAULT: Final[Mapping[Task, str]] = {"classification": "accuracy", "regression": "rmse"}


def metrics_of(task: Task) -> tuple[Metric, ...]:
    """Those of one task."""
    return tuple(metric for metric in _ALL if metric.task == task)
