import io
import itertools
import json
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from container.predictor import Rows
from container.schema import Column, Schema
from container.serving.parquet_rows import MOST_VALUES, read_parquet
from container.serving.rejections import RejectedRequest
from container.serving.rows import RowReader
from tests.container.schemas import classifier

STRICT = classifier(2)
LENIENT = classifier(("length", "width"), missing_allowed=True)


def read_rows(body: bytes, content_type: str | None, schema: Schema) -> Rows:
    return RowReader(schema).read(body, None if content_type is None else content_type.encode())


def read_csv(text: str, schema: Schema) -> Rows:
    return read_rows(text.encode(), "text/csv", schema)


def read_json(text: str, schema: Schema) -> Rows:
    return read_rows(text.encode(), "application/json", schema)


@pytest.mark.parametrize(
    "text", ["1,2\n3,4", "1,2\n3,4\n", "1,2\r\n3,4\r\n", "1,2\r3,4\n\n\n", '"1", 2\n 3 ,"4"', "1e0,2.0\n+3,4.000"]
)
def test_reads_csv(text: str) -> None:
    assert read_csv(text, STRICT).tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    "text", ["[[1,2],[3,4]]", '{"instances": [[1, 2.0], [3e0, 4]]}', ' {"instances":[[1,2],[3,4]]}\n']
)
def test_reads_json(text: str) -> None:
    assert read_json(text, STRICT).tolist() == [[1, 2], [3, 4]]


def test_reads_missing_values_where_the_model_knows_them() -> None:
    for rows in (read_csv(",2\nnan,4\n", LENIENT), read_json("[[null,2],[null,4]]", LENIENT)):
        assert np.isnan(rows).tolist() == [[True, False], [True, False]]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "the body holds no rows"),
        ("\n\n", "the body holds no rows"),
        ("1,2\n3", "row 2: 1 column, the model takes 2"),
        ("1,2,3", "row 1: 3 columns, the model takes 2; a row is sent without its label"),
        ("1,2\n\n3,4", "row 2: empty, the model takes 2"),
        ("length,width\n1,2", "row 1: this looks like a header, and the model's columns have no names; send rows only"),
        ("1,2\n3,x", "row 2, column 2: 'x' is not a number"),
        ("1;2\n", "row 1: columns are sent with commas between them"),
        ("1,inf", "row 1, column 2: 'inf' is infinite or too large for a 32-bit float"),
        ("1,1e39", "row 1, column 2: '1e39' is infinite or too large for a 32-bit float"),
        ("1,", "row 1, column 2: missing value; the model was trained without missing values"),
        ('1,"2', "the body is not CSV: unexpected end of data"),
        ("1," + "2" * 200_000, "the body is not CSV: field larger than field limit (131072)"),
        ("1,\0", r"row 1, column 2: '\x00' is not a number"),
    ],
)
def test_refuses_csv_saying_row_column_and_reason(text: str, reason: str) -> None:
    with pytest.raises(RejectedRequest) as rejection:
        read_csv(text, STRICT)
    assert (rejection.value.status, rejection.value.reason) == (400, reason)


FORM = 'send {"instances": [[value, ...], ...]} or [[value, ...], ...]; where columns have names, a row may be a map'


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "the body is not JSON: Expecting value: line 1 column 1 (char 0)"),
        ("[[1,2]", "the body is not JSON: Expecting ',' delimiter: line 1 column 7 (char 6)"),
        ("[[1,NaN]]", "the body is not JSON: NaN is not JSON, a missing value is null"),
        ("[[1,-Infinity]]", "the body is not JSON: -Infinity is not JSON"),
        ("[" * 100_000, "the body is not JSON: nested too deeply"),
        ("[]", "the body holds no rows"),
        ('{"instances": []}', "the body holds no rows"),
        ("{}", FORM),
        ('{"instances": {}}', FORM),
        ("7", FORM),
        ("null", FORM),
        ("[1,2]", f"row 1: not a list; {FORM}"),
        (
            '[[1,2],{"features":[3,4]}]',
            "row 2: a map, and the model's columns have no names; send a list of values",
        ),
        ("[[1,2],[3]]", "row 2: 1 column, the model takes 2"),
        ("[[]]", "row 1: empty, the model takes 2"),
        ('[[1,"2"]]', "row 1, column 2: '2' is a text, and the column holds numbers"),
        ("[[1,true]]", "row 1, column 2: a boolean is not a number"),
        ("[[1,[2]]]", "row 1, column 2: a list is not a number"),
        ("[[1,{}]]", "row 1, column 2: a map is not a number"),
        ("[[1,null]]", "row 1, column 2: missing value; the model was trained without missing values"),
        ("[[1,1e39]]", "row 1, column 2: '1e+39' is infinite or too large for a 32-bit float"),
        ("[[1,1e999]]", "row 1, column 2: 'inf' is infinite or too large for a 32-bit float"),
    ],
)
def test_refuses_json_saying_row_column_and_reason(text: str, reason: str) -> None:
    with pytest.raises(RejectedRequest) as rejection:
        read_json(text, STRICT)
    assert (rejection.value.status, rejection.value.reason) == (400, reason)


