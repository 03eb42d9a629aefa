import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.settings import ColumnRules, DataSettings
from tables.infer import propose, propose_column
from tables.profiler import spread_of
from tables.profiles import ColumnProfile
from tables.sketch import Sketch
from tests.tables.real import csv_of, tables
from tests.tables.tabling import accepted, write
from tests.tables.test_sketch import sketch_of

NUMBER = st.floats(-3e38, 3e38)


@pytest.mark.parametrize("name", ["wine", "penguins", "diabetes"])
def test_a_proposal_accepts_the_table_that_it_came_from(name: str, tmp_path: Path) -> None:
    table = tables()[name]
    settings = DataSettings.model_validate(table.contract)
    verdict = accepted(write(tmp_path, csv_of(table.copy(), table.names)), settings)
    assert verdict.profile == table.profile


def column_of(numbers: list[float], missing: int = 0) -> ColumnProfile:
    return ColumnProfile(None, 1, "number", missing, spread_of(sketch_of(np.array(numbers))))


@given(st.lists(NUMBER, min_size=1, max_size=20))
def test_a_range_holds_the_numbers_and_room_beyond_them(numbers: list[float]) -> None:
    rules = ColumnRules.model_validate(propose_column(column_of(numbers), len(numbers)))
    assert rules.minimum is not None
    assert rules.maximum is not None
    reach = max(numbers) - min(numbers)
    assert rules.minimum <= min(numbers)
    assert rules.maximum >= max(numbers)
    assert rules.maximum >= max(numbers) + reach * 0.999
    assert rules.minimum == 0.0 if min(numbers) >= 0 else rules.minimum <= min(numbers) - reach * 0.999


@pytest.mark.parametrize(
    ("numbers", "minimum", "maximum"),
    [
        ([0.0, 1.0], 0.0, 2.0),
        ([11.03, 14.83], 0.0, 19.0),
        ([-5.0, 5.0], -15.0, 15.0),
        ([7.0], 0.0, 14.0),
        ([-7.0], -14.0, 0.0),
        ([0.0], 0.0, 1.0),
        ([2007.0, 2009.0], 0.0, 2100.0),
        ([5e-324], 0.0, 1e-300),
        ([-5e-324], -1e-300, 0.0),
    ],
)
def test_ranges_are_round_numbers(numbers: list[float], minimum: float, maximum: float) -> None:
    proposed = propose_column(column_of(numbers), len(numbers))
    assert (proposed["minimum"], proposed["maximum"]) == (minimum, maximum)


@pytest.mark.parametrize(("missing", "allowed"), [(0, 0.0), (1, 0.01), (2, 0.01), (3, 0.02), (100, 0.5), (300, 1.0)])
def test_twice_as_many_gaps_are_allowed(missing: int, allowed: float) -> None:
    assert propose_column(column_of([1.0], missing), 400)["missing"] == allowed
    assert allowed * 400 >= missing


def category(counts: dict[str, int], other: int = 0) -> dict[str, Any]:
    ordered = tuple(sorted(counts.items(), key=lambda each: -each[1]))
    column = ColumnProfile("c", 0, "category", 0, None, ordered, len(counts) + (other > 0), other)
    return propose_column(column, sum(counts.values()) + other)


def test_few_frequent_categories_are_a_list_of_all() -> None:
    assert category({"b": 5, "a": 6})["allowed"] == ["a", "b"]
    assert "allowed" not in category({"b": 4, "a": 6})
    assert "allowed" not in category({str(n): 5 for n in range(21)})
    assert category({f"{n:02}": 5 for n in range(20)})["allowed"] == [f"{n:02}" for n in range(20)]
    assert "allowed" not in category({"a": 50, "b": 50}, other=1)


def test_as_many_rows_are_asked_for_as_half_of_those_there_are() -> None:
    wine = propose(tables()["wine"].profile)
    assert (wine["label"], wine["header"], wine["task"]) == (0, False, "classification")
    assert (wine["minimum_rows"], wine["minimum_rows_per_class"]) == (89, 24)
    assert wine["columns"]["0"] == {"missing": 0.0, "allowed": ["0", "1", "2"]}
    diabetes = propose(tables()["diabetes"].profile)
    assert "minimum_rows_per_class" not in diabetes
    assert diabetes["columns"]["progress"] == {"missing": 0.0, "type": "number", "minimum": 0.0, "maximum": 670.0}


def test_a_column_without_numbers_gets_no_range() -> None:
    empty = ColumnProfile("c", 0, "number", 9, spread_of(Sketch()))
    assert propose_column(empty, 9) == {"type": "number", "missing": 1.0}


@given(NUMBER.filter(bool))
def test_a_bound_has_two_digits(number: float) -> None:
    for bound in (propose_column(column_of([number]), 1)[key] for key in ("minimum", "maximum")):
        digits = 0 if bound == 0 else bound / 10.0 ** math.floor(math.log10(abs(bound)) - 1)
        assert digits == pytest.approx(round(digits), rel=1e-6)
