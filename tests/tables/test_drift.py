"""Both statistics against the formulas, computed here from the numbers themselves."""

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tables.drift import Drift, Rows, class_drift, column_drift, number_drift
from tables.profiler import spread_of
from tables.profiles import ColumnProfile, NumberSpread
from tables.sketch import Sketch


def spread(numbers: Sequence[float] | np.ndarray) -> NumberSpread:
    sketch = Sketch()
    sketch.add(np.asarray(numbers, dtype=np.float64))
    told = spread_of(sketch)
    assert told is not None
    return told


def numbers_column(numbers: Sequence[float] | np.ndarray, missing: int = 0) -> ColumnProfile:
    return ColumnProfile("x", 0, "number", missing, spread(numbers))


def texts_column(texts: Sequence[str], missing: int = 0, kept: int = 50) -> ColumnProfile:
    counts = Counter(texts).most_common()
    other = sum(rows for _, rows in counts[kept:])
    return ColumnProfile("x", 0, "category", missing, None, tuple(counts[:kept]), len(counts), other)


def drift(before: Sequence[float] | np.ndarray, now: Sequence[float] | np.ndarray) -> Drift:
    return number_drift(spread(before), spread(now), Rows(len(before), len(now)))


def index(p: Sequence[float], q: Sequence[float], rows: int = 100) -> float:
    """The population stability index as textbooks have it, a share of nothing taken as half a row."""
    least = 0.5 / rows
    floored = [(max(a, least), max(b, least)) for a, b in zip(p, q, strict=True)]
    return sum((a - b) * math.log(a / b) for a, b in floored)


def distance(before: np.ndarray, now: np.ndarray) -> float:
    """Kolmogorov-Smirnov, at every number of both."""
    points = np.concatenate([before, now])
    shares = [np.searchsorted(np.sort(each), points, side="right") / len(each) for each in (before, now)]
    return float(np.abs(shares[0] - shares[1]).max())


def psi_by_tenths(before: np.ndarray, now: np.ndarray) -> float:
    edges = [
        -np.inf,
        np.nextafter(before.min(), -np.inf),
        *np.quantile(before, np.arange(1, 10) / 10),
        before.max(),
        np.inf,
    ]
    p, q = (np.histogram(each, edges)[0] / len(each) for each in (before, now))
    return index(p, q, 5_000)


SHIFTS = [0.0, 0.1, 0.3, 0.5, 1.0, 2.0]


@pytest.mark.parametrize("shift", SHIFTS)
@pytest.mark.parametrize("seed", range(3))
def test_both_statistics_are_those_of_the_formulas(shift: float, seed: int) -> None:
    chance = np.random.default_rng(seed)
    before, now = chance.normal(10, 1, 6_000), chance.normal(10 + shift, 1, 4_000)
    found = drift(before, now)
    assert found.ks == pytest.approx(distance(before, now), abs=0.015)
    # A cell of the sketch is a 128th of the number, a tenth of the spread here: bins are off by that much.
    assert found.psi == pytest.approx(psi_by_tenths(before, now), rel=0.35, abs=0.03)


@pytest.mark.parametrize("seed", range(3))
def test_around_zero_where_cells_are_fine_the_index_is_exact(seed: int) -> None:
    chance = np.random.default_rng(seed)
    before, now = chance.normal(0, 1, 6_000), chance.normal(0.4, 1.2, 4_000)
    found = drift(before, now)
    assert found.psi == pytest.approx(psi_by_tenths(before, now), rel=0.1)
    assert found.ks == pytest.approx(distance(before, now), abs=0.012)


def test_a_larger_shift_is_a_larger_drift() -> None:
    chance = np.random.default_rng(3)
    before = chance.normal(size=3_000)
    found = [drift(before, chance.normal(shift, 1, 3_000)) for shift in SHIFTS]
    assert [each.psi for each in found] == sorted(each.psi for each in found)
    assert [each.ks for each in found] == sorted(each.ks or 0 for each in found)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=300))
def test_a_table_has_not_moved_from_itself(numbers: list[float]) -> None:
    found = drift(numbers, numbers)
    assert (found.psi, found.ks) == (0.0, 0.0)


@pytest.mark.parametrize(("before", "now"), [(5.0, 3.0), (5.0, 7.0), (0.0, -1.0), (-2.0, 0.0)])
def test_a_constant_that_became_another_has_moved_as_far_as_can_be(before: float, now: float) -> None:
    found = drift([before] * 100, [now] * 100)
    assert found.ks == 1.0
    assert found.psi == pytest.approx(index([1.0, 0.0], [0.0, 1.0]))


def test_numbers_beyond_the_former_ends_are_bins_of_their_own() -> None:
    before = np.arange(1000) / 1000
    for beyond in (-5.0, 5.0):
        now = np.where(np.arange(1000) % 10 == 0, beyond, before)
        assert drift(before, now).psi == pytest.approx(0.1 * math.log(0.1 / 5e-4), rel=0.1)
        assert drift(before, now).ks == pytest.approx(0.1, abs=0.01)


