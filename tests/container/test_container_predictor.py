from pathlib import Path
from typing import Any

import numpy as np
import pytest

from container.predictor import MODEL_FILE, Predictor, UnreadableModel, load_predictor
from container.schema import SCHEMA_FILE, Schema, number_columns
from tests.container.fits import exported, fitted, regression
from tests.container.schemas import classifier

SCHEMA = classifier(4, (0, 1, 2))


@pytest.fixture
def model(complete: Any) -> bytes:
    return exported(complete.forest)


@pytest.fixture
def folder(tmp_path: Path, model: bytes) -> Path:
    (tmp_path / MODEL_FILE).write_bytes(model)
    (tmp_path / SCHEMA_FILE).write_text(SCHEMA.to_json())
    return tmp_path


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


@pytest.mark.parametrize("content", [b"", b"not a model", b"not a model" * 100])
def test_refuses_what_is_no_model(folder: Path, content: bytes) -> None:
    (folder / MODEL_FILE).write_bytes(content)
    with pytest.raises(UnreadableModel, match=r"model.trees cannot be loaded"):
        load_predictor(folder)


def test_refuses_half_a_model(model: bytes) -> None:
    with pytest.raises(UnreadableModel, match=r"cannot be loaded: it has \d+ bytes, its header says \d+"):
        Predictor(model[: len(model) // 2], SCHEMA)


def test_refuses_a_model_that_contradicts_the_schema(model: bytes) -> None:
    with pytest.raises(UnreadableModel, match=r"takes 4 features, schema.json says 5"):
        Predictor(model, classifier(5, (0, 1, 2)))
    with pytest.raises(UnreadableModel, match=r"has 3 classes, schema.json has 2"):
        Predictor(model, classifier(4, (0, 1)))
    with pytest.raises(UnreadableModel, match=r"is of a classification, schema.json says regression"):
        Predictor(model, Schema(number_columns(4), "regression", (), "number", missing_allowed=False))


@pytest.mark.parametrize("rows", [np.zeros((2, 3), np.float32), np.zeros(4, np.float32)])
def test_refuses_rows_of_another_shape(complete: Any, rows: Any) -> None:
    for ask in (complete.predictor.answer, complete.predictor.probabilities):
        with pytest.raises(ValueError, match="the trees take 4 features"):
            ask(rows)


def test_no_rows_have_no_answers(complete: Any) -> None:
    positions, probabilities = complete.predictor.answer_with_probabilities(np.zeros((0, 4), np.float32))
    assert (positions.shape, probabilities.shape) == ((0,), (0, 3))


def test_answers_the_values_of_a_regression() -> None:
    split = regression()
    estimator, predictor = fitted(split, n_estimators=5)
    values = predictor.values(split.test_features)
    assert values.dtype == np.float32
    np.testing.assert_allclose(values, estimator.values(split.test_features), rtol=1e-6)
