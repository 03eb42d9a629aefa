from typing import Any

import numpy as np
import onnx
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier

from container.predictor import Predictor
from container.training.export import TIE, compare, export_forest
from container.training.faults import ExportDiffers
from tests.container.schemas import classifier

TWO_CLASSES = classifier(30, missing_allowed=True)


def test_rows_with_missing_values_are_answered_alike() -> None:
    """skl2onnx alone gives other classes for one row in seven of these."""
    data = load_breast_cancer()
    rows = data.data.astype(np.float32)
    rows[np.random.default_rng(3).random(rows.shape) < 0.2] = np.nan
    forest = RandomForestClassifier(n_estimators=30, max_depth=8, random_state=3).fit(rows, data.target)
    predictor = Predictor(export_forest(forest), TWO_CLASSES)
    assert compare(forest, predictor, rows).rows == len(rows)
    np.testing.assert_allclose(predictor.probabilities(rows), forest.predict_proba(rows), atol=1e-6)


def test_missing_values_that_fitting_did_not_see_are_answered_alike(complete: Any) -> None:
    rows = complete.rows.copy()
    rows[np.random.default_rng(3).random(rows.shape) < 0.3] = np.nan
    assert compare(complete.forest, complete.predictor, rows).rows == len(rows)


def test_rows_at_the_thresholds_are_answered_alike(sparse: Any) -> None:
    """On either side of a threshold, a 32-bit float apart; an infinite one gives missing values their own side."""
    nodes = np.concatenate([tree.tree_.threshold[tree.tree_.feature >= 0] for tree in sparse.forest.estimators_])
    assert np.isinf(nodes).any()
    near = nodes[np.isfinite(nodes)].astype(np.float32)
    sides = [np.nextafter(near, np.float32(limit)) for limit in (-np.inf, np.inf)]
    extremes = np.array([np.nan, 0, -0.0, 1e-45, np.finfo(np.float32).max], np.float32)
    values = np.concatenate([near, *sides, np.repeat(extremes, len(near) // 4)])
    rows = np.random.default_rng(5).choice(values, (50_000, 4))
    assert compare(sparse.forest, sparse.predictor, rows).rows == len(rows)


def test_an_export_that_differs_is_refused(complete: Any) -> None:
    model = onnx.load_from_string(export_forest(complete.forest))
    (values,) = [item for item in model.graph.node[0].attribute if item.name == "nodes_values"]
    values.floats[0] += 1
    damaged = Predictor(model.SerializeToString(), complete.predictor.schema)
    with pytest.raises(ExportDiffers, match=r"answers \d+ of 150 rows differently from the estimator, first row \d+"):
        compare(complete.forest, damaged, complete.rows)


def test_ties_are_counted_and_either_answer_is_right() -> None:
    """Two trees that never agree: every row is a tie."""
    rows = np.array([[0.0], [0.0], [1.0], [1.0]], dtype=np.float32)
    forest = RandomForestClassifier(n_estimators=2, bootstrap=False, random_state=0).fit(rows, [0, 1, 0, 1])
    predictor = Predictor(export_forest(forest), classifier(1))
    assert compare(forest, predictor, rows).ties == len(rows)


def test_the_tolerance_is_above_the_rounding_of_the_graph(sparse: Any) -> None:
    difference = np.abs(sparse.predictor.probabilities(sparse.rows) - sparse.forest.predict_proba(sparse.rows))
    assert 2 * difference.max() < TIE


def test_the_same_forest_gives_the_same_bytes(complete: Any) -> None:
    assert export_forest(complete.forest) == export_forest(complete.forest)


def test_the_graph_is_valid_onnx(complete: Any) -> None:
    onnx.checker.check_model(onnx.load_from_string(export_forest(complete.forest)), full_check=True)
