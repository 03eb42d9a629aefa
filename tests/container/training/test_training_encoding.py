import numpy as np
import pytest

from container.schema import Column
from container.training.encoding import fit_encoding
from container.training.faults import UnusableDataset


def test_words_of_truth_are_one_and_zero() -> None:
    numbers = np.array([0, 1, 2, np.nan], dtype=np.float32)
    encoding = fit_encoding("ok", ("Yes", "no", "YES"), numbers, np.zeros(4))
    encoding.apply(numbers)
    assert encoding.column == Column("ok", "boolean")
    np.testing.assert_array_equal(numbers, [1, 0, 1, np.nan])


def test_categories_are_ordered_by_what_their_rows_are_labelled() -> None:
    numbers = np.array([0, 0, 0, 1, 1, 1, 2, 2, 2], dtype=np.float32)
    targets = np.array([2, 2, 1, 0, 0, 0, 1, 1, 0], dtype=np.float64)
    encoding = fit_encoding(None, ("high", "low", "middle"), numbers, targets)
    assert encoding.column == Column(None, "category", ("low", "middle", "high"))
    encoding.apply(numbers)
    assert numbers.tolist() == [2, 2, 2, 0, 0, 0, 1, 1, 1]


def test_a_rare_category_is_like_a_missing_value() -> None:
    numbers = np.array([0, 0, 0, 1, 1, 2], dtype=np.float32)
    encoding = fit_encoding(None, ("often", "rare", "once"), numbers, np.arange(6.0))
    assert encoding.column.categories == ("often",)
    encoding.apply(numbers)
    np.testing.assert_array_equal(numbers, [0, 0, 0, np.nan, np.nan, np.nan])


def test_the_order_does_not_depend_on_the_order_of_the_rows() -> None:
    chance = np.random.default_rng(5)
    texts = tuple("abcdefgh")
    numbers = chance.integers(0, 8, 200).astype(np.float32)
    targets = np.round(chance.random(200), 1)
    shuffled = chance.permutation(8)
    renamed = np.argsort(shuffled)[numbers.astype(int)].astype(np.float32)
    first = fit_encoding(None, texts, numbers, targets)
    second = fit_encoding(None, tuple(texts[i] for i in shuffled), renamed, targets)
    assert first.column == second.column


def test_a_column_of_identifiers_is_refused_with_what_to_do() -> None:
    with pytest.raises(UnusableDataset, match="column 'id' has another text in nearly every row.*`ignore`"):
        fit_encoding("id", ("a", "b"), np.array([0, 1], dtype=np.float32), np.zeros(2))
