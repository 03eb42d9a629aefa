"""The two functions that users of sagemaker-inference write; the toolkit reads and writes text/csv itself."""

import os

import joblib


def model_fn(model_dir):
    return joblib.load(os.environ["ESTIMATOR"])


def predict_fn(data, model):
    # One row comes as a vector.
    return model.predict(data.reshape(-1, model.n_features_in_).astype("float32"))
