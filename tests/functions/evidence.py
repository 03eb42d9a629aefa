"""What an approver can look into, as runs leave it in S3: the report with its pictures, two profiles, former settings."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from container.training.evaluation.answers import ClassAnswers
from container.training.evaluation.plots import draw_plots
from contracts.reports import (
    CalibrationBin,
    ClassScores,
    Comparison,
    Evaluation,
    Gain,
    Importance,
    Interval,
    Scores,
)
from tables.profiles import ColumnProfile, NumberSpread, Profile
from tests.evaluations import evaluation, packed

BUCKET = "mlops-us-east-1-123456789012"
RUN = "6a7e8feb-b491-4f31-9d6b-1c9f0d2a7e11"
REPORT = f"runs/{RUN}/output/iris-model-3f2a9c0d1b7e-1-0/output/output.tar.gz"
FORMER = {
    "settings": {"bucket": BUCKET, "key": "settings-2.json"},
    "profile": "runs/former/profile.json",
    "hyperparameters": {"n_estimators": "100"},
}


def whole_evaluation() -> Evaluation:
    """Of a candidate that is a little better."""
    names = {
        "accuracy": (0.96, 0.94),
        "f1_macro": (0.9598, 0.942),
        "roc_auc": (0.9973, 0.9921),
        "log_loss": (0.11, 0.16),
    }
    spans = {name: Interval(ours - 0.05, min(ours + 0.035, 1.0)) for name, (ours, _) in names.items()}
    former = {name: Interval(theirs - 0.055, min(theirs + 0.04, 1.0)) for name, (_, theirs) in names.items()}
    bins = tuple(
        CalibrationBin(10, sure, right) for sure, right in ((0.55, 0.5), (0.7, 0.75), (0.85, 0.9), (0.97, 0.98))
    )
    classes = (ClassScores("setosa", 17, 1.0, 1.0, 1.0), ClassScores("versicolor", 17, 0.94, 0.94, 0.94))
    return evaluation(
        classes=("setosa", "versicolor", "virginica"),
        candidate=Scores({name: ours for name, (ours, _) in names.items()}, {}, spans, classes, bins),
        champion=Scores({name: theirs for name, (_, theirs) in names.items()}, {}, former, (), bins),
        comparison=Comparison("accuracy", (Gain("accuracy", 0.02, Interval(-0.01, 0.06)),), 0),
        importance=tuple(
            Importance(name, loss, 0.02)
            for name, loss in (
                ("petal length", 0.31),
                ("petal width", 0.24),
                ("sepal length", 0.02),
                ("sepal width", 0),
            )
        ),
    )


def pictures(folder: Path) -> dict[str, bytes]:
    """Those that the training job draws of it."""
    truth = np.repeat([0, 1, 2], [17, 17, 16])
    probabilities = np.eye(3)[truth] * 0.9 + 0.1 / 3
    drawn = draw_plots(folder, whole_evaluation(), truth, ClassAnswers(truth, probabilities))
    return {f"plots/{path.name}": path.read_bytes() for path in drawn}


def profile(rows: int, shift: float = 0.0, missing: int = 0) -> Profile:
    """Of two numbers and a category."""
    spread = NumberSpread(
        1.0 + shift, 6.9 + shift, 3.7 + shift, tuple(1.0 + shift + step for step in range(7)), ((1.0, 0.5), (6.9, 1.0))
    )
    columns = (
        ColumnProfile("petal length", 1, "number", 0, spread),
        ColumnProfile("petal width", 2, "number", missing, spread),
        ColumnProfile("island", 3, "category", 0, None, (("Biscoe", rows // 2), ("Dream", rows // 3)), 3, rows // 6),
    )
    return Profile(rows, None, "classification", 0, {"setosa": rows}, None, columns, 0.0, None)


def leave(s3: Any, folder: Path, **missing: bool) -> None:
    """Put all of it where the recorded request says that it is, but for what is named as missing."""
    s3.create_bucket(Bucket=BUCKET)
    settings = {
        "name": "iris-model",
        "training": {"instance_type": "ml.m5.large", "hyperparameters": {}},
        "approval": {"approvers": ["release-approvers@example.com"], "required": 1},
    }
    stored = {
        REPORT: packed(whole_evaluation().to_json().encode(), others=pictures(folder)),
        f"runs/{RUN}/profile.json": profile(150, 0.4, 3).to_json().encode(),
        FORMER["profile"]: profile(120).to_json().encode(),
        "settings-2.json": json.dumps(settings).encode(),
    }
    for key, content in stored.items():
        if not missing.get(key.rpartition("/")[2].partition(".")[0].replace("-", "_")):
            s3.put_object(Bucket=BUCKET, Key=str(key), Body=content)
