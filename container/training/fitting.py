"""Fits the estimator that the job's hyperparameters ask for.

An algorithm is a module with a function `fit`; a further one is a file of its own, a line here and a table in
`contracts.algorithms`.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Protocol

from container.training import boosting, forest
from container.training.agreement import Estimator
from container.training.ensemble import Ensemble
from container.training.hyperparameters import Hyperparameters
from container.training.progress import Say
from container.training.split import Split
from contracts.algorithms import AlgorithmName


class Fitted(Estimator, Protocol):
    """A fitted estimator."""

    def ensemble(self) -> Ensemble:
        """Its trees, to be exported."""

    def save(self, folder: Path) -> None:
        """Write the library's own form of it into `folder`, for whoever wants to look into it later."""


_FITS: Final[Mapping[AlgorithmName, Callable[[Split, Hyperparameters, Say], Fitted]]] = {
    "random-forest": forest.fit,
    "xgboost": boosting.fit,
}


def fit(split: Split, hyperparameters: Hyperparameters, say: Say) -> Fitted:
    """An estimator over the split's training rows; its classes are the positions 0, 1, … of the schema's classes.

    The same rows, settings and library versions give the same estimator, whatever the number of threads is.

    Raises:
        InvalidHyperparameters: a hyperparameter does not fit the dataset's task or classes.
    """
    return _FITS[hyperparameters.algorithm](split, hyperparameters, say)
