import string

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from container.native.plain_csv import admits_plain_csv, parse_csv
from container.predictor import Rows
from container.schema import Column, Schema, number_columns
from container.serving.csv_rows import CsvReader
from container.serving.rejections import RejectedRequest
from tests.container.schemas import classifier


def by_the_rules(body: bytes, schema: Schema) -> Rows | None:
    try:
        return CsvReader(schema).read_by_the_rules(body)
    except RejectedRequest:
        return None


def agrees(body: bytes, columns: int, *, missing_allowed: bool = True) -> Rows | None:
    """What is taken for plain is read by the rules, too, and to the same bits."""
    plain = parse_csv(body, columns, missing_allowed=missing_allowed)
    if plain is not None:
        expected = by_the_rules(body, classifier(columns, missing_allowed=missing_allowed))
        assert expected is not None, body
        assert plain.shape == expected.shape, body
        # A missing value is any NaN.
        assert np.where(np.isnan(plain), 0, plain).tobytes() == np.where(np.isnan(expected), 0, expected).tobytes(), (
            body
        )
        assert (np.isnan(plain) == np.isnan(expected)).all(), body
    return plain


NUMBERS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False, width=32).map(repr),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.floats(-1e6, 1e6).map(lambda number: f"{number:.6f}"),
    st.integers(-(10**25), 10**25).map(str),
    st.from_regex(r"[+-]?[0-9]{0,30}\.?[0-9]{0,30}([eE][+-]?[0-9]{1,4})?", fullmatch=True, alphabet=string.printable),
)


@pytest.mark.usefixtures("processor")
@given(st.lists(st.lists(st.one_of(NUMBERS, st.just("")), min_size=3, max_size=3), min_size=1, max_size=4))
@settings(max_examples=400)
def test_numbers_are_read_as_by_the_rules(fields: list[list[str]]) -> None:
    agrees("\n".join(map(",".join, fields)).encode(), 3)


@given(NUMBERS)
@settings(max_examples=600)
@example("1e23")
@example("9007199254740993")
@example("3.4028235677973366e38")
@example("3.4028235677973365e38")
@example("1.401298464324817e-45")
@example("7.006492321624085e-46")
@example("1.00000005960464477539062500000000000000000000000000000000001")
@example("16777217.000000000000000000000000000000000000000000000000001")
def test_one_number_is_read_as_by_the_rules(field: str) -> None:
    agrees(field.encode(), 1)


@given(
    st.lists(
        st.sampled_from([*"0123456789", *"+-.eE,\n\r \"'#_naNif", "\r\n", "1.5", "\ufeff", "é", "\0"]), max_size=30
    ),
    st.integers(1, 3),
    st.booleans(),
)
@pytest.mark.usefixtures("processor")
@settings(max_examples=1_500)
def test_whatever_is_taken_for_plain_is_read_alike(parts: list[str], columns: int, missing_allowed: bool) -> None:
    agrees("".join(parts).encode(), columns, missing_allowed=missing_allowed)


@given(st.floats(width=32, allow_nan=False, allow_infinity=False), st.integers(-2, 2))
@settings(max_examples=500)
def test_numbers_in_the_middle_between_two_are_rounded_as_by_the_rules(number: float, ulps: int) -> None:
    """A 64-bit number there, or one of its neighbours: where rounding twice differs from rounding once."""
    with np.errstate(over="ignore"):
        other = float(np.nextafter(np.float32(number), np.float32(np.inf)))
    middle = number / 2 + other / 2
    for _ in range(abs(ulps)):
        middle = float(np.nextafter(middle, np.inf if ulps > 0 else -np.inf))
    for text in (repr(middle), f"{middle:.17e}", f"{middle:.25e}", f"{middle:.40e}"):
        agrees(text.encode(), 1)


@pytest.mark.parametrize(
    ("body", "rows"),
    [
        (b"1,2.5\n-3,4e2", [[1, 2.5], [-3, 400]]),
        (b"1,2.5\r\n-3,4e2\r\n", [[1, 2.5], [-3, 400]]),
        (b"+1,.5\n2.,1E-3\n\n\r\n", [[1, 0.5], [2, 0.001]]),
        (b",1\n2,", [[np.nan, 1], [2, np.nan]]),
        (b",", [[np.nan, np.nan]]),
        (b"0.1000000000000000055511151231257827,12345678901234567890", [[0.1, 12345678901234567890]]),
    ],
)
def test_typical_texts_are_plain(body: bytes, rows: list[list[float]]) -> None:
    plain = agrees(body, 2)
    assert plain is not None
    np.testing.assert_array_equal(plain, np.array(rows, dtype=np.float32))


