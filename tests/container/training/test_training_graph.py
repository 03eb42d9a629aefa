import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from container.predictor import UnreadableModel
from container.schema import Schema, number_columns
from container.training.export import export_ensemble
from container.training.forest import FittedForest
from container.training.graph import GRAPH_FILE, GraphPredictor
from tests.container.fits import fitted, graph, regression
from tests.container.schemas import classifier

PROJECT = Path(__file__).parents[3]
SCHEMA = classifier(4, (0, 1, 2))


@pytest.fixture(scope="module")
def model(complete: Any) -> bytes:
    return export_ensemble(FittedForest(complete.forest).ensemble())


def test_loading_a_graph_reports_nothing_to_anyone(model: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    """ONNX Runtime's uploader keeps an identifier and a queue in the home folder."""
    home, folder = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("model")
    (folder / GRAPH_FILE).write_bytes(model)
    (folder / "schema.json").write_text(SCHEMA.to_json())
    program = f"""
from pathlib import Path
from container.schema import Schema
from container.training.graph import GraphPredictor
folder = Path({str(folder)!r})
GraphPredictor((folder / "model.onnx").read_bytes(), Schema.from_json((folder / "schema.json").read_bytes()))
"""
    # The library also keeps quiet under CI, which would hide that it does not here.
    hidden = {"CI", "ORT_DISABLE_TELEMETRY", "ORT_RUNNING_UNIT_TESTS", "XDG_CACHE_HOME"}
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    subprocess.run([sys.executable, "-c", program], cwd=PROJECT, env={**environment, "HOME": str(home)}, check=True)
    assert list(home.iterdir()) == []


def test_answers_as_what_is_served_does(model: bytes, complete: Any) -> None:
    predictor = GraphPredictor(model, SCHEMA)
    positions, probabilities = predictor.answer_with_probabilities(complete.rows)
    assert positions.tolist() == predictor.answer(complete.rows).tolist()
    assert positions.tolist() == complete.predictor.answer(complete.rows).tolist()
    np.testing.assert_array_equal(probabilities, predictor.probabilities(complete.rows))
    np.testing.assert_allclose(probabilities, complete.predictor.probabilities(complete.rows), atol=1e-7)
    split = regression()
    estimator, served = fitted(split, n_estimators=5)
    values = graph(estimator.ensemble(), split.schema).values(split.test_features)
    np.testing.assert_allclose(values, served.values(split.test_features), rtol=1e-6)


@pytest.mark.parametrize("damage", [lambda _: b"", lambda _: b"not a graph", lambda model: model[: len(model) // 2]])
def test_refuses_what_is_no_graph(model: bytes, damage: Any) -> None:
    with pytest.raises(UnreadableModel, match="cannot be loaded"):
        GraphPredictor(damage(model), SCHEMA)


def test_refuses_a_graph_that_contradicts_the_schema(model: bytes) -> None:
    with pytest.raises(UnreadableModel, match=r"takes .4. features, schema.json says 5"):
        GraphPredictor(model, classifier(5, (0, 1, 2)))
    schema = Schema(number_columns(4), "regression", (), "number", missing_allowed=False)
    with pytest.raises(UnreadableModel, match=r"no output value, schema.json says regression"):
        GraphPredictor(model, schema)
