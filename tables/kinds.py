"""What columns and labels can be."""

from typing import Final, Literal

Kind = Literal["number", "boolean", "category"]
Task = Literal["classification", "regression"]
LabelType = Literal["integer", "text", "number"]

# What stands in fewer training rows is not learnt as a category of its own: it is answered like a missing value.
LEAST_ROWS_OF_A_CATEGORY: Final = 3
