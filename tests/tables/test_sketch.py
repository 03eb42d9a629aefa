import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tables.sketch import Sketch

# A cell holds every number to within one part in 128.
CELL = 1 / 128
FINITE = st.floats(allow_nan=False, allow_infinity=False, width=32)


def sketch_of(numbers: np.ndarray, blocks: int = 1) -> Sketch:
    sketch = Sketch()
    for block in np.array_split(np.asarray(numbers, dtype=np.float64), blocks):
        sketch.add(block)
    return sketch


def samples() -> dict[str, np.ndarray]:
    chance = np.random.default_rng(11)
    return {
        "normal": chance.normal(size=5_000),
        "negative": -chance.lognormal(3, 2, size=5_000),
        "whole numbers": chance.integers(-50, 50, size=5_000).astype(float),
        "mostly zero": np.where(chance.random(5_000) < 0.9, 0.0, chance.normal(size=5_000)),
        "huge and tiny": chance.choice([-3e38, -1e-30, 0.0, 1e-30, 3e38], size=5_000),
        "constant": np.full(5_000, -7.25),
    }


@pytest.mark.parametrize("name", samples())
def test_quantiles_are_those_of_the_numbers_to_within_a_cell(name: str) -> None:
    numbers = samples()[name]
    shares = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0]
    exact = np.quantile(numbers, shares, method="inverted_cdf")
    np.testing.assert_allclose(sketch_of(numbers).quantiles(shares), exact, rtol=CELL, atol=1e-37)


@pytest.mark.parametrize("name", samples())
def test_least_greatest_and_mean_are_exact(name: str) -> None:
    numbers = samples()[name]
    sketch = sketch_of(numbers, blocks=7)
    assert (sketch.count, sketch.minimum, sketch.maximum) == (5_000, numbers.min(), numbers.max())
    assert sketch.mean == pytest.approx(numbers.mean(), abs=abs(numbers).max() * 1e-12)


@given(st.lists(FINITE, min_size=1, max_size=200), st.integers(1, 9))
def test_blocks_add_up(numbers: list[float], blocks: int) -> None:
    whole, parts = sketch_of(np.array(numbers)), sketch_of(np.array(numbers), blocks)
    assert parts.distribution(50) == whole.distribution(50)
    assert parts.quantiles([0.1, 0.5, 0.9]) == whole.quantiles([0.1, 0.5, 0.9])


def test_numbers_that_wait_to_be_counted_are_counted() -> None:
    numbers = np.random.default_rng(1).normal(size=20_000)
    one_by_one = sketch_of(numbers, blocks=400)
    assert one_by_one.distribution(200) == sketch_of(numbers).distribution(200)
    one_by_one.add(numbers)
    assert one_by_one.distribution(200) == sketch_of(numbers).distribution(200)


@given(st.lists(FINITE, min_size=1, max_size=200), st.integers(1, 60))
def test_a_distribution_ascends_to_all_numbers_and_tells_their_shares(numbers: list[float], points: int) -> None:
    array = np.array(numbers)
    distribution = sketch_of(array).distribution(points)
    values, shares = map(np.array, zip(*distribution, strict=True))
    assert len(values) <= points + 4  # four more, close to the ends
    assert (np.diff(values) > 0).all()
    assert (np.diff(shares) > 0).all()
    assert shares[-1] == pytest.approx(1.0)
    assert values[-1] == array.max()
    # At the end of a cell the share is exact, whatever stands in the cell.
    np.testing.assert_allclose(shares, [(array <= value).mean() for value in values])


@given(st.lists(FINITE, min_size=1, max_size=100), st.lists(FINITE, min_size=1, max_size=20))
def test_shares_lie_between_those_of_neighbouring_cells(numbers: list[float], asked: list[float]) -> None:
    array, values = np.array(numbers), np.array(asked)
    shares = sketch_of(array).shares_at(values)
    below = [(array <= value - abs(value) * 2 * CELL - 1e-37).mean() for value in values]
    above = [(array <= value + abs(value) * 2 * CELL + 1e-37).mean() for value in values]
    assert (below <= shares + 1e-12).all()
    assert (shares <= np.array(above) + 1e-12).all()


def test_whole_numbers_up_to_256_keep_a_cell_each() -> None:
    numbers = np.arange(-256, 257, dtype=float)
    assert sketch_of(numbers).quantiles(np.arange(1, 514) / 513) == tuple(numbers)


def test_negative_zero_is_zero() -> None:
    assert sketch_of(np.array([-0.0, 0.0, 0.0, -0.0])).distribution(4) == ((0.0, 1.0),)


def test_subnormal_numbers_are_told_apart_from_others() -> None:
    sketch = sketch_of(np.array([-1e-40, 1e-40, 1.0]))
    assert sketch.quantiles([1.0]) == (1.0,)
    assert -1e-39 < sketch.quantiles([0.1])[0] <= 0.0 <= sketch.quantiles([0.5])[0] < 1e-39


def test_nothing_has_no_distribution() -> None:
    sketch = sketch_of(np.array([]))
    assert (sketch.count, sketch.mean, sketch.distribution(5), sketch.quantiles([0.5])) == (0, 0.0, (), ())
    assert sketch.shares_at(np.array([1.0])).tolist() == [0.0]


def test_memory_does_not_grow_with_the_numbers_but_with_how_many_differ() -> None:
    sketch = sketch_of(np.random.default_rng(2).integers(0, 50, size=100_000).astype(float), blocks=10)
    assert len(sketch._cells) == len(sketch._counts) == 50
    assert sketch._waiting_count < 10_000
