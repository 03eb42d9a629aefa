import pytest
from hypothesis import given
from hypothesis import strategies as st

from container.serving.media import CSV, JSON, OFFERED, choose_answer_type, parse_media_type


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
        ("image/png", None),
        ("text/csv;q=0", None),
        ("text/csv;q=x", None),
        ("text/csv;q=7", None),
        ("*/*;q=0", None),
    ],
)
def test_answers_in_the_type_the_client_ranks_highest(accept: str | None, expected: str | None) -> None:
    assert choose_answer_type(accept) == expected


@given(st.text())
def test_any_header_is_understood_or_refused(header: str) -> None:
    assert choose_answer_type(header) in (None, *OFFERED)


def test_media_types_have_parameters() -> None:
    assert parse_media_type('Text/CSV; Charset="UTF-8"') == (CSV, {"charset": "UTF-8"})
