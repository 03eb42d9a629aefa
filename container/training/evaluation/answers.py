"""What a model answers for the held-out rows, as it answers when it serves."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from container.predictor import Predictor, Rows
from container.training.champion import Champion
from container.training.split import Split

UNKNOWN: Final = -1
"""In place of a class's position: an answer that is none of the candidate's classes, or a refused row."""


@dataclass(frozen=True)
class ClassAnswers:
    """Of a classification. `positions` has shape (rows,) and may hold `UNKNOWN`.

    `probabilities` has shape (rows, classes + 1), dtype float32. The last column is what a model gives to none of the
    candidate's classes: a champion's for classes that are gone, and all of it for a row that it would refuse.
    """

    positions: NDArray[np.int64]
    probabilities: NDArray[np.float32]


@dataclass(frozen=True)
class NumberAnswers:
    """Of a regression: shape (rows,), dtype float64."""

    values: NDArray[np.float64]


Answers = ClassAnswers | NumberAnswers


def ask(candidate: Predictor, rows: Rows) -> Answers:
    """The candidate's answers."""
    if candidate.schema.task == "regression":
        return NumberAnswers(np.asarray(candidate.values(rows), dtype=np.float64))
    positions, probabilities = candidate.answer_with_probabilities(rows)
    none = np.zeros((len(rows), 1), dtype=np.float32)
    return ClassAnswers(positions, _within_bounds(np.hstack([probabilities, none])))


def ask_champion(champion: Champion, split: Split) -> Answers:
    """What production answers today for the split's held-out rows.

    A row that it would refuse counts as answered by somebody who knows nothing: with no class, with probability 0 for
    every class, or with the mean of the labels that the candidate was fitted on.
    """
    translated = champion.translate(split.test_features)
    refused = champion.refuses(split.test_features)
    if split.schema.task == "regression":
        values = np.asarray(champion.predictor.values(translated), dtype=np.float64)
        values[refused] = split.train_labels.mean()
        return NumberAnswers(values)
    return _classes(champion, translated, refused, [str(name) for name in split.schema.classes])


def _classes(champion: Champion, rows: Rows, refused: NDArray[np.bool_], classes: list[str]) -> ClassAnswers:
    """Classes are the same where their names are."""
    ours = {name: position for position, name in enumerate(classes)}
    places = [ours.get(str(name), UNKNOWN) for name in champion.predictor.schema.classes]
    answered, shares = champion.predictor.answer_with_probabilities(rows)
    positions = np.array(places)[answered]
    probabilities = np.zeros((len(rows), len(classes) + 1), dtype=np.float32)
    for place, share in zip(places, shares.T, strict=True):
        # Several of the champion's classes may be none of ours: UNKNOWN is the last column, where they add up.
        probabilities[:, place] += share
    positions[refused] = UNKNOWN
    probabilities[refused] = 0
    probabilities[refused, UNKNOWN] = 1
    return ClassAnswers(positions, _within_bounds(probabilities))


def _within_bounds(probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
    """Added up from the trees' shares, a certain answer may come to a rounding more than 1."""
    return np.clip(probabilities, 0, 1)
