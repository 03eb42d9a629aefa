import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from container.predictor import MODEL_FILE, Predictor, UnreadableModel, load_predictor
from container.schema import SCHEMA_FILE, Schema, number_columns
from tests.container.fits import exported, fitted, regression
from tests.container.schemas import classifier

PROJECT = Path(__file__).parents[2]
SCHEMA = classifier(4, (0, 1, 2))


@pytest.fixture
def model(complete: Any) -> bytes:
    return exported(complete.forest)


@pytest.fixture
def folder(tmp_path: Path, model: bytes) -> Path:
    (tmp_path / MODEL_FILE).write_bytes(model)
    (tmp_path / SCHEMA_FILE).write_text(SCHEMA.to_json())
    return tmp_path


def test_loading_a_model_reports_nothing_to_anyone(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """ONNX Runtime's uploader keeps an identifier and a queue in the home folder."""
    home = tmp_path_factory.mktemp("home")
    program = f"from pathlib import Path; import container.predictor as p; p.load_predictor(Path({str(folder)!r}))"
    # The library also keeps quiet under CI, which would hide that it does not here.
    hidden = {"CI", "ORT_DISABLE_TELEMETRY", "ORT_RUNNING_UNIT_TESTS", "XDG_CACHE_HOME"}
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    subprocess.run([sys.executable, "-c", program], cwd=PROJECT, env={**environment, "HOME": str(home)}, check=True)
    assert list(home.iterdir()) == []


def test_answers_positions_of_classes_and_their_probabilities(folder: Path, complete: Any) -> None:
    predictor = load_predictor(folder)
    assert predictor.answer(complete.rows).tolist() == complete.forest.predict(complete.rows).tolist()
    expected = complete.forest.predict_proba(complete.rows)
    np.testing.assert_allclose(predictor.probabilities(complete.rows), expected, atol=1e-6)
    positions, probabilities = predictor.answer_with_probabilities(complete.rows)
    assert positions.tolist() == predictor.answer(complete.rows).tolist()
    np.testing.assert_array_equal(probabilities, predictor.probabilities(complete.rows))


@pytest.mark.parametrize("name", [MODEL_FILE, SCHEMA_FILE])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(UnreadableModel, match=name):
        load_predictor(folder)


@pytest.mark.parametrize("content", [b"", b"not a graph"])
def test_refuses_what_is_no_graph(folder: Path, content: bytes) -> None:
    (folder / MODEL_FILE).write_bytes(content)
    with pytest.raises(UnreadableModel):
        load_predictor(folder)


def test_refuses_half_a_graph(model: bytes) -> None:
    with pytest.raises(UnreadableModel, match="cannot be loaded"):
        Predictor(model[: len(model) // 2], SCHEMA)


def test_refuses_a_graph_that_contradicts_the_schema(model: bytes) -> None:
    schema = classifier(5, (0, 1, 2))
    with pytest.raises(UnreadableModel, match=r"takes .4. features, schema.json says 5"):
        Predictor(model, schema)


def test_answers_the_values_of_a_regression() -> None:
    split = regression()
    estimator, predictor = fitted(split, n_estimators=5)
    values = predictor.values(split.test_features)
    assert values.dtype == np.float32
    np.testing.assert_allclose(values, estimator.values(split.test_features), rtol=1e-6)


def test_refuses_a_graph_of_another_task(model: bytes) -> None:
    schema = regression().schema
    with pytest.raises(UnreadableModel, match=r"takes .4. features, schema.json says 10"):
        Predictor(model, schema)
    schema = Schema(number_columns(4), "regression", (), "number", missing_allowed=False)
    with pytest.raises(UnreadableModel, match=r"no output value, schema.json says regression"):
        Predictor(model, schema)
