"""What a model takes and answers: `schema.json` beside `model.trees`."""

import json
from dataclasses import asdict, dataclass
from typing import Any, Final, get_args

from tables.kinds import Kind, LabelType, Task

SCHEMA_FILE: Final = "schema.json"
VERSION: Final = 2


class UnreadableSchema(ValueError):
    """Not a schema of this version."""


@dataclass(frozen=True)
class Column:
    """One feature, as it stands in a file and in a request.

    The model takes a 32-bit number for it: a number itself; 1 or 0 for true and false; a category's position in
    `categories`. NaN stands for a missing value, and for a category that training did not see.
    """

    name: str | None
    """None when the dataset had no header."""
    kind: Kind
    categories: tuple[str, ...] = ()
    """Of a column of categories; empty for the other kinds."""


@dataclass(frozen=True)
class Schema:
    """A classifier answers the position of a class in `classes`; a regression, which has none, a number."""

    columns: tuple[Column, ...]
    """The features, in the order in which the model takes them."""
    task: Task
    classes: tuple[int, ...] | tuple[str, ...]
    label_type: LabelType
    """Whether all of `classes` are int, or str; `number` for a regression."""
    missing_allowed: bool
    """Whether the training job saw missing values."""
    missing_values: tuple[str, ...] = ()
    """What stands for one in text beside an empty field and `nan`."""

    @property
    def feature_count(self) -> int:
        """How many numbers the model takes for a row."""
        return len(self.columns)

    @property
    def feature_names(self) -> tuple[str, ...] | None:
        """None when the dataset had no header."""
        names = tuple(column.name for column in self.columns if column.name is not None)
        return names or None

    def to_json(self) -> str:
        """The content of `schema.json`; the same schema gives the same bytes."""
        return json.dumps({"version": VERSION, **asdict(self)}, indent=1)

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
        if not (_columns_are_consistent(schema.columns) and _label_is_consistent(schema)):
            raise UnreadableSchema(f"{SCHEMA_FILE} contradicts itself")
        return schema


def number_columns(count: int, names: tuple[str, ...] | None = None) -> tuple[Column, ...]:
    """So many columns of numbers."""
    return tuple(Column(names[position] if names else None, "number") for position in range(count))


def _from_fields(fields: dict[str, Any]) -> Schema:
    columns = [Column(**{**column, "categories": tuple(column["categories"])}) for column in fields.pop("columns")]
    classes, marks = tuple(fields.pop("classes")), tuple(fields.pop("missing_values"))
    return Schema(columns=tuple(columns), classes=classes, missing_values=marks, **fields)


def _columns_are_consistent(columns: tuple[Column, ...]) -> bool:
    names = [column.name for column in columns]
    return (
        len(columns) >= 1
        and (all(name is None for name in names) or all(type(name) is str for name in names))
        and len({name for name in names if name is not None}) in (0, len(columns))
        and all(column.kind in get_args(Kind) for column in columns)
        and all((column.kind == "category") == bool(column.categories) for column in columns)
        and all(len(set(column.categories)) == len(column.categories) for column in columns)
        and all(type(category) is str for column in columns for category in column.categories)
    )


def _label_is_consistent(schema: Schema) -> bool:
    if schema.task not in get_args(Task) or type(schema.missing_allowed) is not bool:
        return False
    if schema.task == "regression":
        return schema.label_type == "number" and not schema.classes
    label = {"integer": int, "text": str}.get(schema.label_type)
    return (
        label is not None
        and len(set(schema.classes)) == len(schema.classes) >= 2
        and all(type(name) is label for name in schema.classes)
    )
