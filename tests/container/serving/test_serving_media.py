import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from container.serving.media import (
    CSV,
    JSON,
    JSON_LINES,
    OFFERED,
    PARQUET,
    AnswerForm,
    choose_answer_form,
    content_media,
    parse_media_type,
)
from container.serving.rejections import RejectedRequest


def sent(header: str | None) -> bytes | None:
    return None if header is None else header.encode("utf-8", "surrogatepass")


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, CSV),
        ("", CSV),
        ("*/*", CSV),
        ("text/*", CSV),
        ("text/csv", CSV),
        ("application/json", JSON),
        ("Application/JSON; charset=utf-8", JSON),
        ("application/*", JSON),
        ("application/json, text/plain, */*", JSON),
        ("text/csv;q=0.5, application/json;q=0.4", CSV),
        ("text/csv;q=0.4, application/json;q=0.5", JSON),
        ("*/*, text/csv;q=0", JSON),
        ("application/json, text/csv", CSV),
        ("application/jsonlines", JSON_LINES),
        ("application/x-ndjson", JSON_LINES),
    ],
)
def test_answers_in_the_type_the_client_ranks_highest(accept: str | None, expected: str) -> None:
    assert choose_answer_form(sent(accept)) == AnswerForm(expected)


@pytest.mark.parametrize("accept", ["image/png", "text/csv;q=0", "text/csv;q=x", "text/csv;q=7", "*/*;q=0"])
def test_refuses_to_answer_in_other_types(accept: str) -> None:
    with pytest.raises(
        RejectedRequest, match="answers come as text/csv, application/json, application/jsonlines"
    ) as told:
        choose_answer_form(sent(accept))
    assert told.value.status == 406


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("application/json; probabilities=true", AnswerForm(JSON, probabilities=True)),
        ("*/*; probabilities=TRUE", AnswerForm(CSV, probabilities=True)),
        ("text/csv; probabilities=false", AnswerForm(CSV)),
        ("text/csv; probabilities=true; q=0.1, application/jsonlines", AnswerForm(JSON_LINES)),
    ],
)
def test_probabilities_are_asked_for_by_a_parameter(accept: str, expected: AnswerForm) -> None:
    assert choose_answer_form(sent(accept)) == expected


@given(st.text())
def test_any_header_is_understood_or_refused(header: str) -> None:
    with contextlib.suppress(RejectedRequest):
        assert choose_answer_form(sent(header)).media in OFFERED


def test_media_types_have_parameters_and_other_names() -> None:
    assert parse_media_type('Text/CSV; Charset="UTF-8"') == (CSV, {"charset": "utf-8"})
    assert content_media(b"application/vnd.apache.parquet") == PARQUET
