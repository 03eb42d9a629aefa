import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tables.repeats import RowHashes

ROWS = st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["a", "b", None])), max_size=60)


def hashes_of(rows: list[tuple[object, ...]], limit: int = 1_000, blocks: int = 1) -> RowHashes:
    hashes = RowHashes(limit)
    for block in np.array_split(np.arange(len(rows)), blocks):
        hashes.add(pl.DataFrame([rows[i] for i in block], schema={"x": pl.Float64, "y": pl.String}, orient="row"))
    return hashes


@given(ROWS, st.integers(1, 5))
def test_copies_are_counted_exactly(rows: list[tuple[object, ...]], blocks: int) -> None:
    expected = (len(rows) - len(set(rows))) / len(rows) if rows else 0.0
    assert hashes_of(rows, blocks=blocks).copies() == pytest.approx(expected)


@given(ROWS, ROWS)
def test_rows_of_another_dataset_are_found_exactly(
    ours: list[tuple[object, ...]], theirs: list[tuple[object, ...]]
) -> None:
    expected = sum(row in theirs for row in ours) / len(ours) if ours else 0.0
    assert hashes_of(ours).share_in(hashes_of(theirs)) == pytest.approx(expected)


def numbered(rows: range, times: int = 1) -> list[tuple[object, ...]]:
    return [(float(row), "a") for row in rows for _ in range(times)]


def test_memory_is_bounded_and_it_is_told_that_rows_are_sampled() -> None:
    hashes = hashes_of(numbered(range(20_000)), limit=500, blocks=50)
    assert hashes.sampled
    assert len(hashes._hashes) <= 500
    assert hashes._waiting_count <= 500
    assert not hashes_of(numbered(range(500)), limit=500).sampled


def test_many_copies_of_few_rows_need_no_sample() -> None:
    hashes = hashes_of(numbered(range(20), times=500), limit=50, blocks=40)
    assert not hashes.sampled
    assert hashes.copies() == pytest.approx(1 - 20 / 10_000)


@pytest.mark.parametrize(("times", "expected"), [(1, 0.0), (2, 0.5), (4, 0.75)])
def test_shares_of_copies_stay_right_in_a_sample(times: int, expected: float) -> None:
    # All copies of a row are in the sample or none, so that nothing depends on which rows were drawn.
    hashes = hashes_of(numbered(range(20_000), times), limit=1_000, blocks=30)
    assert hashes.sampled
    assert hashes.copies() == pytest.approx(expected)


def test_one_row_that_is_most_of_a_large_dataset_does_not_hide_behind_the_sample() -> None:
    several = [
        hashes_of([*numbered(range(n, n + 4_000)), *numbered(range(n, n + 400), 11)], 1_000)
        for n in range(0, 90_000, 9_000)
    ]
    exact = 1 - 4_000 / 8_400
    shares = [hashes.copies() for hashes in several]
    assert all(hashes.sampled for hashes in several)
    assert np.mean(shares) == pytest.approx(exact, abs=0.02)


@pytest.mark.parametrize("limits", [(100_000, 1_000), (1_000, 100_000), (1_000, 250)])
def test_leakage_stays_right_when_either_is_a_sample(limits: tuple[int, int]) -> None:
    train = hashes_of(numbered(range(40_000)), limits[0], blocks=9)
    shares = []
    for first in range(30_000, 40_000, 1_000):  # a quarter of the validation rows stands in the training files
        mixed = [*numbered(range(first, first + 1_000)), *numbered(range(50_000 + first, 53_000 + first))]
        shares.append(hashes_of(mixed, limits[1], blocks=3).share_in(train))
    assert np.mean(shares) == pytest.approx(0.25, abs=0.03)


def test_leakage_of_nothing_is_none_and_that_of_everything_all() -> None:
    train = hashes_of(numbered(range(5_000)), limit=300, blocks=5)
    assert hashes_of(numbered(range(5_000, 6_000)), limit=300).share_in(train) == 0.0
    assert hashes_of(numbered(range(1_000)), limit=300).share_in(train) == 1.0
    assert hashes_of([]).share_in(train) == 0.0
