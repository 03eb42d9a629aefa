"""A BentoML service as its documentation has them: an array in, an array out, as JSON."""

import os

import bentoml
import joblib
import numpy as np


@bentoml.service(workers=1)
class Forest:
    """`POST /invocations` with `{"rows": [[...]]}`."""

    def __init__(self) -> None:
        self.model = joblib.load(os.environ["ESTIMATOR"])

    @bentoml.api(route="/invocations")
    def invocations(self, rows: np.ndarray) -> np.ndarray:
        return self.model.predict(rows.astype(np.float32))
