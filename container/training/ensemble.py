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
    """Node 0 is the root. All arrays but `outputs` have one entry per node.

    Libraries may leave nodes behind that they have pruned: no way leads there, and they mean nothing.
    """

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

    @property
    def is_reached(self) -> NDArray[np.bool_]:
        """Per node: whether a way leads there from the root."""
        reached = np.zeros(len(self.left), dtype=bool)
        level = np.array([0])
        while len(level):
            reached[level] = True
            split = level[self.left[level] >= 0]
            level = np.concatenate([self.left[split], self.right[split]])
        return reached

    def without_pruned(self) -> "Tree":
        """The tree with its nodes numbered without gaps, and none that no way leads to."""
        kept = np.flatnonzero(self.is_reached)
        number = np.full(len(self.left) + 1, -1)  # the last for -1
        number[kept] = np.arange(len(kept))
        return Tree(
            number[self.left[kept]],
            number[self.right[kept]],
            self.feature[kept],
            self.threshold[kept],
            self.missing_left[kept],
            self.outputs,
            self.value[kept],
        )


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
