import numpy as np

from container.training.memory import set_aside


def test_rows_that_are_set_aside_stay_the_same() -> None:
    rows = np.random.default_rng(1).normal(size=(300_000, 20)).astype(np.float32)
    rows[3, 4] = np.nan
    aside = set_aside(rows)
    assert aside.base is not None
    assert type(aside) is np.ndarray
    np.testing.assert_array_equal(aside, rows)
    aside[0, 0] = 7  # whoever writes into them does so for itself
    assert aside[0, 0] == 7


def test_few_rows_stay_where_they_are() -> None:
    rows = np.zeros((10, 2), dtype=np.float32)
    assert set_aside(rows) is rows
