"""Decision trees as arrays, whichever library grew them: what the export writes and the parity rows are made from."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Comparison = Literal["<=", "<"]
Link = Literal["shares", "softmax", "logistic", "value", "exponential"]
"""What the trees' sums become. `shares`: they are the classes' probabilities. `softmax`: these follow from a sum per
class. `logistic`: that of the second of two classes follows from one sum. `value`: the sum is the answer of a
regression. `exponential`: its logarithm is."""


@dataclass(frozen=True)
class Tree:
    """Node 0 is the root. All arrays but `outputs` have one entry per node."""

    left: NDArray[np.int64]
    """Where a row goes on that passes the comparison with the threshold; -1 in a leaf."""
    right: NDArray[np.int64]
    feature: NDArray[np.int64]
    threshold: NDArray[np.float64]
    missing_left: NDArray[np.bool_]
    """Where a missing value goes."""
    outputs: NDArray[np.int64]
    """Shape (width,): which of the ensemble's sums the tree adds to."""
    value: NDArray[np.float64]
    """Shape (nodes, width): what a leaf adds to them."""

    @property
    def is_leaf(self) -> NDArray[np.bool_]:
        """Per node."""
        return self.left < 0


@dataclass(frozen=True)
class Ensemble:
    """Trees whose leaves are added up."""

    trees: tuple[Tree, ...]
    feature_count: int
    output_count: int
    comparison: Comparison
    """A row goes left when its value compares so with the threshold."""
    link: Link
    wide: bool
    """Whether the library compares and adds 64-bit numbers; else 32-bit numbers, in the order of the trees."""