def test_few_different_numbers_make_few_bins() -> None:
    before, now = [0.0] * 900 + [1.0] * 100, [0.0] * 500 + [1.0] * 500
    assert drift(before, now).psi == pytest.approx(index([0.9, 0.1], [0.5, 0.5]))
    assert drift(before, now).ks == pytest.approx(0.4)


def test_missing_values_are_a_bin() -> None:
    same = np.arange(90.0)
    alike = column_drift(numbers_column(same, missing=10), numbers_column(same, missing=10), Rows(100, 100))
    gone = column_drift(numbers_column(same, missing=10), numbers_column(same, missing=810), Rows(100, 900))
    assert alike is not None
    assert gone is not None
    assert alike.psi == 0.0
    assert gone.psi == pytest.approx(index([0.9, 0.1], [0.1, 0.9]), rel=0.01)
    assert gone.ks == 0.0


def test_categories_are_compared_by_their_shares_and_what_is_new_is_one_bin() -> None:
    before = texts_column(["red"] * 60 + ["blue"] * 40)
    now = texts_column(["red"] * 30 + ["blue"] * 50 + ["green"] * 15 + ["pink"] * 5)
    found = column_drift(before, now, Rows(100, 100))
    assert found is not None
    assert found.psi == pytest.approx(index([0.6, 0.4, 0.0], [0.3, 0.5, 0.2]))
    assert found.ks is None


def test_a_category_that_is_gone_counts() -> None:
    found = column_drift(texts_column(["a"] * 50 + ["b"] * 50), texts_column(["a"] * 100), Rows(100, 100))
    assert found is not None
    assert found.psi == pytest.approx(index([0.5, 0.5], [1.0, 0.0]))


def test_categories_that_are_only_too_rare_to_be_kept_have_not_moved() -> None:
    chance = np.random.default_rng(4)
    drawn = [[f"town {n}" for n in chance.integers(0, 200, 20_000)] for _ in range(2)]
    found = column_drift(*(texts_column(texts) for texts in drawn), Rows(20_000, 20_000))  # type: ignore[misc]
    assert found is not None
    assert found.psi < 0.05


def test_other_kinds_and_columns_without_values_are_not_compared() -> None:
    empty = ColumnProfile("x", 0, "number", 10, None)
    assert column_drift(numbers_column([1.0]), texts_column(["a"]), Rows(1, 1)) is None
    assert column_drift(numbers_column([1.0]), empty, Rows(1, 10)) is None
    assert column_drift(numbers_column([1.0]), numbers_column([1.0]), Rows(0, 1)) is None


def test_classes_are_compared_by_their_shares() -> None:
    assert class_drift({"a": 10, "b": 10}, {"b": 500, "a": 500}).psi == 0.0
    found = class_drift({"a": 90, "b": 10}, {"a": 60, "b": 30, "c": 10})
    assert found.psi == pytest.approx(index([0.9, 0.1, 0.0], [0.6, 0.3, 0.1]))


@pytest.mark.parametrize("rows", [40, 150, 1_000])
def test_two_draws_from_one_source_are_not_told_as_drift(rows: int) -> None:
    chance = np.random.default_rng(rows)
    found = [drift(chance.normal(size=rows), chance.normal(size=rows)) for _ in range(200)]
    assert sum(each.psi_beyond(0.2) or each.ks_beyond(0.2) for each in found) <= 4  # of 400 comparisons
    if rows == 40:  # without the allowance for chance most of them would be
        assert sum(each.psi > 0.2 for each in found) > 100


def test_a_shift_is_told_as_soon_as_there_are_rows_enough() -> None:
    chance = np.random.default_rng(8)
    found = [drift(chance.normal(size=300), chance.normal(1.0, 1, 300)) for _ in range(50)]
    assert all(each.psi_beyond(0.2) and each.ks_beyond(0.2) for each in found)


def test_limits_are_those_that_are_set() -> None:
    found = Drift(psi=0.3, ks=0.25, chance_psi=0.05, chance_ks=0.05)
    assert (found.psi_beyond(0.29), found.psi_beyond(0.3), found.psi_beyond(None)) == (True, False, False)
    assert (found.ks_beyond(0.24), found.ks_beyond(0.25), found.ks_beyond(None)) == (True, False, False)
    assert not Drift(0.3, None, 0.05, 0.05).ks_beyond(0.01)


@pytest.mark.parametrize(("freedom", "quantile"), [(1, 10.83), (2, 13.82), (9, 27.88), (11, 31.26), (50, 86.66)])
def test_what_chance_explains_is_the_quantile_of_the_tables(freedom: int, quantile: float) -> None:
    # chi squared, 99.9 %, as statistical tables print it
    shares = {str(each): 10 for each in range(freedom + 1)}
    rows = 10 * (freedom + 1)
    assert class_drift(shares, shares).chance_psi == pytest.approx(quantile * 2 / rows, rel=0.04)
