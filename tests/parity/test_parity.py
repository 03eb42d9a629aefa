import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from container.training.ensemble import Tree
from container.training.faults import ExportDiffers
from tests.container.fits import FORMS
from tests.parity import __main__ as parity
from tests.parity import looking
from tests.parity.cases import CASES, Case, fit_case
from tests.parity.floats import HIGHEST_RANK, LARGEST, LOWEST_RANK, at_rank, floor, rank
from tests.parity.paths import find_paths, find_targets
from tests.parity.rows import RowMaker
from tests.portioning import Portioning

FINITE = st.floats(width=32, allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_graphs_agree_on_rows_that_reach_every_threshold(case: Case) -> None:
    """`make parity` in small: few trees, thousands of rows."""
    finding = looking.look(case, seed=3, minimum_rows=5_000, quick=True)
    assert finding.coverage.reached == finding.coverage.targets > 3 * finding.nodes - finding.coverage.unreachable
    assert finding.agreement.rows >= 5_000
    assert finding.agreement.worst <= 1e-6


@pytest.mark.full
@pytest.mark.long(8)
@pytest.mark.timeout(1_200)
def test_graphs_agree_on_millions_of_rows(capsys: pytest.CaptureFixture[str], portioning: Portioning) -> None:
    cases = portioning.part("cases of parity on millions of rows", [case.name for case in CASES])
    assert parity.main([f"--case={case}" for case in cases]) == 0
    report = json.loads(parity.REPORT.read_text())
    assert [case["case"] for case in report["cases"]] == cases
    for case in report["cases"]:
        assert case["agreement"]["rows"] >= 3_000_000
        assert case["coverage"]["share"] == 1
        assert case["agreement"]["worst"] <= 1e-6
        assert case["peak_memory_mb"] < 1_024
    assert capsys.readouterr().out.count("100.00%") == len(cases)


def test_a_case_whose_graph_differs_fails_the_command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class Here:
        """In place of other processes, which would not see what is replaced here."""

        def __init__(self, *_: object, **__: object) -> None: ...

        def __enter__(self) -> Any:
            return self

        def __exit__(self, *_: object) -> None: ...

        map = staticmethod(map)

    def differ(*_: object) -> None:
        raise ExportDiffers("another class")

    monkeypatch.setattr(parity, "ProcessPoolExecutor", Here)
    monkeypatch.setattr(parity, "REPORT", tmp_path / "build" / "report.json")
    monkeypatch.setattr(looking, "compare_all", differ)
    monkeypatch.setattr(looking, "CASES", CASES[-1:])
    monkeypatch.setattr(parity, "CASES", CASES[-1:])
    assert parity.main(["--rows", "10"]) == 1
    assert capsys.readouterr().err == f"{CASES[-1].name}: another class\n"
    assert json.loads(parity.REPORT.read_text())["faults"] == [f"{CASES[-1].name}: another class"]


@pytest.mark.parametrize("offset", [-1, 1])
@pytest.mark.parametrize("number", [0, 4])
@pytest.mark.parametrize("form", FORMS)
def test_a_threshold_that_is_off_by_an_ulp_is_found(form: Any, number: int, offset: int) -> None:
    """In one node of one tree: what the whole is for."""
    from container.training.agreement import compare

    subject = fit_case(CASES[number], seed=3, quick=True)
    tree = subject.ensemble.trees[-1]
    node = np.flatnonzero(~tree.is_leaf & np.isfinite(tree.threshold))[-1]
    tree.threshold[node] = float(at_rank(rank(floor(tree.threshold[node : node + 1])) + offset)[0])
    damaged = form(subject.ensemble, subject.predictor.schema)
    fresh = fit_case(CASES[number], seed=3, quick=True)
    rows = np.concatenate([batch.rows for batch in RowMaker(fresh.ensemble, fresh.table, 3).batches(5_000)])
    with pytest.raises(ExportDiffers):
        compare(fresh.estimator, damaged, rows)


def test_rows_hold_missing_values_extremes_and_unknown_categories() -> None:
    subject = fit_case(CASES[0], seed=3, quick=True)
    rows = np.concatenate([batch.rows for batch in RowMaker(subject.ensemble, subject.table, 3).batches(20_000)])
    assert rows.dtype == np.float32
    assert not np.isinf(rows).any()
    assert np.isnan(rows).any(axis=0).all()
    assert {LARGEST, -LARGEST, np.float32(1e-45)} <= set(rows[:, 0].tolist())
    assert {-1.0, 99.0} <= set(rows[:, 9].tolist())
    again = np.concatenate([batch.rows for batch in RowMaker(subject.ensemble, subject.table, 3).batches(20_000)])
    np.testing.assert_array_equal(rows, again)


def tree_of(left: list[int], right: list[int], threshold: list[float], missing_left: list[bool]) -> Tree:
    """All nodes look at feature 0."""
    count = len(left)
    return Tree(
        np.array(left),
        np.array(right),
        np.zeros(count, np.int64),
        np.array(threshold),
        np.array(missing_left),
        np.array([0]),
        np.zeros((count, 1)),
    )


def test_a_way_narrows_the_interval_of_its_feature() -> None:
    # 0: x <= 1, else 2: x <= 1's neighbour above, else 4
    above = float(np.nextafter(np.float32(1), np.float32(2)))
    tree = tree_of([1, -1, 3, -1, -1], [2, -1, 4, -1, -1], [1.0, 0, above, 0, 0], [True, False, False, False, False])
    paths = find_paths(tree, 1, "<=")
    one = int(rank(np.array([1], np.float32))[0])
    assert (paths.low[1, 0], paths.high[1, 0]) == (LOWEST_RANK, one)
    assert (paths.low[3, 0], paths.high[3, 0]) == (one + 1, one + 1)
    assert (paths.low[4, 0], paths.high[4, 0]) == (one + 2, HIGHEST_RANK)
    assert paths.missing[:, 0].tolist() == [True, True, False, False, False]
    assert paths.leads_to(np.array([2, 2, 0]), np.array([4, 1, 1])).tolist() == [True, False, True]
    targets = find_targets(tree, paths, "<=")
    # An ulp below the second threshold is the first, which goes the other way.
    assert targets.unreachable == 1
    assert targets.of_missing == 1
    strict = find_paths(tree, 1, "<")
    assert (strict.low[1, 0], strict.high[1, 0]) == (LOWEST_RANK, one - 1)


def test_what_only_missing_values_reach_is_no_target_of_numbers() -> None:
    tree = tree_of([1, -1, -1], [2, -1, -1], [-np.inf, 0, 0], [True, False, False])
    targets = find_targets(tree, find_paths(tree, 1, "<="), "<=")
    assert (len(targets.node), targets.of_missing, targets.unreachable) == (2, 1, 2)


@given(FINITE)
def test_ranks_are_the_order_of_numbers(number: float) -> None:
    value = np.array([number], np.float32)
    assert at_rank(rank(value))[0] == value[0]
    for step, limit in ((-1, -np.inf), (1, np.inf)):
        with np.errstate(over="ignore"):
            assert at_rank(rank(value) + step)[0] == np.nextafter(value, np.float32(limit))[0]


@given(st.floats(allow_nan=False))
def test_floor_is_the_largest_32_bit_number_below(number: float) -> None:
    value = float(floor(np.array([number]))[0])
    assert value <= number
    with np.errstate(over="ignore"):
        assert float(np.nextafter(np.float32(value), np.float32(np.inf))) > number or value == np.inf
