"""Evaluations that tests speak of, and how they travel."""

import io
import tarfile
from collections.abc import Mapping
from typing import Any

from contracts.reports import (
    EVALUATION_FILE,
    Bootstrap,
    CalibrationBin,
    ClassScores,
    Comparison,
    Evaluation,
    Example,
    Gain,
    GateCheck,
    Importance,
    Interval,
    Scores,
)


def evaluation(**changed: Any) -> Evaluation:
    """Of three classes, with a champion, and a gate that is not met."""
    candidate = Scores(
        {"accuracy": 0.82, "f1_macro": 0.818, "f1_micro": 0.82, "log_loss": 0.4, "calibration_error": 0.03},
        {"roc_auc": "no held-out row is of class '3'"},
        {"accuracy": Interval(0.7, 0.9)},
        (ClassScores("0", 17, 1.0, 0.9, 0.95), ClassScores("3", 0, None, None, None)),
        (CalibrationBin(50, 0.8, 0.82),),
    )
    fields: dict[str, Any] = {
        "task": "classification",
        "classes": ("0", "1", "3"),
        "train_rows": 100,
        "test_rows": 50,
        "candidate": candidate,
        "champion": Scores({"accuracy": 0.94, "f1_macro": 0.942}),
        "comparison": Comparison("accuracy", (Gain("accuracy", -0.12, Interval(-0.2, -0.04)),), refused_rows=1),
        "bootstrap": Bootstrap(4_000, 0.995, 42),
        "confusion_matrix": ((17, 0, 0), (0, 16, 1), (0, 1, 15)),
        "importance": (Importance("petal length", 0.4, 0.02),),
        "latency_milliseconds": 0.02,
        "artefact_bytes": 61_000,
        "gate": (
            GateCheck("minimum.f1_macro", 0.818, 0.8, True, "F1, macro is 81.8 %; at least 80.0 % is asked for."),
            GateCheck("minimum.accuracy", 0.82, 0.85, False, "Accuracy is 82.0 %; at least 85.0 % is asked for."),
            GateCheck(
                "champion",
                -0.12,
                -0.05,
                False,
                "Accuracy is 82.0 % and the champion's 94.0 % on the same rows; it may be 5.0 % worse at most.",
            ),
        ),
        "examples": (Example("1.0,2.0", "0"), Example("3.0,", "12.5", tolerance=0.001)),
    }
    return Evaluation(**fields | changed)


def packed(
    content: bytes, name: str = EVALUATION_FILE, before: bytes = b"", others: Mapping[str, bytes] | None = None
) -> bytes:
    """An archive with this file in it, after another one and before some more."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for each, data in (("estimator.joblib", before), (name, content), *(others or {}).items()):
            member = tarfile.TarInfo(each)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return buffer.getvalue()
