"""How a column of texts becomes numbers: true and false, or categories in an order that trees can split."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from container.schema import Column
from container.training.faults import UnusableDataset
from tables.cells import FALSE, TRUE
from tables.kinds import LEAST_ROWS_OF_A_CATEGORY

_MOST_CATEGORIES: Final = 1_000


@dataclass(frozen=True)
class Encoding:
    """The column as the schema tells it, and for each number of its texts what the model is given."""

    column: Column
    values: NDArray[np.float32]

    def apply(self, numbers: NDArray[np.float32]) -> None:
        """Replace the texts' numbers in place; NaN stays."""
        present = ~np.isnan(numbers)
        numbers[present] = self.values[numbers[present].astype(np.int64)]


def fit_encoding(
    name: str | None, texts: Sequence[str], numbers: NDArray[np.float32], targets: NDArray[np.float64]
) -> Encoding:
    """From the training rows: the texts' numbers, and of each row its label as a number (a class's position).

    Categories are ordered by the mean of their rows' targets: with two classes, and in a regression, one threshold
    then finds the best division of the categories in two (Breiman et al., Classification and Regression Trees, 4.2.2).

    Raises:
        UnusableDataset: no text is frequent enough.
    """
    if {text.lower() for text in texts} <= TRUE | FALSE:
        values = np.array([text.lower() in TRUE for text in texts], dtype=np.float32)
        return Encoding(Column(name, "boolean"), values)
    present = ~np.isnan(numbers)
    ids = numbers[present].astype(np.int64)
    rows = np.bincount(ids, minlength=len(texts))
    means = np.bincount(ids, weights=targets[present], minlength=len(texts)) / np.maximum(rows, 1)
    frequent = np.flatnonzero(rows >= LEAST_ROWS_OF_A_CATEGORY).tolist()
    frequent.sort(key=lambda i: (-rows[i], texts[i]))
    kept = sorted(frequent[:_MOST_CATEGORIES], key=lambda i: (means[i], texts[i]))
    if not kept:
        raise UnusableDataset(
            f"column {name!r} has another text in nearly every row, so nothing can be learnt from it; "
            "name it under `ignore` in the model's [data] settings"
        )
    values = np.full(len(texts), np.nan, dtype=np.float32)
    values[kept] = np.arange(len(kept), dtype=np.float32)
    return Encoding(Column(name, "category", tuple(texts[i] for i in kept)), values)
