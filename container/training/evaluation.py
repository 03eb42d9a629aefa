"""Judges candidate and champion on the same held-out rows."""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from container.predictor import Predictor, Rows
from container.training.export import TIE
from container.training.split import Positions, Split
from contracts.reports import Evaluation, Example, GateCheck, Scores
from contracts.settings import GateSettings

EXAMPLES: Final = 20
UNKNOWN: Final = -1
"""In place of a class's position: an answer that is none of the classes, or a refused row."""
# Scores are fractions of rows: two that are meant to be equal differ by rounding only.
_ROUNDING: Final = 1e-9


def score(truth: Positions, answers: Positions, class_count: int) -> Scores:
    """Scores of `answers`, where `UNKNOWN` is always wrong.

    F1 is averaged over the classes that the rows hold. Micro F1 counts answers, so it equals the accuracy when no
    answer is unknown.
    """
    right = np.bincount(truth[truth == answers], minlength=class_count)
    held = np.bincount(truth, minlength=class_count)
    answered = np.bincount(answers[answers != UNKNOWN], minlength=class_count)
    present = held > 0
    return Scores(
        accuracy=float(right.sum() / len(truth)),
        f1_macro=float(np.mean(2 * right[present] / (held + answered)[present])),
        f1_micro=float(2 * right.sum() / (held.sum() + answered.sum())),
    )


def confusion_matrix(truth: Positions, answers: Positions, class_count: int) -> NDArray[np.int64]:
    """`[i][j]` counts rows of class i that were answered with class j."""
    counts = np.bincount(truth * class_count + answers, minlength=class_count**2)
    return counts.reshape(class_count, class_count)


def champion_answers(champion: Predictor, rows: Rows, classes: tuple[int, ...] | tuple[str, ...]) -> Positions:
    """What production answers today, as positions in `classes`; `UNKNOWN` where it would refuse the row."""
    positions = {str(name): position for position, name in enumerate(classes)}
    translated = np.array([positions.get(str(name), UNKNOWN) for name in champion.schema.classes])
    answers = translated[champion.answer(rows)]
    if not champion.schema.missing_allowed:
        answers[np.isnan(rows).any(axis=1)] = UNKNOWN
    return answers


def check_gate(candidate: Scores, champion: Scores | None, settings: GateSettings) -> tuple[GateCheck, ...]:
    """Every rule of the gate that applies; the champion's rule applies when there is one."""
    checks = [
        _at_least("minimum_accuracy", candidate.accuracy, settings.minimum_accuracy),
        _at_least("minimum_f1_macro", candidate.f1_macro, settings.minimum_f1_macro),
    ]
    if champion and settings.champion == "better":
        better = candidate.accuracy > champion.accuracy + _ROUNDING
        checks.append(GateCheck("better_than_champion", candidate.accuracy, champion.accuracy, better))
    elif champion and settings.champion == "not-worse":
        checks.append(_at_least("not_worse_than_champion", candidate.accuracy, champion.accuracy - settings.margin))
    return tuple(checks)


def _at_least(rule: str, value: float, threshold: float) -> GateCheck:
    return GateCheck(rule, value, threshold, passed=value >= threshold - _ROUNDING)


def evaluate(split: Split, candidate: Predictor, champion: Predictor | None, settings: GateSettings) -> Evaluation:
    """Candidate and champion are asked as they serve: through their exported graphs."""
    classes, truth, rows = split.schema.classes, split.test_labels, split.test_features
    answers = candidate.answer(rows)
    candidate_scores = score(truth, answers, len(classes))
    champion_scores = None
    if champion is not None:
        champion_scores = score(truth, champion_answers(champion, rows, classes), len(classes))
    return Evaluation(
        classes=tuple(str(name) for name in classes),
        train_rows=len(split.train_labels),
        test_rows=len(truth),
        candidate=candidate_scores,
        champion=champion_scores,
        confusion_matrix=tuple(map(tuple, confusion_matrix(truth, answers, len(classes)).tolist())),
        gate=check_gate(candidate_scores, champion_scores, settings),
        examples=tuple(
            Example(format_row(rows[row]), str(classes[answers[row]]))
            for row in choose_examples(truth, candidate.probabilities(rows))
        ),
    )


def choose_examples(truth: Positions, probabilities: NDArray[np.float32], count: int = EXAMPLES) -> list[int]:
    """Up to `count` rows, in turn from every class; none that is tied, as another machine may answer it otherwise."""
    ranked = np.sort(probabilities, axis=1)
    clear = np.flatnonzero(ranked[:, -1] - ranked[:, -2] > TIE)
    by_class = [iter(clear[truth[clear] == position].tolist()) for position in np.unique(truth)]
    return [row for row, _ in zip(_in_turn(by_class), range(count), strict=False)]


def _in_turn(sources: list[Iterator[int]]) -> Iterator[int]:
    ended = object()
    while sources:
        drawn = [(source, next(source, ended)) for source in sources]
        sources = [source for source, row in drawn if row is not ended]
        yield from (row for _, row in drawn if isinstance(row, int))


def format_row(row: Rows) -> str:
    """One row (shape (features,)) as text/csv that is read back as the very same 32-bit numbers."""
    # A line must not be empty, so a single missing value is spelt out.
    return ",".join(_format_value(value) for value in row) or "nan"


def _format_value(value: np.float32) -> str:
    if np.isnan(value):
        return ""
    text = str(value)
    # Read by way of a 64-bit number, the shortest form may round to a neighbour.
    return text if np.float32(float(text)) == value else repr(float(value))
