"""Schemas that tests speak of."""

from container.schema import Schema, number_columns


def classifier(
    features: int | tuple[str, ...],
    classes: tuple[int, ...] | tuple[str, ...] = (0, 1),
    *,
    missing_allowed: bool = False,
) -> Schema:
    """Of so many columns of numbers, or of columns with these names."""
    names = features if isinstance(features, tuple) else None
    columns = number_columns(len(names) if names else features, names)
    label_type = "text" if isinstance(classes[0], str) else "integer"
    return Schema(columns, "classification", classes, label_type, missing_allowed)
