"""Which rows the estimator is fitted on, and which judge it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from container.predictor import Rows
from container.schema import Schema, number_columns
from container.training.dataset import Dataset
from container.training.faults import UnusableDataset
from container.training.labels import Labels, encode
from contracts.settings import DataSettings

Positions = NDArray[np.int64]
"""Shape (rows,): each row's class as its position in the schema's classes."""


@dataclass(frozen=True)
class Split:
    """The rows to fit on and the held-out rows, over one set of classes."""

    schema: Schema
    train_features: Rows
    train_labels: Positions
    test_features: Rows
    test_labels: Positions


def split_dataset(dataset: Dataset, validation: Dataset | None, settings: DataSettings) -> Split:
    """Hold out `validation`, or without it a stratified `test_fraction` of `dataset`, drawn with `seed`.

    Raises:
        UnusableDataset: too few rows or classes, a feature without values, or a held-out class that cannot be learnt.
    """
    if validation is not None:
        _check_same_columns(dataset, validation)
    labels = encode(dataset.labels + (validation.labels if validation else ()))
    rows = len(dataset.labels)
    _check_rows(dataset, labels.classes, labels.positions[:rows], settings)
    if validation is None:
        train, test = _draw(labels.positions, settings)
        features = (dataset.features[train], dataset.features[test])
        classes = (labels.positions[train], labels.positions[test])
    else:
        features = (dataset.features, validation.features)
        classes = (labels.positions[:rows], labels.positions[rows:])
    _check_learnable(labels, classes[0])
    schema = Schema(
        columns=number_columns(dataset.features.shape[1], dataset.feature_names),
        task="classification",
        classes=labels.classes,
        label_type=labels.label_type,
        missing_allowed=any(bool(np.isnan(part).any()) for part in features),
    )
    return Split(schema, features[0], classes[0], features[1], classes[1])


def _draw(positions: Positions, settings: DataSettings) -> tuple[Positions, Positions]:
    try:
        train, test = train_test_split(
            np.arange(len(positions)),
            test_size=settings.test_fraction,
            random_state=settings.seed,
            stratify=positions,
        )
    except ValueError as fault:  # a part would be smaller than the number of classes
        raise UnusableDataset(f"cannot hold out {settings.test_fraction} of {len(positions)} rows: {fault}") from fault
    return train, test


def _check_same_columns(dataset: Dataset, validation: Dataset) -> None:
    expected, found = dataset.features.shape[1], validation.features.shape[1]
    if expected != found:
        raise UnusableDataset(f"channel validation has {found} features, channel train {expected}")
    if dataset.feature_names != validation.feature_names:
        raise UnusableDataset("channels train and validation have different headers")


def _check_rows(
    dataset: Dataset, classes: tuple[int, ...] | tuple[str, ...], positions: Positions, settings: DataSettings
) -> None:
    if len(positions) < settings.minimum_rows:
        raise UnusableDataset(f"{len(positions)} rows, the settings ask for {settings.minimum_rows}")
    counts = np.bincount(positions, minlength=len(classes))
    if np.count_nonzero(counts) < 2:
        raise UnusableDataset(f"one class only: {classes[int(np.argmax(counts))]}; a classifier needs at least two")
    rare = [f"{classes[i]} ({count})" for i, count in enumerate(counts) if 0 < count < settings.minimum_rows_per_class]
    if rare:
        least = settings.minimum_rows_per_class
        raise UnusableDataset(f"classes with fewer than {least} rows: {_first(rare)}")
    empty = np.flatnonzero(np.isnan(dataset.features).all(axis=0))
    if len(empty):
        names = dataset.feature_names or range(1, dataset.features.shape[1] + 1)
        raise UnusableDataset(f"features without any value: {_first([str(names[i]) for i in empty])}")


def _check_learnable(labels: Labels, train: Positions) -> None:
    unseen = np.setdiff1d(np.arange(len(labels.classes)), train)
    if len(unseen):
        names = _first([str(labels.classes[i]) for i in unseen])
        raise UnusableDataset(f"classes held out without a row to fit on: {names}")


def _first(names: list[str], shown: int = 5) -> str:
    return ", ".join(names[:shown]) + (f" and {len(names) - shown} more" if len(names) > shown else "")
