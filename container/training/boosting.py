"""Gradient boosted trees: XGBoost's."""

import json
from pathlib import Path
from typing import Any, Final

import numpy as np
import xgboost
from numpy.typing import NDArray

from container.predictor import Rows
from container.training.ensemble import Ensemble, Link, Tree
from container.training.faults import InvalidHyperparameters, TrainingFault
from container.training.hyperparameters import Hyperparameters
from container.training.progress import Progress, Say
from container.training.split import Split

ESTIMATOR_FILE: Final = "estimator.ubj"
_SEVERAL: Final = ("multi:softmax", "multi:softprob")
_BINARY: Final = ("binary:logistic",)
_LOGARITHMIC: Final = ("count:poisson", "reg:gamma")
_REGRESSION: Final = ("reg:squarederror", "reg:absoluteerror", "reg:pseudohubererror", *_LOGARITHMIC)


class Boosted:
    """See `fitting.Fitted`."""

    def __init__(self, booster: xgboost.Booster, objective: str) -> None:
        self._booster = booster
        self._objective = objective

    def probabilities(self, rows: Rows) -> NDArray[np.float64]:
        """Shape (rows, classes)."""
        answers = self._predict(rows)
        return np.stack([1 - answers, answers], axis=1) if self._objective in _BINARY else answers

    def values(self, rows: Rows) -> NDArray[np.float64]:
        """Shape (rows,)."""
        return self._predict(rows)

    def _predict(self, rows: Rows) -> NDArray[np.float64]:
        return np.asarray(self._booster.inplace_predict(rows), dtype=np.float64)

    def ensemble(self) -> Ensemble:
        """The booster's trees. The base score, with which XGBoost begins to add, is in the first of each output's."""
        learner = json.loads(self._booster.save_raw("json"))["learner"]
        model = learner["gradient_booster"]["model"]
        link = _link(self._objective)
        starts = _starts(learner["learner_model_param"]["base_score"], link)
        trees: list[Tree] = []
        for grown, output in zip(model["trees"], model["tree_info"], strict=True):
            trees.append(_tree(grown, output, starts[output] if len(trees) < len(starts) else None))
        return Ensemble(tuple(trees), self._booster.num_features(), len(starts), comparison="<", link=link, wide=False)

    def save(self, folder: Path) -> None:
        """As `estimator.ubj`, which `xgboost.Booster` loads."""
        self._booster.save_model(folder / ESTIMATOR_FILE)


def fit(split: Split, hyperparameters: Hyperparameters, say: Say) -> Boosted:
    """See `fitting.fit`."""
    parameters = {name: value for name, value in hyperparameters.values.items() if value is not None}
    rounds = int(parameters.pop("num_round"))
    objective = _objective(split, parameters)
    say(f"fitting {rounds} rounds of {objective} on {len(split.train_labels)} rows")
    # The same trees as with softmax, but the booster can be asked for probabilities.
    parameters["objective"] = "multi:softprob" if objective in _SEVERAL else objective
    parameters |= _class_count(split, parameters)
    table = xgboost.QuantileDMatrix if parameters["tree_method"] == "hist" else xgboost.DMatrix
    options = {"max_bin": parameters["max_bin"]} if table is xgboost.QuantileDMatrix else {}
    try:
        rows = table(split.train_features, label=split.train_labels, nthread=parameters["nthread"], **options)
        booster = xgboost.train(
            {**parameters, "verbosity": 0}, rows, rounds, callbacks=[_Rounds(Progress(say, rounds, "rounds"))]
        )
    except xgboost.core.XGBoostError as fault:
        raise TrainingFault(f"XGBoost cannot fit this: {_first_line(fault)}") from fault
    return Boosted(booster, str(parameters["objective"]))


class _Rounds(xgboost.callback.TrainingCallback):
    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def after_iteration(self, _model: Any, epoch: int, _evals_log: Any) -> bool:  # noqa: ANN401 - XGBoost's own types
        self._progress.reach(epoch + 1)
        return False


def _objective(split: Split, parameters: dict[str, Any]) -> str:
    classes = len(split.schema.classes)
    if split.schema.task == "regression":
        fitting: tuple[str, ...] = _REGRESSION
        wanted = "a regression"
    else:
        fitting = (*_BINARY, *_SEVERAL) if classes == 2 else _SEVERAL
        wanted = f"a classification with {classes} classes"
    objective = str(parameters.get("objective") or ("multi:softprob" if classes > 2 else fitting[0]))
    if objective not in fitting:
        raise InvalidHyperparameters(
            f"hyperparameter objective is {objective}, but the dataset asks for {wanted}: give {', '.join(fitting)} "
            "or nothing"
        )
    return objective


def _class_count(split: Split, parameters: dict[str, Any]) -> dict[str, int]:
    """`num_class` as XGBoost wants it: only for the objectives of several classes."""
    classes = len(split.schema.classes)
    given = parameters.pop("num_class", None)
    if given is not None and given != classes:
        found = f"has {classes} classes" if classes else "asks for a regression"
        raise InvalidHyperparameters(f"hyperparameter num_class is {given}, but the dataset {found}")
    return {"num_class": classes} if parameters["objective"] in _SEVERAL else {}


def _link(objective: str) -> Link:
    if objective in _SEVERAL:
        return "softmax"
    if objective in _BINARY:
        return "logistic"
    return "exponential" if objective in _LOGARITHMIC else "value"


def _starts(base_score: str, link: Link) -> NDArray[np.float32]:
    """What each output's sum begins with. XGBoost writes it as an answer, and turns it back in 32-bit numbers."""
    answers = np.atleast_1d(np.array(json.loads(base_score), dtype=np.float32))
    if link == "logistic":
        return np.asarray(-np.log(np.float32(1) / answers - np.float32(1)))
    return np.log(answers) if link == "exponential" else answers


def _tree(grown: dict[str, Any], output: int, start: np.float32 | None) -> Tree:
    left = np.array(grown["left_children"], dtype=np.int64)
    numbers = np.array(grown["split_conditions"], dtype=np.float32)
    # A leaf's value stands where other nodes have their threshold.
    values = numbers if start is None else start + numbers
    return Tree(
        left=left,
        right=np.array(grown["right_children"], dtype=np.int64),
        feature=np.array(grown["split_indices"], dtype=np.int64),
        threshold=numbers.astype(np.float64),
        missing_left=np.array(grown["default_left"], dtype=bool),
        outputs=np.array([output]),
        value=values.astype(np.float64)[:, np.newaxis],
    )


def _first_line(fault: Exception) -> str:
    """Without the time and the place in XGBoost's sources."""
    line = str(fault).strip().splitlines()[0]
    return line.split("Check failed:")[-1].strip() if "Check failed:" in line else line
