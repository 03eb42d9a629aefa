"""What users of sagemaker-inference write; the toolkit writes text/csv itself.

It would read text/csv too, but makes a record instead of a row of one that has integers and fractions.
"""

import os

import joblib
import numpy as np


def model_fn(model_dir):
    return joblib.load(os.environ["ESTIMATOR"])


def input_fn(body, content_type):
    return np.array([line.split(",") for line in body.splitlines()], dtype=np.float32)


def predict_fn(data, model):
    return model.predict(data)
