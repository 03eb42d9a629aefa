"""Fits the estimator."""

from sklearn.ensemble import RandomForestClassifier

from container.training.hyperparameters import Hyperparameters
from container.training.split import Split


def fit(split: Split, hyperparameters: Hyperparameters) -> RandomForestClassifier:
    """A forest over the split's training rows; its classes are the positions 0, 1, … of the schema's classes.

    The same rows, settings and library versions give the same forest, whatever `n_jobs` is.
    """
    forest = RandomForestClassifier(
        n_estimators=hyperparameters.n_estimators,
        max_depth=hyperparameters.max_depth,
        n_jobs=hyperparameters.n_jobs,
        random_state=hyperparameters.data.seed,
    )
    forest.fit(split.train_features, split.train_labels)
    return forest
