"""The model's container: trains a classifier and serves it, over SageMaker's `/opt/ml` layout."""
