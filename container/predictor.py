"""The released model, ready to answer."""

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from container.native.evaluator import Evaluator
from container.native.evaluator import Rows as Rows  # noqa: PLC0414 - told further: what a predictor is asked
from container.native.packed import PackedTrees, UnreadableTrees
from container.native.plain_csv import admits_plain_csv
from container.schema import SCHEMA_FILE, Schema, UnreadableSchema
from tables.kinds import Task

Positions = NDArray[np.int64] | tuple[int]
"""Shape (rows,): places in the schema's classes. Of a single row without an array, which takes longer than the row."""
MODEL_FILE: Final = "model.trees"
_TASKS: Final[dict[str, Task]] = {
    "shares": "classification",
    "softmax": "classification",
    "logistic": "classification",
    "value": "regression",
    "exponential": "regression",
}


class UnreadableModel(ValueError):
    """The files are not a model that this program can serve."""


class Predictor:
    """Answers rows with classes, or, of a regression, with values. Any number of threads may ask.

    Of classes that are equally probable the first in `schema.classes` is the answer, on every machine: it is the first
    whose 32-bit probability is within 2**-22 of the highest.
    """

    def __init__(self, model: bytes, schema: Schema) -> None:
        """Raises: UnreadableModel, LibraryMissing."""
        self.schema = schema
        try:
            trees = PackedTrees.from_bytes(model)
        except UnreadableTrees as fault:
            raise UnreadableModel(f"{MODEL_FILE} cannot be loaded: {fault}") from fault
        _check_fits(trees, schema)
        self._evaluator = Evaluator(trees, missing_allowed=schema.missing_allowed)
        if self._evaluator.share_count != max(len(schema.classes), 1):
            raise UnreadableModel(
                f"{MODEL_FILE} has {self._evaluator.share_count} classes, {SCHEMA_FILE} has {len(schema.classes)}"
            )
        self._plain = admits_plain_csv(schema)

    def answer(self, rows: Rows) -> NDArray[np.int64]:
        """Of a classifier: each row's class, as its position in `schema.classes`. Shape (rows,)."""
        return self._evaluator.positions(rows)

    def probabilities(self, rows: Rows) -> NDArray[np.float32]:
        """Of a classifier: shape (rows, classes)."""
        return self._evaluator.shares(rows)

    def answer_with_probabilities(self, rows: Rows) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Of a classifier: both of the above, in the time of one."""
        return self._evaluator.positions_and_shares(rows)

    def values(self, rows: Rows) -> NDArray[np.float32]:
        """Of a regression: shape (rows,), in the unit of the dataset's labels."""
        return self._evaluator.shares(rows)[:, 0]

    def answer_csv(self, body: bytes) -> Positions | None:
        """Of a classifier: what `answer` says of the rows in a text that is plain, see `parse_csv`.

        None when it is not, or when the schema asks for more than reading numbers: then `container.serving.rows` reads
        it, or says what is wrong with it. What is answered here it would read, and as the same rows.
        """
        if not self._plain:
            return None
        position = self._evaluator.position_of_text(body)
        return (position,) if position >= 0 else self._evaluator.positions_of_text(body)

    def values_csv(self, body: bytes) -> NDArray[np.float32] | None:
        """Of a regression: the same with `values`."""
        if not self._plain:
            return None
        value = self._evaluator.value_of_text(body)
        return np.array([value], dtype=np.float32) if np.isfinite(value) else self._evaluator.values_of_text(body)


def load_predictor(folder: Path) -> Predictor:
    """The model in `folder`.

    Raises:
        UnreadableModel: a file is missing or is not what its name says.
        LibraryMissing: the program is not whole.
    """
    try:
        schema = Schema.from_json((folder / SCHEMA_FILE).read_bytes())
        model = (folder / MODEL_FILE).read_bytes()
    except (OSError, UnreadableSchema) as fault:
        raise UnreadableModel(f"no model in {folder}: {fault}") from fault
    return Predictor(model, schema)


def _check_fits(trees: PackedTrees, schema: Schema) -> None:
    if trees.feature_count != schema.feature_count:
        raise UnreadableModel(
            f"{MODEL_FILE} takes {trees.feature_count} features, {SCHEMA_FILE} says {schema.feature_count}"
        )
    if _TASKS[trees.link] != schema.task:
        raise UnreadableModel(f"{MODEL_FILE} is of a {_TASKS[trees.link]}, {SCHEMA_FILE} says {schema.task}")
