import csv
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from container.fields import parse_feature
from container.schema import Column, number_columns
from container.training.evaluation.answers import NumberAnswers, ask
from container.training.evaluation.examples import choose_rows, format_row, record_examples
from tests.container.schemas import classifier
from tests.container.training.evaluation.answered import answers_of, regression_schema

MIXED = regression_schema(
    columns=(
        Column("size", "number"),
        Column("colour", "category", ("", 'dark "red", old', "two\nlines", "grün")),
        Column("new", "boolean"),
    )
)


def everything(count: int) -> Any:
    return np.arange(count)


def test_examples_come_in_turn_from_every_class() -> None:
    truth = np.repeat([0, 1, 2], [50, 3, 7])
    clear = answers_of(truth, 3, np.tile([0.7, 0.2, 0.1], (60, 1)))
    chosen = choose_rows(everything(60), truth, clear, count=20)
    assert chosen[:6] == [0, 50, 53, 1, 51, 54]
    assert len(chosen) == len(set(chosen)) == 20
    assert np.bincount(truth[chosen]).tolist() == [10, 3, 7]
    assert len(choose_rows(everything(60), truth, clear, count=100)) == 60


def test_examples_are_no_ties() -> None:
    answers = answers_of([0, 0, 1], 2, [[0.5, 0.5], [0.6, 0.4], [0.4999995, 0.5000005]])
    assert choose_rows(everything(3), np.array([0, 1, 1]), answers) == [1]


def test_the_served_model_answers_an_example_as_recorded(sparse: Any) -> None:
    truth = np.repeat(np.arange(3), 50)
    examples = record_examples(sparse.predictor.schema, sparse.rows, truth, ask(sparse.predictor, sparse.rows))
    assert len(examples) == 20
    assert {example.tolerance for example in examples} == {None}
    for example in examples:
        answer = sparse.client.invoke(example.row)
        assert answer.status == 200
        assert answer.body.strip('"').replace('""', '"') == example.answer


def test_a_model_that_refuses_missing_values_is_not_asked_any() -> None:
    rows = np.array([[1, np.nan], [2, 3], [np.nan, 4]], dtype=np.float32)
    answers = answers_of([0, 1, 0], 2)
    for allowed, expected in ((False, {"2.0,3.0"}), (True, {"1.0,", "2.0,3.0", ",4.0"})):
        examples = record_examples(classifier(2, missing_allowed=allowed), rows, np.array([0, 1, 0]), answers)
        assert {example.row for example in examples} == expected


def test_a_number_has_the_tolerance_that_another_processor_needs() -> None:
    rows = np.arange(100, dtype=np.float32).reshape(50, 2)
    values = np.linspace(-1000, 1000, 50)
    values[25] = 1e-9
    examples = record_examples(regression_schema(), rows, values, NumberAnswers(values))
    assert len(examples) == 20
    assert [float(example.answer) for example in examples][:: len(examples) - 1] == [-1000, 1000]
    by_answer = {float(example.answer): example.tolerance for example in examples}
    assert by_answer[-1000] == pytest.approx(1000e-5)
    assert min(by_answer.values()) == pytest.approx(values.std() * 1e-5)


def test_examples_fit_into_one_request() -> None:
    wide = regression_schema(columns=number_columns(40_000))
    rows = np.full((30, 40_000), 0.123, dtype=np.float32)
    examples = record_examples(wide, rows, np.zeros(30), NumberAnswers(np.arange(30.0)))
    assert 1 <= len(examples) <= 3


@given(st.lists(st.floats(width=32, allow_infinity=False), min_size=1, max_size=5))
def test_numbers_are_read_back_exactly(values: list[float]) -> None:
    row = np.array(values, dtype=np.float32)
    (fields,) = csv.reader([format_row(row, regression_schema(len(values)))], strict=True)
    np.testing.assert_array_equal(np.array([parse_feature(field) for field in fields], dtype=np.float32), row)


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ([5.1, 3, 1], "5.1,grün,true"),
        ([np.nan, np.nan, np.nan], ",,"),
        ([-0.0, 1, 0], '-0.0,"dark ""red"", old",false'),
        ([1e-30, 2, np.nan], '1e-30,"two\nlines",'),
    ],
)
def test_a_row_is_written_as_a_client_would_send_it(row: list[float], text: str) -> None:
    assert format_row(np.array(row, dtype=np.float32), MIXED) == text


def test_a_single_missing_value_is_no_empty_line() -> None:
    assert format_row(np.array([np.nan], dtype=np.float32), regression_schema(1)) == '""'
