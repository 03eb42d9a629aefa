"""What columns and labels can be."""

from typing import Literal

Kind = Literal["number", "boolean", "category"]
Task = Literal["classification", "regression"]
LabelType = Literal["integer", "text", "number"]
