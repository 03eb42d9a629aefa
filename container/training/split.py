"""Which rows the estimator is fitted on, and which judge it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from container.predictor import Rows
from container.schema import Column, Schema
from container.training.dataset import Dataset, Labels
from container.training.encoding import fit_encoding
from container.training.faults import UnusableDataset
from contracts.settings import DataSettings

Positions = NDArray[np.int64]
"""Shape (rows,): each row's class as its position in the schema's classes."""
Targets = NDArray[Any]
"""Shape (rows,): `Positions` of a classification; of a regression each row's number, float64."""


@dataclass(frozen=True)
class Split:
    """The rows to fit on and the held-out rows, over one schema."""

    schema: Schema
    train_features: Rows
    train_labels: Targets
    test_features: Rows
    test_labels: Targets


def split_dataset(dataset: Dataset, settings: DataSettings) -> Split:
    """Hold out the validation rows, or without any a `test_fraction` of all, drawn with `seed`: of each class alike.

    Raises:
        UnusableDataset: too few rows or classes, a feature without values, or a held-out class that cannot be learnt.
    """
    labels, train, validation = dataset.labels, dataset.train, dataset.validation
    _check_rows(dataset, settings)
    if validation is None:
        drawn, held_out = _draw(labels, settings)
        features = (train.features[drawn], train.features[held_out])
        values = (labels.values[drawn], labels.values[held_out])
    else:
        features = (train.features, validation.features)
        values = (labels.values[train.rows], labels.values[validation.rows])
    if labels.task == "classification":
        _check_learnable(labels, values[0])
    schema = Schema(
        columns=_encode(dataset, features, values[0]),
        task=labels.task,
        classes=labels.classes,
        label_type=labels.label_type,
        missing_allowed=any(bool(np.isnan(part).any()) for part in features),
        missing_values=settings.missing_values,
    )
    return Split(schema, features[0], values[0], features[1], values[1])


def _encode(dataset: Dataset, parts: tuple[Rows, Rows], targets: Targets) -> tuple[Column, ...]:
    columns = []
    for feature in range(parts[0].shape[1]):
        name = dataset.feature_names[feature] if dataset.feature_names else None
        texts = dataset.texts.get(feature)
        if texts is None:
            columns.append(Column(name, "number"))
            continue
        encoding = fit_encoding(name, texts, parts[0][:, feature], targets.astype(np.float64))
        for part in parts:
            encoding.apply(part[:, feature])
        columns.append(encoding.column)
    return tuple(columns)


def _draw(labels: Labels, settings: DataSettings) -> tuple[Positions, Positions]:
    try:
        train, test = train_test_split(
            np.arange(len(labels.values)),
            test_size=settings.test_fraction,
            random_state=settings.seed,
            stratify=labels.values if labels.task == "classification" else None,
        )
    except ValueError as fault:  # a part would be smaller than the number of classes
        rows = len(labels.values)
        raise UnusableDataset(f"cannot hold out {settings.test_fraction} of {rows} rows: {fault}") from fault
    return train, test


def _check_rows(dataset: Dataset, settings: DataSettings) -> None:
    labels, train = dataset.labels, dataset.train
    rows = len(train.features)
    if rows < settings.minimum_rows:
        raise UnusableDataset(f"{rows} rows, the settings ask for {settings.minimum_rows}")
    if labels.task == "classification":
        _check_classes(labels, np.bincount(labels.values[train.rows], minlength=len(labels.classes)), settings)
    elif len(np.unique(labels.values[train.rows])) < 2:
        raise UnusableDataset(f"the label is {labels.values[0]} in every row; there is nothing to learn")
    empty = np.flatnonzero(np.isnan(train.features).all(axis=0))
    if len(empty):
        names = dataset.feature_names or range(1, train.features.shape[1] + 1)
        raise UnusableDataset(f"features without any value: {_first([str(names[i]) for i in empty])}")


def _check_classes(labels: Labels, counts: NDArray[np.int64], settings: DataSettings) -> None:
    if np.count_nonzero(counts) < 2:
        name = labels.classes[int(np.argmax(counts))]
        raise UnusableDataset(f"one class only: {name}; a classifier needs at least two")
    least = settings.minimum_rows_per_class
    rare = [f"{labels.classes[i]} ({count})" for i, count in enumerate(counts) if 0 < count < least]
    if rare:
        raise UnusableDataset(f"classes with fewer than {least} rows: {_first(rare)}")


def _check_learnable(labels: Labels, train: Targets) -> None:
    unseen = np.setdiff1d(np.arange(len(labels.classes)), train)
    if len(unseen):
        names = _first([str(labels.classes[i]) for i in unseen])
        raise UnusableDataset(f"classes held out without a row to fit on: {names}")


def _first(names: list[str], shown: int = 5) -> str:
    return ", ".join(names[:shown]) + (f" and {len(names) - shown} more" if len(names) > shown else "")
