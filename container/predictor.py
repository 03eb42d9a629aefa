"""The exported model, ready to answer. The only place that knows ONNX Runtime."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

# Since 1.29 the official builds report models and requests to Microsoft. The library's Privacy.md: only this, set
# before it is loaded, keeps it from the uploader and from the identifier it stores.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from container.schema import SCHEMA_FILE, Schema, UnreadableSchema
from tables.kinds import Task

MODEL_FILE: Final = "model.onnx"
INPUT: Final = "features"
LABEL_OUTPUT: Final = "label"
PROBABILITIES_OUTPUT: Final = "probabilities"
VALUE_OUTPUT: Final = "value"
_OUTPUTS: Final[Mapping[Task, set[str]]] = {
    "classification": {LABEL_OUTPUT, PROBABILITIES_OUTPUT},
    "regression": {VALUE_OUTPUT},
}
Rows = NDArray[np.float32]
"""Shape (rows, features). NaN is a missing value."""


class UnreadableModel(ValueError):
    """The files are not a model that this program can serve."""


class Predictor:
    """Answers rows with classes, or, of a regression, with values.

    Of classes that are equally probable the first in `schema.classes` is the answer, on every machine: the graph takes
    the first whose probability is within 2**-22 of the highest.
    """

    def __init__(self, model: bytes, schema: Schema) -> None:
        """Raises: UnreadableModel."""
        self.schema = schema
        options = onnxruntime.SessionOptions()
        # A row takes 10 to 20 µs; handing it to threads, which then spin, more than doubles the CPU it costs.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3  # errors
        try:
            self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except Exception as fault:  # ONNX Runtime's faults share no class of their own
            raise UnreadableModel(f"{MODEL_FILE} cannot be loaded: {fault}") from fault
        (self._input,) = self._session.get_inputs()
        if self._input.shape[1:] != [schema.feature_count]:
            raise UnreadableModel(
                f"{MODEL_FILE} takes {self._input.shape[1:]} features, {SCHEMA_FILE} says {schema.feature_count}"
            )
        missing = _OUTPUTS[schema.task] - {output.name for output in self._session.get_outputs()}
        if missing:
            raise UnreadableModel(
                f"{MODEL_FILE} has no output {' or '.join(sorted(missing))}, {SCHEMA_FILE} says {schema.task}"
            )

    def answer(self, rows: Rows) -> NDArray[np.int64]:
        """Of a classifier: each row's class, as its position in `schema.classes`. Shape (rows,)."""
        (positions,) = self._session.run([LABEL_OUTPUT], {self._input.name: rows})
        return np.asarray(positions, dtype=np.int64)

    def probabilities(self, rows: Rows) -> NDArray[np.float32]:
        """Of a classifier: shape (rows, classes)."""
        (shares,) = self._session.run([PROBABILITIES_OUTPUT], {self._input.name: rows})
        return np.asarray(shares, dtype=np.float32)

    def answer_with_probabilities(self, rows: Rows) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Of a classifier: both of the above, in the time of one."""
        positions, shares = self._session.run([LABEL_OUTPUT, PROBABILITIES_OUTPUT], {self._input.name: rows})
        return np.asarray(positions, dtype=np.int64), np.asarray(shares, dtype=np.float32)

    def values(self, rows: Rows) -> NDArray[np.float32]:
        """Of a regression: shape (rows,), in the unit of the dataset's labels."""
        (values,) = self._session.run([VALUE_OUTPUT], {self._input.name: rows})
        return np.asarray(values, dtype=np.float32)


def load_predictor(folder: Path) -> Predictor:
    """The model in `folder`.

    Raises:
        UnreadableModel: a file is missing or is not what its name says.
    """
    try:
        schema = Schema.from_json((folder / SCHEMA_FILE).read_bytes())
        model = (folder / MODEL_FILE).read_bytes()
    except (OSError, UnreadableSchema) as fault:
        raise UnreadableModel(f"no model in {folder}: {fault}") from fault
    return Predictor(model, schema)