@pytest.mark.parametrize("digits", [39, 400, 5_000])
def test_refuses_huge_integers(digits: int) -> None:
    with pytest.raises(RejectedRequest) as rejection:
        read_json(f"[[1,{'9' * digits}]]", STRICT)
    assert rejection.value.status == 400
    assert len(rejection.value.reason) < 200


def test_names_columns_that_have_names() -> None:
    with pytest.raises(RejectedRequest, match=r"row 1, column 2 \('width'\): 'x' is not a number"):
        read_csv("1,x", LENIENT)


@pytest.mark.parametrize(
    "content_type",
    ["text/csv", "TEXT/CSV", "text/csv; charset=utf-8", 'text/csv;charset="UTF-8"', "text/csv;header=absent"],
)
def test_accepts_csv_under_its_names(content_type: str) -> None:
    assert read_rows(b"\xef\xbb\xbf1,2", content_type, STRICT).tolist() == [[1, 2]]


@pytest.mark.parametrize(
    "content_type",
    [None, "", "text/plain", "application/octet-stream", "text/csv; charset=utf-16", "application/xml"],
)
def test_refuses_other_content_types(content_type: str | None) -> None:
    with pytest.raises(RejectedRequest, match="is not supported; send text/csv, application/json,") as rejection:
        read_rows(b"1,2", content_type, STRICT)
    assert rejection.value.status == 415


def test_refuses_other_encodings() -> None:
    with pytest.raises(RejectedRequest, match="the body is not UTF-8: byte 3"):
        read_rows(b"1,\xff", "text/csv", STRICT)


MIXED = Schema(
    (Column("size", "number"), Column("ok", "boolean"), Column("colour", "category", ("blue", "12", "a, b"))),
    "classification",
    (0, 1),
    "integer",
    missing_allowed=True,
    missing_values=("NA", "?"),
)
NOTHING = float("nan")


@pytest.mark.parametrize(
    ("line", "row"),
    [
        ("1.5,true,blue", [1.5, 1, 0]),
        ("1.5,No, 12 ", [1.5, 0, 1]),
        ('1.5,T,"a, b"', [1.5, 1, 2]),
        (",,", [NOTHING, NOTHING, NOTHING]),
        ("NA,na,?", [NOTHING, NOTHING, NOTHING]),
        ("1.5,f,green", [1.5, 0, NOTHING]),  # a category that training did not see
    ],
)
def test_reads_truth_and_categories(line: str, row: list[float]) -> None:
    np.testing.assert_array_equal(read_csv(line, MIXED), np.array([row], dtype=np.float32))


@pytest.mark.parametrize(
    ("value", "row"),
    [
        ([1.5, True, "blue"], [1.5, 1, 0]),
        ([1.5, "no", 12], [1.5, 0, 1]),
        ({"colour": "a, b", "size": 1.5, "ok": False}, [1.5, 0, 2]),
        ({"size": 1.5}, [1.5, NOTHING, NOTHING]),
        ([None, None, None], [NOTHING, NOTHING, NOTHING]),
        ([1.5, False, "green"], [1.5, 0, NOTHING]),
    ],
)
def test_reads_truth_categories_and_named_values_from_json(value: Any, row: list[float]) -> None:
    np.testing.assert_array_equal(read_json(json.dumps([value]), MIXED), np.array([row], dtype=np.float32))


def test_an_unseen_category_is_answered_also_where_nothing_was_missing_in_training() -> None:
    strict = replace(MIXED, missing_allowed=False)
    np.testing.assert_array_equal(read_csv("1,t,green", strict), np.array([[1, 1, NOTHING]], dtype=np.float32))
    with pytest.raises(RejectedRequest, match=r"column 2 \('ok'\): missing value"):
        read_csv("1,,blue", strict)


