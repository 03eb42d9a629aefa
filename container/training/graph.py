"""The exported graph, ready to answer: what other programs get of a model, and what the served trees are held against.

The only place that knows ONNX Runtime.
"""

import os
from collections.abc import Mapping
from typing import Final

# Since 1.29 the official builds report models and requests to Microsoft. The library's Privacy.md: only this, set
# before it is loaded, keeps it from the uploader and from the identifier it stores.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from container.predictor import Rows, UnreadableModel
from container.schema import SCHEMA_FILE, Schema
from tables.kinds import Task

GRAPH_FILE: Final = "model.onnx"
INPUT: Final = "features"
LABEL_OUTPUT: Final = "label"
PROBABILITIES_OUTPUT: Final = "probabilities"
VALUE_OUTPUT: Final = "value"
_OUTPUTS: Final[Mapping[Task, set[str]]] = {
    "classification": {LABEL_OUTPUT, PROBABILITIES_OUTPUT},
    "regression": {VALUE_OUTPUT},
}


class GraphPredictor:
    """Answers as `Predictor` does, with the graph."""

    def __init__(self, model: bytes, schema: Schema) -> None:
        """Raises: UnreadableModel."""
        self.schema = schema
        options = onnxruntime.SessionOptions()
        # Threads would add to what the estimator and its libraries already occupy.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3  # errors
        try:
            self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except Exception as fault:  # ONNX Runtime's faults share no class of their own
            raise UnreadableModel(f"{GRAPH_FILE} cannot be loaded: {fault}") from fault
        (self._input,) = self._session.get_inputs()
        if self._input.shape[1:] != [schema.feature_count]:
            raise UnreadableModel(
                f"{GRAPH_FILE} takes {self._input.shape[1:]} features, {SCHEMA_FILE} says {schema.feature_count}"
            )
        missing = _OUTPUTS[schema.task] - {output.name for output in self._session.get_outputs()}
        if missing:
            raise UnreadableModel(
                f"{GRAPH_FILE} has no output {' or '.join(sorted(missing))}, {SCHEMA_FILE} says {schema.task}"
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
