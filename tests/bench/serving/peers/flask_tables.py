"""The same for bodies of many rows, which people read with pandas."""

import io
import os

import joblib
import pandas as pd
from flask import Flask, Response, request

MODEL = joblib.load(os.environ["ESTIMATOR"])
app = Flask(__name__)


@app.post("/invocations")
def invocations() -> Response:
    rows = pd.read_csv(io.BytesIO(request.get_data()), header=None, dtype="float32").to_numpy()
    return Response("\n".join(map(str, MODEL.predict(rows))), mimetype="text/csv")
