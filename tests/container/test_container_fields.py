import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from container.fields import InvalidField, checked, column_title, parse_feature, quoted
from tables.cells import SINGLE_PRECISION_OVERFLOW, MissingMarks, number_fault


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", 1.0), (" 2.5\t", 2.5), ("-3e2", -300.0), ("+.5", 0.5), ("4.", 4.0), ("1e-400", 0.0), ("-0", 0.0)],
)
def test_numbers(text: str, value: float) -> None:
    assert parse_feature(text) == value


@pytest.mark.parametrize("text", ["", "  ", "\t", "nan", "NaN", " nan "])
def test_missing_values(text: str) -> None:
    assert math.isnan(parse_feature(text))


@pytest.mark.parametrize(
    "text", ["x", "1_000", "\u0661", "\xa0", "1,5", "0x10", "1 2", "True", "null", "--1", "1\0", "-nan", "+NaN"]
)
def test_refuses_what_is_no_decimal_number(text: str) -> None:
    with pytest.raises(InvalidField, match="is not a number"):
        parse_feature(text)


@pytest.mark.parametrize("text", ["inf", "-Infinity", "1e400", "3.5e38", "-3.4028236e38"])
def test_refuses_what_a_32_bit_float_cannot_hold(text: str) -> None:
    with pytest.raises(InvalidField, match="infinite or too large"):
        parse_feature(text)


@given(st.floats(allow_nan=False))
def test_refuses_exactly_what_would_become_infinite(value: float) -> None:
    with np.errstate(over="ignore"):
        fits = bool(np.isfinite(np.float32(value)))
    if fits:
        assert checked(value, "") == value
    else:
        with pytest.raises(InvalidField):
            checked(value, "")


def test_the_limit_is_the_first_number_that_becomes_infinite() -> None:
    with np.errstate(over="ignore"):
        assert np.isinf(np.float32(SINGLE_PRECISION_OVERFLOW))
    assert np.isfinite(np.float32(np.nextafter(SINGLE_PRECISION_OVERFLOW, 0)))


@given(st.text())
def test_any_text_is_a_float_or_refused(text: str) -> None:
    try:
        value = parse_feature(text)
    except InvalidField as fault:
        reason = str(fault)
    else:
        reason = ""
        assert math.isnan(value) or abs(value) < SINGLE_PRECISION_OVERFLOW
    assert reason.isprintable()
    assert reason.isascii()


def test_quotes_at_most_one_short_line() -> None:
    assert quoted("a\nb") == r"'a\nb'"
    assert len(quoted("x" * 1_000)) < 50


def test_column_titles_count_from_one() -> None:
    assert column_title(0, None) == "column 1"
    assert column_title(1, ("a", "b\n")) == r"column 2 ('b\n')"


PRINTABLE = st.text(st.characters(exclude_categories=["Z", "C"]))


@given(st.one_of(PRINTABLE, st.text("019.eE+-_ naNif\t", max_size=7), st.floats().map(repr)))
def test_a_request_and_a_dataset_take_the_same_texts_for_numbers(text: str) -> None:
    try:
        served = "missing" if math.isnan(parse_feature(text)) else "a number"
    except InvalidField:
        served = "refused"
    trained = "missing" if text in MissingMarks(()) else "a number" if number_fault(text) is None else "refused"
    assert served == trained
