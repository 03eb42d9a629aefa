"""What a model takes and answers: `schema.json` beside `model.onnx`."""

import json
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

SCHEMA_FILE: Final = "schema.json"
VERSION: Final = 1
LabelType = Literal["integer", "text"]


class UnreadableSchema(ValueError):
    """Not a schema of this version."""


@dataclass(frozen=True)
class Schema:
    """The model answers the position of a class in `classes`."""

    feature_count: int
    feature_names: tuple[str, ...] | None
    """None when the dataset had no header."""
    classes: tuple[int, ...] | tuple[str, ...]
    label_type: LabelType
    """Whether all of `classes` are int, or str."""
    missing_allowed: bool
    """Whether the training job saw missing values."""

    def to_json(self) -> str:
        """The content of `schema.json`; the same schema gives the same bytes."""
        return json.dumps(
            {
                "version": VERSION,
                "feature_count": self.feature_count,
                "feature_names": self.feature_names,
                "classes": self.classes,
                "label_type": self.label_type,
                "missing_allowed": self.missing_allowed,
            },
            indent=1,
        )

    @classmethod
    def from_json(cls, text: str | bytes) -> "Schema":
        """Raises: UnreadableSchema."""
        try:
            fields = json.loads(text)
            version = fields.pop("version")
            schema = _from_fields(fields) if version == VERSION else None
        except (ValueError, KeyError, TypeError, AttributeError) as fault:
            raise UnreadableSchema(f"{SCHEMA_FILE} does not have the expected form: {fault!r}") from fault
        if schema is None:
            raise UnreadableSchema(f"{SCHEMA_FILE} has version {version!r}, this program reads {VERSION}")
        if not _consistent(schema):
            raise UnreadableSchema(f"{SCHEMA_FILE} contradicts itself")
        return schema


def _from_fields(fields: dict[str, Any]) -> Schema:
    names = fields.pop("feature_names")
    return Schema(feature_names=None if names is None else tuple(names), classes=tuple(fields.pop("classes")), **fields)


def _consistent(schema: Schema) -> bool:
    label = int if schema.label_type == "integer" else str
    return (
        schema.label_type in get_args(LabelType)
        and type(schema.feature_count) is int
        and schema.feature_count >= 1
        and (schema.feature_names is None or len(schema.feature_names) == schema.feature_count)
        and len(set(schema.classes)) == len(schema.classes) >= 2
        and all(type(name) is label for name in schema.classes)
        and type(schema.missing_allowed) is bool
    )
