"""`serve`: SageMaker's HTTP contract. Imports nothing of training, no scikit-learn and no pickle."""
