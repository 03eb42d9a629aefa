import json
from typing import Any

import pytest

from container.schema import Column, Schema, UnreadableSchema
from tests.container.schemas import classifier

SCHEMA = Schema(
    (Column("length", "number"), Column("colour", "category", ("red", "blue"))),
    "classification",
    ("no", "yes"),
    "text",
    missing_allowed=True,
)
LENGTH = {"name": "length", "kind": "number", "categories": []}
COLOUR = {"name": "colour", "kind": "category", "categories": ["red"]}


@pytest.mark.parametrize(
    "schema",
    [
        SCHEMA,
        classifier(1, (-1, 0, 7)),
        Schema((Column(None, "boolean"),), "regression", (), "number", missing_allowed=False),
    ],
)
def test_is_read_as_it_was_written(schema: Schema) -> None:
    assert Schema.from_json(schema.to_json()) == schema


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "null", b"\xff"])
def test_refuses_what_is_no_schema(text: str | bytes) -> None:
    with pytest.raises(UnreadableSchema):
        Schema.from_json(text)


@pytest.mark.parametrize(
    "change",
    [
        {"columns": []},
        {"columns": None},
        {"columns": [LENGTH, LENGTH]},
        {"columns": [LENGTH, {**COLOUR, "name": None}]},
        {"columns": [{**COLOUR, "kind": "date"}]},
        {"columns": [{**COLOUR, "categories": []}]},
        {"columns": [{**COLOUR, "categories": ["red", "red"]}]},
        {"columns": [{**COLOUR, "categories": [1]}]},
        {"columns": [{**COLOUR, "kind": "number"}]},
        {"task": "clustering"},
        {"task": "regression"},
        {"task": "regression", "classes": []},
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
    text = json.dumps({**json.loads(SCHEMA.to_json()), "version": 1})
    with pytest.raises(UnreadableSchema, match="has version 1, this program reads 2"):
        Schema.from_json(text)
