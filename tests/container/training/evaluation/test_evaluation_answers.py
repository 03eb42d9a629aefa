from typing import Any

import numpy as np
import pytest

from container.schema import Column, Schema
from container.training.champion import match_columns
from container.training.evaluation.answers import UNKNOWN, ask, ask_champion
from container.training.split import Split
from tests.container.schemas import classifier
from tests.container.training.evaluation.answered import LinearPredictor, regression_schema, regression_split


def split_of(fitted: Any, schema: Schema, rows: Any = None) -> Split:
    rows = fitted.rows if rows is None else rows
    truth = np.repeat(np.arange(3), 50)
    return Split(schema, rows, truth, rows, truth)


def test_a_candidate_answers_with_its_exported_graph(complete: Any) -> None:
    answers = ask(complete.predictor, complete.rows)
    assert answers.positions.tolist() == complete.predictor.answer(complete.rows).tolist()
    assert answers.probabilities.shape == (150, 4)
    np.testing.assert_allclose(answers.probabilities[:, :3], complete.forest.predict_proba(complete.rows), atol=1e-6)
    assert not answers.probabilities[:, 3].any()
    assert answers.probabilities.max() <= 1


def test_a_champion_is_right_where_its_class_has_the_same_name(complete: Any) -> None:
    own = ask(complete.predictor, complete.rows)
    for classes in (("2", "1", "0"), (2, 1, 0)):
        schema = classifier(4, classes)
        turned = ask_champion(match_columns(complete.predictor, schema), split_of(complete, schema))
        assert (turned.positions == 2 - own.positions).all()
        np.testing.assert_array_equal(turned.probabilities[:, :3], own.probabilities[:, 2::-1])


def test_a_champions_class_that_is_gone_is_none_of_ours(complete: Any) -> None:
    own = ask(complete.predictor, complete.rows)
    schema = classifier(4, ("0", "other", "new"))
    answers = ask_champion(match_columns(complete.predictor, schema), split_of(complete, schema))
    assert (answers.positions == np.where(own.positions == 0, 0, UNKNOWN)).all()
    np.testing.assert_array_equal(answers.probabilities[:, 0], own.probabilities[:, 0])
    np.testing.assert_allclose(answers.probabilities[:, 3], own.probabilities[:, 1:3].sum(axis=1), atol=1e-6)
    assert not answers.probabilities[:, 1:3].any()


def test_a_champion_knows_nothing_about_rows_that_it_would_refuse(complete: Any) -> None:
    rows = complete.rows.copy()
    rows[::2, 1] = np.nan
    schema = classifier(4, (0, 1, 2), missing_allowed=True)
    answers = ask_champion(match_columns(complete.predictor, schema), split_of(complete, schema, rows))
    assert (answers.positions[::2] == UNKNOWN).all()
    assert (answers.probabilities[::2] == [0, 0, 0, 1]).all()
    assert (answers.positions[1::2] != UNKNOWN).all()


def test_a_category_that_is_new_is_not_refused(complete: Any) -> None:
    """The candidate's rows have no missing values: NaN can only stand for a category that it has not seen."""
    rows = complete.rows.copy()
    rows[::2, 1] = np.nan
    schema = classifier(4, (0, 1, 2), missing_allowed=False)
    answers = ask_champion(match_columns(complete.predictor, schema), split_of(complete, schema, rows))
    assert (answers.positions != UNKNOWN).all()


def test_a_regressions_champion_answers_refused_rows_with_the_mean() -> None:
    split = regression_split()
    split.test_features[:10, 0] = np.nan
    strict = LinearPredictor([2.0, 0.0], regression_schema(missing_allowed=False))
    answers = ask_champion(match_columns(strict, split.schema), split)
    assert (answers.values[:10] == split.train_labels.mean()).all()
    np.testing.assert_allclose(answers.values[10:], 2 * split.test_features[10:, 0], rtol=1e-6)
    assert ask(strict, split.test_features).values.dtype == np.float64


@pytest.mark.parametrize("order", [("colour", "size", "new"), ("new", "size", "colour")])
def test_a_champion_finds_its_columns_by_name_and_its_categories_by_text(order: tuple[str, ...]) -> None:
    kinds = {"colour": ("category", ("blue", "green", "red")), "size": ("number", ()), "new": ("boolean", ())}
    ours = regression_schema(columns=tuple(Column(name, *kinds[name]) for name in order))
    theirs = (Column("size", "number"), Column("colour", "category", ("red", "yellow", "blue")))
    champion = match_columns(LinearPredictor([1.0, 1.0], regression_schema(columns=theirs)), ours)
    cells = {"colour": [0, 1, 2, np.nan], "size": [5, 6, 7, 8], "new": [0, 1, 0, 1]}
    rows = np.column_stack([cells[name] for name in order]).astype(np.float32)
    before = rows.copy()
    np.testing.assert_array_equal(champion.translate(rows), [[5, 2], [6, np.nan], [7, 0], [8, np.nan]])
    np.testing.assert_array_equal(rows, before)


def test_a_boolean_takes_no_other_number() -> None:
    ours = regression_schema(columns=(Column("a", "number"),))
    theirs = regression_schema(columns=(Column("a", "boolean"),))
    champion = match_columns(LinearPredictor([1.0], theirs), ours)
    rows = np.array([[0], [1], [0.5], [np.nan]], dtype=np.float32)
    assert champion.refuses(rows).tolist() == [False, False, True, False]
