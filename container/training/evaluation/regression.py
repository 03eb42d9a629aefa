"""How well numbers were answered."""

import math

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from container.training.evaluation.answers import NumberAnswers
from contracts.reports import Scores


def score_numbers(truth: NDArray[np.float64], answers: NumberAnswers) -> Scores:
    """All metrics of a regression; RMSE and MAE are in the label's unit."""
    if not np.isfinite(answers.values).all():
        reason = "an answer is not a finite number"
        return Scores({}, dict.fromkeys(("rmse", "mae", "r2"), reason))
    with np.errstate(over="ignore", invalid="ignore"):
        values = {
            "rmse": float(root_mean_squared_error(truth, answers.values)),
            "mae": float(mean_absolute_error(truth, answers.values)),
        }
        undefined = {name: "it is too large for a number" for name, value in values.items() if not math.isfinite(value)}
        if np.ptp(truth) > 0:
            values["r2"] = float(r2_score(truth, answers.values))
            if not math.isfinite(values["r2"]):
                undefined["r2"] = "it is too large for a number"
        else:
            undefined["r2"] = "all held-out rows have the same label"
    return Scores({name: value for name, value in values.items() if name not in undefined}, undefined)
