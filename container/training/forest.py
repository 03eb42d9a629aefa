"""Random forests: scikit-learn's, grown with scikit-learn-intelex where that is faster and agrees."""

import warnings
from pathlib import Path
from typing import Any, Final, TypeAlias

import joblib
import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from container.predictor import Rows
from container.training.accelerated import accelerate
from container.training.ensemble import Ensemble, Link, Tree
from container.training.faults import InvalidHyperparameters
from container.training.hyperparameters import Hyperparameters
from container.training.progress import Progress, Say
from container.training.split import Split
from tables.kinds import Task

ESTIMATOR_FILE: Final = "estimator.joblib"
Forest: TypeAlias = RandomForestClassifier | RandomForestRegressor
_CRITERIA: Final[dict[Task, tuple[str, ...]]] = {
    "classification": ("gini", "entropy", "log_loss"),
    "regression": ("squared_error", "absolute_error", "poisson"),
}
# How the table's words are called in scikit-learn.
_NAMES: Final = {"none": None, "all": None}
_STEPS: Final = 10
# scikit-learn looks for missing values by adding everything up, which may be too much for a 32-bit number.
_UNHEEDED: Final[dict[str, Any]] = {"invalid": "ignore", "over": "ignore"}


class FittedForest:
    """See `fitting.Fitted`."""

    def __init__(self, forest: Forest) -> None:
        # Threads add up a row's shares in whatever order they come, so that ties are decided by chance.
        self._forest = forest.set_params(n_jobs=1)

    def probabilities(self, rows: Rows) -> NDArray[np.float64]:
        """Shape (rows, classes)."""
        with np.errstate(**_UNHEEDED):
            return np.asarray(self._forest.predict_proba(rows), dtype=np.float64)

    def values(self, rows: Rows) -> NDArray[np.float64]:
        """Shape (rows,)."""
        with np.errstate(**_UNHEEDED):
            return np.asarray(self._forest.predict(rows), dtype=np.float64)

    def ensemble(self) -> Ensemble:
        """The forest's trees; each leaf adds its share of the forest's mean."""
        grown = [estimator.tree_ for estimator in self._forest.estimators_]
        outputs = grown[0].value.shape[2]
        trees = tuple(
            Tree(
                left=tree.children_left.astype(np.int64),
                right=tree.children_right.astype(np.int64),
                feature=tree.feature.astype(np.int64),
                threshold=tree.threshold,
                missing_left=tree.missing_go_to_left.astype(bool),
                outputs=np.arange(outputs),
                value=tree.value[:, 0, :] / len(grown),
            )
            for tree in grown
        )
        link: Link = "shares" if isinstance(self._forest, RandomForestClassifier) else "value"
        return Ensemble(trees, self._forest.n_features_in_, outputs, comparison="<=", link=link, wide=True)

    def save(self, folder: Path) -> None:
        """As `estimator.joblib`, which scikit-learn alone can read."""
        joblib.dump(self._forest, folder / ESTIMATOR_FILE, compress=3)


def fit(split: Split, hyperparameters: Hyperparameters, say: Say) -> FittedForest:
    """See `fitting.fit`."""
    forest = _unfitted(split, hyperparameters)
    say(f"fitting {forest.n_estimators} trees on {len(split.train_labels)} rows")
    return FittedForest(accelerate(forest, split, say) or _grow(forest, split, say))


def _unfitted(split: Split, hyperparameters: Hyperparameters) -> Forest:
    given: dict[str, Any] = {
        name: _NAMES.get(str(value), value) for name, value in hyperparameters.values.items() if value is not None
    }
    task = split.schema.task
    if given.get("criterion", _CRITERIA[task][0]) not in _CRITERIA[task]:
        raise InvalidHyperparameters(
            f"hyperparameter criterion is {given['criterion']}, but the dataset asks for a {task}: "
            f"give {', '.join(_CRITERIA[task])} or nothing"
        )
    given["random_state"] = given.pop("seed")
    if given["max_samples"] == 1 or not given["bootstrap"]:
        given["max_samples"] = None
    weights = given.pop("class_weight")
    if task == "regression":
        if weights is not None:
            raise InvalidHyperparameters("hyperparameter class_weight is given, but the dataset asks for a regression")
        return RandomForestRegressor(**given)
    return RandomForestClassifier(**given, class_weight=weights)


def _grow(forest: Forest, split: Split, say: Say) -> Forest:
    """Step by step, for the lines in the log. It becomes the forest that it would have become at once."""
    total = forest.n_estimators
    progress = Progress(say, total, "trees")
    # No thread waits for the last trees of a step while there are more to come.
    step = -(-total // _STEPS // forest.n_jobs) * forest.n_jobs
    forest.set_params(warm_start=True)
    with warnings.catch_warnings():
        # The words for class weights would be wrong if the steps had different rows.
        warnings.filterwarnings("ignore", "class_weight presets", UserWarning)
        for count in [*range(step, total, step), total]:
            forest.set_params(n_estimators=count).fit(split.train_features, split.train_labels)
            progress.reach(count)
    return forest.set_params(warm_start=False)