@pytest.mark.parametrize("header", ["size,ok,colour", "colour,size,ok", ' ok ,"colour",size'])
def test_columns_come_in_the_order_of_a_header(header: str) -> None:
    named = {"size": "1.5", "ok": "yes", "colour": "12"}
    names = [name.strip(' "') for name in header.split(",")]
    text = f"{header}\n{','.join(named[name] for name in names)}\n"
    assert read_csv(text, MIXED).tolist() == [[1.5, 1, 1]]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("size,ok\n1,t", "the header lacks 'colour'"),
        ("size,ok,colour,label\n1,t,blue,0", "the header has 'label', which the model does not take"),
        ("size,ok,color\n1,t,blue", "the header lacks 'colour' and has 'color', which the model does not take"),
        ("size,ok,size\n1,t,1", "the header lacks 'colour'"),
        ("size,ok,colour", "the body holds no rows"),
        ("size,ok,colour\n1,t", "row 2: 2 columns, the model takes 3"),
        ("ok,size,colour\nt,x,blue", "row 2, column 1 ('size'): 'x' is not a number"),
        ("1,maybe,blue", "row 1, column 2 ('ok'): 'maybe' is neither true nor false"),
    ],
)
def test_refuses_headers_and_values_saying_why(text: str, reason: str) -> None:
    with pytest.raises(RejectedRequest) as rejection:
        read_csv(text, MIXED)
    assert (rejection.value.status, rejection.value.reason) == (400, reason)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ([1, 0.5, "blue"], "row 1, column 2 ('ok'): a number is neither true nor false"),
        ([1, True, ["blue"]], "row 1, column 3 ('colour'): a list is not a text"),
        ({"size": 1, "color": "blue"}, "row 1: 'color' is no column of the model's"),
        ([True, True, "blue"], "row 1, column 1 ('size'): a boolean is not a number"),
    ],
)
def test_refuses_json_values_saying_why(value: Any, reason: str) -> None:
    with pytest.raises(RejectedRequest) as rejection:
        read_json(json.dumps([value]), MIXED)
    assert (rejection.value.status, rejection.value.reason) == (400, reason)


def test_a_category_that_is_called_like_a_column_is_no_header() -> None:
    schema = replace(MIXED, columns=(Column("size", "number"), Column("kind", "category", ("size", "weight"))))
    assert read_csv("1,size\n2,weight", schema).tolist() == [[1, 0], [2, 1]]


FEATURES = st.floats(width=32, allow_infinity=False)


def csv_of(rows: Sequence[Sequence[float]], spellings: Sequence[str]) -> str:
    """`rows` with the numbers spelt in turn as `spellings` say; NaN as an empty field."""
    spelling = itertools.cycle(spellings)
    return "\n".join(
        ",".join("" if math.isnan(value) else format(value, next(spelling)) for value in row) for row in rows
    )


@given(
    rows=st.lists(st.tuples(FEATURES, FEATURES, FEATURES, FEATURES), min_size=1, max_size=30),
    spellings=st.lists(
        st.sampled_from([".17g", ".9g", "r", " .17e", "+.17g"]).map(lambda s: s.replace("r", "")), min_size=1
    ),
)
def test_accepted_rows_are_answered_as_the_estimator_does(
    rows: list[tuple[float, ...]], spellings: list[str], sparse: Any
) -> None:
    text = csv_of(rows, spellings)
    read = read_csv(text, sparse.predictor.schema)
    expected = np.array(rows, dtype=np.float32)
    np.testing.assert_array_equal(read, expected)
    with np.errstate(invalid="ignore"):  # scikit-learn looks for infinite values by adding up all of them
        probabilities = sparse.forest.predict_proba(expected)
    answers = sparse.predictor.answer(read)
    chosen = probabilities[np.arange(len(rows)), answers]
    assert (chosen >= probabilities.max(axis=1) - 2e-6).all()  # a tie may be answered with either class


def json_of(rows: Sequence[Sequence[float]]) -> list[list[float | None]]:
    return [[None if math.isnan(value) else value for value in row] for row in rows]


def npy_of(rows: Sequence[Sequence[float]], kind: str) -> bytes:
    file = io.BytesIO()
    np.save(file, np.array(rows, dtype=kind))
    return file.getvalue()


def parquet_of(rows: Sequence[Sequence[float]], names: Sequence[str]) -> bytes:
    file = io.BytesIO()
    pl.DataFrame(list(rows), schema=list(names), orient="row").fill_nan(None).write_parquet(file)
    return file.getvalue()


