import math
from collections import Counter

import pytest
from container.training.labels import InvalidLabel, encode, parse_label
from functions.validate_dataset.cells import (
    BrokenQuotes,
    are_plain_numbers,
    is_missing,
    name_fault,
    number_fault,
    show,
    split_cells,
)
from functions.validate_dataset.rules import Rules
from functions.validate_dataset.table import read_table
from hypothesis import given
from hypothesis import strategies as st

from container.fields import parse_feature

LOOKALIKES = st.text("0123456789.eE+-_ \tinfatyINFNA٣x\x0b\xa0", max_size=8)
CELLS = st.one_of(st.text(max_size=12), LOOKALIKES, st.floats().map(repr), st.integers().map(str))


@given(CELLS)
def test_what_is_accepted_here_is_accepted_by_training(cell):
    if is_missing(cell):
        assert math.isnan(parse_feature(cell))
    elif number_fault(cell) is None:
        assert math.isfinite(parse_feature(cell))
        assert abs(parse_feature(cell)) < 3.4028236e38


@given(
    st.floats(width=32, allow_nan=False, allow_infinity=False),
    st.sampled_from(["{!r}", " {!r}", "{!r}\t", "{:e}", "{:+f}"]),
)
def test_every_number_of_single_precision_is_accepted(number, form):
    assert number_fault(form.format(number)) is None


@given(st.lists(CELLS, min_size=1))
def test_the_fast_look_is_never_kinder_than_the_close_one(cells):
    if are_plain_numbers(cells):
        assert [cell for cell in cells if is_missing(cell) or number_fault(cell) is not None] == []


@pytest.mark.parametrize("cells", [["1", "-2.5e3"], [" 1", "2 "], ["0"], ["3.4028234663852886e38"]])
def test_ordinary_numbers_need_no_close_look(cells):
    assert are_plain_numbers(cells)


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("inf", "infinite"),
        ("-Infinity", "infinite"),
        ("1e39", "too large for single precision"),
        ("1e400", "too large"),
        ("many", '"many" is not a number'),
        ("1_000", "is not a number"),
        ("٣", "is not a number"),
        ("0x10", "is not a number"),
        ("NA", "leave a cell empty"),
        ("1;2", "is not a number"),
    ],
)
def test_what_is_no_number_is_told(cell, said):
    assert said in (number_fault(cell) or "")


@given(
    st.lists(
        st.one_of(st.sampled_from(["0", "0.000", "0e0", "1", "1.50", "nan", "a", "+1"]), st.text(max_size=4)),
        max_size=8,
    )
)
def test_labels_are_those_of_training(labels):
    try:
        parsed = [parse_label(label) for label in labels]
    except InvalidLabel:
        return
    if any("\n" in label or "," in label or '"' in label for label in labels) or not parsed:
        return
    rules = Rules(label=0, header=False, maximum_bytes=1, minimum_rows=1, minimum_rows_per_class=1)
    table = read_table([f"{label},1" for label in labels], rules)
    encoded = encode(parsed)
    if not table.findings:
        assert table.classes == Counter(str(encoded.classes[position]) for position in encoded.positions)


def test_a_quoted_cell_may_hold_commas_and_quotes():
    assert split_cells('"a, ""b""",2') == ['a, "b"', "2"]


@pytest.mark.parametrize("line", ['"open,1', '"a"b,1', '"' + "1" * 200_000 + '"', "1" * 200_000])
def test_quotes_that_do_not_match_are_refused(line):
    with pytest.raises(BrokenQuotes):
        split_cells(line)


@given(st.text(max_size=300))
def test_a_cell_is_shown_short_on_one_line(cell):
    shown = show(cell)
    assert shown.isprintable()
    assert len(shown) <= 42 * 10


def test_names_are_short_and_printable():
    assert name_fault("sepal length") is None
    assert "longer than" in (name_fault("x" * 101) or "")
    assert "cannot be printed" in (name_fault("a\x1bb") or "")
