"""inference-server with the four functions that its users write."""

import os

import inference_server
import joblib
import numpy as np
from inference_server._plugin import manager


class Forest:
    """Registered as an installed plugin would be."""

    @staticmethod
    @inference_server.plugin_hook
    def model_fn(model_dir):
        return joblib.load(os.environ["ESTIMATOR"])

    @staticmethod
    @inference_server.plugin_hook
    def input_fn(input_data, content_type):
        return np.array([line.split(",") for line in input_data.decode().splitlines()], dtype=np.float32)

    @staticmethod
    @inference_server.plugin_hook
    def predict_fn(data, model):
        return model.predict(data)

    @staticmethod
    @inference_server.plugin_hook
    def output_fn(prediction, accept):
        return "\n".join(map(str, prediction)).encode(), "text/csv"


manager().register(Forest)
app = inference_server.create_app()
inference_server.warmup()
