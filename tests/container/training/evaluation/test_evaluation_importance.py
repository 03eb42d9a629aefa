from typing import Any

import numpy as np

from container.schema import Column
from container.training.evaluation.importance import feature_importance
from tests.container.training.evaluation.answered import LinearPredictor, regression_schema, regression_split


def test_what_the_label_depends_on_is_important_and_noise_is_not() -> None:
    split = regression_split()
    first, second = feature_importance(LinearPredictor([2.0, 0.0]), split.test_features, split.test_labels)
    assert (first.feature, second.feature) == ("feature 1", "feature 2")
    assert first.loss > 1
    assert (second.loss, second.deviation) == (0, 0)


def test_features_have_their_names(sparse: Any) -> None:
    truth = np.repeat(np.arange(3), 50)
    found = feature_importance(sparse.predictor, sparse.rows, truth)
    assert {each.feature for each in found[:2]} == {"petal length", "petal width"}
    assert found == feature_importance(sparse.predictor, sparse.rows, truth)


def test_only_the_first_hundred_are_kept() -> None:
    schema = regression_schema(columns=tuple(Column(f"column {place}", "number") for place in range(150)))
    rows = np.random.default_rng(1).normal(size=(60, 150)).astype(np.float32)
    found = feature_importance(LinearPredictor(np.arange(150.0), schema), rows, rows @ np.arange(150.0))
    assert len(found) == 100
    assert found[0].loss == max(each.loss for each in found)
