import json
from typing import Any

import pytest

from container.schema import Schema, UnreadableSchema

SCHEMA = Schema(2, ("length", "width"), ("no", "yes"), "text", missing_allowed=True)


@pytest.mark.parametrize("schema", [SCHEMA, Schema(1, None, (-1, 0, 7), "integer", missing_allowed=False)])
def test_is_read_as_it_was_written(schema: Schema) -> None:
    assert Schema.from_json(schema.to_json()) == schema


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "null", b"\xff"])
def test_refuses_what_is_no_schema(text: str | bytes) -> None:
    with pytest.raises(UnreadableSchema):
        Schema.from_json(text)


@pytest.mark.parametrize(
    "change",
    [
        {"feature_count": 3},
        {"feature_count": "2"},
        {"feature_count": 0, "feature_names": None},
        {"classes": ["no"]},
        {"classes": ["no", "no"]},
        {"classes": [0, 1]},
        {"classes": None},
        {"label_type": "integer"},
        {"label_type": "float"},
        {"missing_allowed": 1},
        {"threshold": 1},
    ],
)
def test_refuses_a_schema_that_contradicts_itself(change: dict[str, Any]) -> None:
    with pytest.raises(UnreadableSchema):
        Schema.from_json(json.dumps({**json.loads(SCHEMA.to_json()), **change}))


def test_refuses_another_version() -> None:
    text = json.dumps({**json.loads(SCHEMA.to_json()), "version": 2})
    with pytest.raises(UnreadableSchema, match="has version 2, this program reads 1"):
        Schema.from_json(text)
