"""Small trees as questions that need no order: `struct flat` of trees.h."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

_MOST_LEAVES: Final = 32  # bits of a mask


@dataclass(frozen=True)
class FlatTrees:
    """What the library reads beside the nodes that are walked."""

    trees: NDArray[np.uint32]
    """Shape (trees, 4): first question, questions, first leaf, leaves; no leaves where a tree is too large."""
    questions: NDArray[np.uint32]
    """Shape (questions, 3): a threshold's key, a slot, the bits of the leaves on the left."""
    leaves: NDArray[np.uint32]
    """From left to right, tree after tree, which row of the values each adds; the library has the rows themselves."""


def flatten(
    roots: NDArray[np.uint32],
    children: NDArray[np.uint32],
    keys: NDArray[np.int32],
    slots: NDArray[np.uint32],
    leaves: NDArray[np.uint32],
) -> FlatTrees:
    """The trees at `roots`, with nodes as in `PackedTrees`; `keys`, `slots`, `leaves` are as the library has them."""
    sizes = np.diff(roots, append=np.uint32(len(children))).astype(np.int64)
    small = (sizes + 1) // 2 <= _MOST_LEAVES
    is_leaf = children == np.arange(len(children))
    kept = np.repeat(small, sizes)
    first, count = _leaves_below(roots[small].astype(np.int64), children.astype(np.int64), is_leaf)

    asked = np.flatnonzero(kept & ~is_leaf)
    left = children[asked].astype(np.int64)
    masks = ((np.uint64(1) << count[left].astype(np.uint64)) - np.uint64(1)) << first[left].astype(np.uint64)
    questions = np.column_stack([keys[asked].view(np.uint32), slots[asked], masks.astype(np.uint32)])

    leaf_counts = np.where(small, (sizes + 1) // 2, 0)
    question_counts = np.where(small, leaf_counts - 1, 0)
    trees = [_starts(question_counts), question_counts, _starts(leaf_counts), leaf_counts]
    ends = np.flatnonzero(kept & is_leaf)
    tree = np.repeat(np.arange(len(roots)), sizes)[ends]
    ordered = np.empty(len(ends), dtype=np.uint32)
    ordered[_starts(leaf_counts)[tree] + first[ends]] = leaves[ends]
    return FlatTrees(np.column_stack(trees).astype(np.uint32), questions.astype(np.uint32), ordered)


def _leaves_below(
    roots: NDArray[np.int64], children: NDArray[np.int64], is_leaf: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Of each node its tree's first leaf that is below it, counted from the left, and how many are."""
    levels = [roots]
    while len(levels[-1]):
        lefts = children[levels[-1][~is_leaf[levels[-1]]]]
        levels.append(np.concatenate([lefts, lefts + 1]))
    first, count = np.zeros(len(children), dtype=np.int64), np.ones(len(children), dtype=np.int64)
    parents = [level[~is_leaf[level]] for level in levels]
    for level in reversed(parents):
        count[level] = count[children[level]] + count[children[level] + 1]
    for level in parents:
        first[children[level]] = first[level]
        first[children[level] + 1] = first[level] + count[children[level]]
    return first, count


def _starts(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.cumsum(counts) - counts
