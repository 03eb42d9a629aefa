"""What most containers that people bring do with a request: flask, numpy, scikit-learn's predict."""

import os

import joblib
import numpy as np
from flask import Flask, Response, request

MODEL = joblib.load(os.environ["ESTIMATOR"])
app = Flask(__name__)


@app.post("/invocations")
def invocations() -> Response:
    rows = np.array([line.split(",") for line in request.get_data(as_text=True).splitlines()], dtype=np.float32)
    return Response("\n".join(map(str, MODEL.predict(rows))), mimetype="text/csv")