@given(rows=st.lists(st.tuples(FEATURES, FEATURES, FEATURES, FEATURES), min_size=1, max_size=30))
def test_the_same_rows_are_read_in_every_form(rows: list[tuple[float, ...]], sparse: Any) -> None:
    schema = sparse.predictor.schema
    names = schema.feature_names
    maps = [dict(zip(names, row, strict=True)) for row in json_of(rows)]
    bodies = {
        "text/csv": [csv_of(rows, [".9g"]).encode(), f"{','.join(names)}\n{csv_of(rows, [''])}".encode()],
        "application/json": [json.dumps(json_of(rows)).encode(), json.dumps({"instances": maps}).encode()],
        "application/jsonlines": ["\n".join(map(json.dumps, maps)).encode()],
        "application/x-npy": [npy_of(rows, kind) for kind in ("<f4", ">f8", "<f8")],
    }
    expected = np.array(rows, dtype=np.float32)
    for media, written in bodies.items():
        for body in written:
            np.testing.assert_array_equal(read_rows(body, media, schema), expected)
    np.testing.assert_array_equal(read_parquet(parquet_of(rows, names), schema), expected)


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"size": [1.5], "ok": [True], "colour": ["blue"]}, None),
        ({"colour": ["a, b"], "size": ["1.5"], "ok": ["yes"]}, None),
        ({"size": [1.5], "ok": [1], "colour": [12]}, None),
        ({"size": [None], "ok": [None], "colour": [None]}, None),
        ({"size": [1.5], "ok": [True]}, "the header lacks 'colour'"),
        (
            {"size": [1.5], "ok": [True], "colour": ["blue"], "x": [1]},
            "the header has 'x', which the model does not take",
        ),
        ({"size": [math.inf], "ok": [True], "colour": ["blue"]}, "row 1, column 1 ('size'): infinite or too large"),
        ({"size": ["x"], "ok": [True], "colour": ["blue"]}, "row 1, column 1 ('size'): 'x' is not a number"),
        ({"size": [1.5], "ok": [2], "colour": ["blue"]}, "row 1, column 2 ('ok'): neither true nor false"),
        ({"size": [[1.5]], "ok": [True], "colour": ["blue"]}, "column 'size' holds List(Float64), not numbers"),
        ({"size": [], "ok": [], "colour": []}, "the body holds no rows"),
    ],
)
def test_reads_parquet_or_says_why_not(columns: dict[str, list[Any]], reason: str | None) -> None:
    file = io.BytesIO()
    pl.DataFrame(columns).write_parquet(file)
    if reason is None:
        assert read_parquet(file.getvalue(), MIXED).shape == (1, 3)
    else:
        with pytest.raises(RejectedRequest) as rejection:
            read_parquet(file.getvalue(), MIXED)
        assert rejection.value.status == 400
        assert rejection.value.reason.startswith(reason)


def test_parquet_that_stands_for_more_than_fits_is_refused_unread() -> None:
    file = io.BytesIO()
    zeros = pl.zeros(MOST_VALUES, dtype=pl.Int8, eager=True)
    pl.DataFrame({"a": zeros, "b": zeros}).write_parquet(file)
    assert len(file.getvalue()) < 100_000
    with pytest.raises(RejectedRequest) as rejection:
        read_parquet(file.getvalue(), STRICT)
    assert rejection.value.status == 413


HOSTILE = st.one_of(
    st.binary(),
    st.text().map(str.encode),
    st.text(alphabet='0123456789.,-+eEnaif_ "\r\n\t\0\u0661[]{}:').map(str.encode),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.just("instances") | st.text(), inner),
    ).map(lambda document: json.dumps(document).encode()),
)


@given(
    body=HOSTILE,
    content_type=st.sampled_from(["text/csv", "application/json", "application/jsonlines", "application/x-npy"]),
)
def test_any_body_is_read_or_refused_with_one_line(body: bytes, content_type: str) -> None:
    for schema in (STRICT, LENIENT, MIXED):
        status, reason = 200, ""
        try:
            rows = read_rows(body, content_type, schema)
        except RejectedRequest as rejection:
            status, reason = rejection.status, rejection.reason
        else:
            assert rows.shape[1] == schema.feature_count
            assert not np.isinf(rows).any()
            assert schema.missing_allowed or not np.isnan(rows).any()
        assert status in (200, 400)
        assert reason.isprintable()
        assert len(reason) < 300
