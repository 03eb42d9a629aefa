"""Held-out rows whose answers an endpoint must repeat, written as a client would send them."""

import csv
import io
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from container.predictor import Rows
from container.schema import Column, Schema
from container.training.evaluation.answers import Answers, ClassAnswers, NumberAnswers
from container.training.export import TIE
from contracts.reports import Example

EXAMPLES: Final = 20
# All of them travel in one request and in the report.
_CHARACTERS: Final = 500_000
# Adding up the trees' 32-bit numbers in another order, as another processor does, changes the last few digits. Where
# they cancel out the sum is small and the change is not: so it is measured by the answers' own spread, too.
_RELATIVE_TOLERANCE: Final = 1e-5


def record_examples(schema: Schema, rows: Rows, truth: NDArray[Any], answers: Answers) -> tuple[Example, ...]:
    """Up to `EXAMPLES` rows with the candidate's answers; at least one, even if it is long."""
    answerable = np.arange(len(rows))
    if not schema.missing_allowed:  # an empty field would be refused; here NaN is a category that is new
        answerable = np.flatnonzero(~np.isnan(rows).any(axis=1))
    if isinstance(answers, ClassAnswers):
        chosen = choose_rows(answerable, truth, answers)
        texts = [str(schema.classes[answers.positions[row]]) for row in chosen]
        recorded = [Example(format_row(rows[row], schema), text) for row, text in zip(chosen, texts, strict=True)]
    else:
        chosen = spread_rows(answerable, answers)
        spread = float(np.std(answers.values))
        recorded = [_number(format_row(rows[row], schema), float(answers.values[row]), spread) for row in chosen]
    lengths = np.cumsum([len(example.row) for example in recorded])
    return tuple(recorded[: max(1, int(np.searchsorted(lengths, _CHARACTERS, side="right")))])


def choose_rows(
    answerable: NDArray[np.int64], truth: NDArray[np.int64], answers: ClassAnswers, count: int = EXAMPLES
) -> list[int]:
    """In turn from every class; none that is tied, as another machine may answer it otherwise."""
    ranked = np.sort(answers.probabilities[answerable, :-1], axis=1)
    clear = answerable[ranked[:, -1] - ranked[:, -2] > TIE]
    by_class = [iter(clear[truth[clear] == position].tolist()) for position in np.unique(truth)]
    return [row for row, _ in zip(_in_turn(by_class), range(count), strict=False)]


def spread_rows(answerable: NDArray[np.int64], answers: NumberAnswers, count: int = EXAMPLES) -> list[int]:
    """From the smallest answer to the largest, in equal steps of their ranks."""
    ranked = answerable[np.argsort(answers.values[answerable], kind="stable")]
    places = np.unique(np.linspace(0, len(ranked) - 1, min(count, len(ranked))).round().astype(np.int64))
    return [int(row) for row in ranked[places]]


def format_row(row: Rows, schema: Schema) -> str:
    """One row (shape (features,)) as text/csv without a line end.

    Numbers are read back as the very same 32-bit numbers, booleans are true and false, categories their own text,
    missing values empty.
    """
    line = io.StringIO()
    fields = [_field(value, column) for value, column in zip(row, schema.columns, strict=True)]
    csv.writer(line).writerow(fields)  # with its own line end, or line ends in a field would stay without quotes
    return line.getvalue().removesuffix("\r\n")


def _field(value: np.float32, column: Column) -> str:
    if np.isnan(value):
        return ""
    if column.kind == "category":
        return column.categories[int(value)]
    if column.kind == "boolean":
        return "true" if value else "false"
    text = str(value)
    # Read by way of a 64-bit number, the shortest form may round to a neighbour.
    return text if np.float32(float(text)) == value else repr(float(value))


def _number(row: str, answer: float, spread: float) -> Example:
    return Example(row, repr(answer), tolerance=_RELATIVE_TOLERANCE * max(abs(answer), spread))


def _in_turn(sources: list[Iterator[int]]) -> Iterator[int]:
    ended = object()
    while sources:
        drawn = [(source, next(source, ended)) for source in sources]
        sources = [source for source, row in drawn if row is not ended]
        yield from (row for _, row in drawn if isinstance(row, int))