@pytest.mark.usefixtures("processor")
def test_tables_as_programs_write_them_are_plain() -> None:
    random = np.random.default_rng(1)
    table = random.normal(size=(300, 30)) * 10.0 ** random.integers(-12, 12, (300, 30))
    for write in (repr, "{:.3f}".format, "{:.17g}".format, "{:e}".format):
        body = "".join(",".join(write(float(value)) for value in row) + "\n" for row in table)
        plain = agrees(body.encode(), 30)
        assert plain is not None
        assert plain.shape == (300, 30)


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"\n", b"1", b"1,2,3", b"1,2\n3", b"1,2\n\n3,4", b"1,2\r3,4", b"a,b\n1,2", b'"1",2', b"1, 2", b"1,2 "),
        *(
            b"1;2",
            b"1,nan",
            b"1,inf",
            b"1,1e39",
            b"1,-3.5e38",
            b"1_000,2",
            b"0x1p3,2",
            b"1,2e",
            b"1,--2",
            b"1,.",
            b"1,+",
        ),
        *(b"\xef\xbb\xbf1,2", b"1,2\0", b"1,\xd9\xa1", b"1," + b"0" * 70, b"1,1e1000", b"1,2\n\r3,4"),
    ],
)
def test_everything_else_is_left_to_the_rules(body: bytes) -> None:
    assert parse_csv(body, 2) is None


def test_an_empty_field_is_left_to_the_rules_where_nothing_may_be_missing() -> None:
    assert parse_csv(b"1,", 2, missing_allowed=False) is None
    assert parse_csv(b"1,2", 2, missing_allowed=False) is not None


def test_many_columns_and_line_ends_ask_for_no_memory() -> None:
    """In one allocation for as many rows as lines it would be 400 GB."""
    assert parse_csv(b"\n" * 1_000_000 + b"1", 100_000) is None


@pytest.mark.parametrize(
    ("schema", "admitted"),
    [
        (classifier(2), True),
        (classifier(("a", "e")), True),
        (classifier(("a", "5.1")), False),
        (classifier(("a", " 7 ")), False),
        (Schema((Column(None, "boolean"),), "classification", (0, 1), "integer", missing_allowed=True), False),
        (Schema((Column(None, "category", ("1",)),), "classification", (0, 1), "integer", missing_allowed=True), False),
        *(
            (Schema(number_columns(2), "classification", (0, 1), "integer", True, (mark,)), admitted)
            for mark, admitted in (("?", True), ("-", True), ("NA", True), ("-999", False), ("1e99", False), ("", True))
        ),
    ],
)
def test_only_schemas_of_plain_numbers_are_admitted(schema: Schema, admitted: bool) -> None:
    assert admits_plain_csv(schema) is admitted


@pytest.mark.parametrize("name", ["complete", "sparse"])
def test_a_predictor_answers_texts_as_their_rows(name: str, request: pytest.FixtureRequest) -> None:
    fitted = request.getfixturevalue(name)
    predictor = fitted.predictor
    expected = predictor.answer(fitted.rows).tolist()
    lines = [",".join("" if np.isnan(value) else str(value) for value in row) for row in fitted.rows]
    assert [predictor.answer_csv(line.encode()) for line in lines] == [(answer,) for answer in expected]
    assert [predictor.answer_csv(f"{line}\r\n".encode()) for line in lines] == [(answer,) for answer in expected]
    assert predictor.answer_csv("\n".join(lines).encode()).tolist() == list(expected)
    for unusual in (b"", b"1,2,3", b"1,2,3,4\n\n1,2,3,4", b"1,2,3,x"):
        assert predictor.answer_csv(unusual) is None
    assert (predictor.answer_csv(b"1,2,,4") is not None) is predictor.schema.missing_allowed


def test_a_regression_answers_texts_as_their_rows() -> None:
    from tests.container.fits import fitted, regression

    split = regression()
    _, predictor = fitted(split, n_estimators=5)
    rows = split.test_features[:20]
    lines = [",".join(map(str, row)) for row in rows]
    expected = predictor.values(rows)
    for line, value in zip(lines, expected, strict=True):
        (answered,) = predictor.values_csv(line.encode())
        assert (answered, answered.dtype) == (value, np.float32)
    np.testing.assert_array_equal(predictor.values_csv("\n".join(lines).encode()), expected)
    assert predictor.values_csv(b"1,2") is None


def test_a_schema_that_is_not_of_numbers_has_no_answer_to_a_text(complete) -> None:
    from container.predictor import Predictor
    from tests.container.fits import exported

    schema = classifier(("1", "b", "c", "d"), (0, 1, 2))
    predictor = Predictor(exported(complete.forest), schema)
    assert predictor.answer_csv(b"1,2,3,4") is None
