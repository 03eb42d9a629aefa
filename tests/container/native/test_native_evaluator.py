import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from container.native.evaluator import Evaluator
from container.native.packed import PackedTrees
from container.training.packing import narrow, pack_trees
from tests.container.fits import classification, fitted, regression
from tests.container.native.ensembles import Drawn, drawn, position, shares, sums


def evaluator(ensemble: Any) -> Evaluator:
    return Evaluator(PackedTrees.from_bytes(pack_trees(ensemble).to_bytes()), missing_allowed=True)


@pytest.mark.usefixtures("processor")
@given(drawn())
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
def test_answers_by_the_book_to_the_last_bit(case: Drawn) -> None:
    expected = np.stack([shares(case.ensemble, sums(case.ensemble, row)) for row in case.rows])
    asked = evaluator(case.ensemble)
    positions, given_shares = asked.positions_and_shares(case.rows)
    assert given_shares.tobytes() == expected.tobytes()
    assert positions.tolist() == [position(row) for row in expected]
    assert_array_equal(asked.positions(case.rows), positions)
    assert_array_equal(asked.shares(case.rows), expected)
    # Alone and in company a row is answered alike, though in other ways.
    assert [int(asked.positions(row[np.newaxis])[0]) for row in case.rows] == positions.tolist()
    assert_array_equal(np.concatenate([asked.shares(row[np.newaxis]) for row in case.rows]), expected)


@pytest.mark.parametrize("objective", ["multi:softprob", "binary:logistic"])
@pytest.mark.parametrize("missing", [0, 0.2])
def test_boosted_probabilities_are_xgboosts_own_bits(objective: str, missing: float) -> None:
    split = classification(classes=2 if "binary" in objective else 3, missing=missing)
    estimator, predictor = fitted(split, algorithm="xgboost", num_round=30, objective=objective)
    expected = estimator.probabilities(split.test_features).astype(np.float32)
    given = predictor.probabilities(split.test_features)
    assert_array_equal(
        given[:, 1:] if "binary" in objective else given, expected[:, 1:] if "binary" in objective else expected
    )


@pytest.mark.parametrize("objective", ["reg:squarederror", "count:poisson"])
def test_boosted_values_are_xgboosts_own_bits(objective: str) -> None:
    split = regression()
    estimator, predictor = fitted(split, algorithm="xgboost", num_round=30, objective=objective)
    expected = estimator.values(split.test_features).astype(np.float32)
    assert_array_equal(predictor.values(split.test_features), expected)


@given(st.floats(allow_nan=False), st.floats(width=32, allow_nan=False, allow_infinity=False))
@settings(max_examples=500)
def test_a_narrow_threshold_decides_as_the_wide_one(threshold: float, value: float) -> None:
    neighbours = {value, threshold}
    with np.errstate(over="ignore"):
        near = np.float32(threshold)
        neighbours |= {float(np.nextafter(near, np.float32(side))) for side in (-np.inf, np.inf)} | {float(near)}
    for row in neighbours:
        if not np.isfinite(row) or float(np.float32(np.clip(row, -3.4e38, 3.4e38))) != row:
            continue  # no row holds it
        for comparison, expected in (("<=", row <= threshold), ("<", row < threshold)):
            narrowed = narrow(np.array([threshold]), comparison)[0]  # type: ignore[arg-type]
            assert (np.float32(row) <= narrowed) == expected, (comparison, row, narrowed)


@pytest.mark.parametrize("rows", [1, 7, 8, 9, 511, 512, 513, 2_000])
def test_rows_in_any_layout_are_answered_alike(complete: Any, rows: int) -> None:
    table = np.tile(complete.rows, (20, 1))[:rows]
    expected = complete.forest.predict(table)
    answer = complete.predictor.answer
    assert_array_equal(answer(table), expected)
    assert_array_equal(answer(np.asfortranarray(table)), expected)
    assert_array_equal(answer(np.repeat(table, 2, axis=0)[::2]), expected)
    assert_array_equal(answer(table.astype(np.float64)), expected)
    assert_array_equal(answer(table.astype(">f4")), expected)


def test_threads_do_not_disturb_each_other(complete: Any) -> None:
    rows = np.tile(complete.rows, (10, 1))
    expected = complete.predictor.answer(rows).tolist()
    wrong: list[int] = []

    def ask() -> None:
        for number, row in enumerate(rows):
            if complete.predictor.answer(row[np.newaxis])[0] != expected[number]:
                wrong.append(number)
            if number % 100 == 0 and complete.predictor.answer(rows).tolist() != expected:
                wrong.append(number)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_model_too_wide_for_the_stack_answers_too() -> None:
    from container.training.ensemble import Ensemble
    from tests.container.native.ensembles import near_rows, random_tree

    random = np.random.default_rng(5)
    trees = tuple(random_tree(random, 3_000, 40, np.arange(50), wide=True) for _ in range(9))
    ensemble = Ensemble(trees, 3_000, 50, "<=", "shares", wide=True)
    rows = near_rows(random, ensemble, 20)
    expected = np.stack([shares(ensemble, sums(ensemble, row)) for row in rows])
    asked = evaluator(ensemble)
    assert_array_equal(asked.shares(rows), expected)
    assert_array_equal(np.concatenate([asked.positions(row[np.newaxis]) for row in rows]), asked.positions(rows))


def test_trees_as_deep_as_a_list_end() -> None:
    from container.training.ensemble import Ensemble, Tree

    depth = 5_000
    count = 2 * depth + 1
    left, right = np.full(count, -1), np.full(count, -1)
    left[np.arange(0, count - 1, 2)] = np.arange(1, count, 2)
    right[np.arange(0, count - 1, 2)] = np.arange(2, count, 2)
    tree = Tree(
        *(left, right, np.zeros(count, np.int64), np.arange(count) / 2.0, np.zeros(count, bool)),
        *(np.array([0]), np.arange(count, dtype=np.float64)[:, np.newaxis]),
    )
    ensemble = Ensemble((tree,), 1, 1, "<=", "value", wide=True)
    rows = np.array([[-1], [17], [2_500.5], [np.nan], [1e9]], dtype=np.float32)
    expected = [sums(ensemble, row)[0] for row in rows]
    assert evaluator(ensemble).shares(rows)[:, 0].tolist() == expected
