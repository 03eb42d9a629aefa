"""From the fitted trees to the file that is served, see `container.native.packed`.

The nodes compare 32-bit numbers, as the rows have. That loses nothing: a 32-bit number is no greater than a 64-bit
threshold exactly when it is no greater than the largest 32-bit number below or at that.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from container.native.packed import NODE, Nodes, PackedTrees
from container.training.ensemble import Comparison, Ensemble, Tree

_LARGEST = np.finfo(np.float32).max


def pack_trees(ensemble: Ensemble) -> PackedTrees:
    """The same trees, without nodes that no way leads to.

    Raises:
        ValueError: a tree adds to sums that are not side by side, or trees differ in how many they add to.
    """
    nodes, values = [], []
    roots = np.zeros(len(ensemble.trees), dtype=np.uint32)
    leaves = count = 0
    for number, tree in enumerate(ensemble.trees):
        if (np.diff(tree.outputs) != 1).any():
            raise ValueError(f"tree {number} adds to the sums {tree.outputs.tolist()}, which are not side by side")
        order, children = _level_by_level(tree)
        packed = _pack_nodes(tree, order, ensemble)
        leaf = children < 0
        packed["child"] = np.where(leaf, np.arange(len(order)), children) + count
        kept, kinds = _distinct(tree.value[order[leaf]])
        packed["leaf"][leaf] = leaves + kinds
        roots[number] = count
        nodes.append(packed)
        values.append(kept)
        count += len(order)
        leaves += len(values[-1])
    return PackedTrees(
        ensemble.feature_count,
        ensemble.output_count,
        ensemble.link,
        ensemble.wide,
        roots,
        np.array([tree.outputs[0] for tree in ensemble.trees], dtype=np.uint32),
        np.concatenate(nodes),
        np.concatenate(values).astype(np.float64),
    )


def _level_by_level(tree: Tree) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The tree's nodes with siblings side by side and after their parent; for each of them where its left child is in
    that order, -1 for a leaf.
    """
    orders, children = [], []
    level = np.array([0])
    reached = 1
    while len(level):
        split = tree.left[level] >= 0
        parents = level[split]
        places = np.full(len(level), -1)
        places[split] = reached + 2 * np.arange(len(parents))
        orders.append(level)
        children.append(places)
        level = np.column_stack([tree.left[parents], tree.right[parents]]).ravel()
        reached += len(level)
    return np.concatenate(orders), np.concatenate(children)


def _distinct(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The rows without those of pure leaves that are there already, and for each leaf its row.

    In a deep forest of classes nearly all leaves are pure, and there are no more kinds of them than classes.
    """
    own = np.ones(len(values), dtype=bool)
    source = np.arange(len(values))
    if values.shape[1] > 1:
        pure = np.flatnonzero(np.count_nonzero(values, axis=1) == 1)
        column = (values[pure] != 0).argmax(axis=1)
        _, first, kind = np.unique(column, return_index=True, return_inverse=True)
        model = pure[first[kind]]
        same = values[pure, column] == values[model, column]
        source[pure[same]] = model[same]
        own[pure[same]] = False
        own[pure[first]] = True
    place = np.cumsum(own) - 1
    return values[own], place[source]


def _pack_nodes(tree: Tree, order: NDArray[np.int64], ensemble: Ensemble) -> Nodes:
    leaf = tree.left[order] < 0
    packed = np.zeros(len(order), dtype=NODE)
    packed["threshold"] = np.where(leaf, 0, narrow(np.where(leaf, 0, tree.threshold[order]), ensemble.comparison))
    slots = tree.feature[order] + np.where(tree.missing_left[order], 0, ensemble.feature_count)
    packed["slot"] = np.where(leaf, 0, slots)
    return packed


def narrow(thresholds: NDArray[np.float64], comparison: Comparison) -> NDArray[np.float32]:
    """For each the largest finite 32-bit number that compares so with it; -infinity where none does."""
    with np.errstate(over="ignore", under="ignore"):
        nearest = thresholds.astype(np.float32)
        lower = np.nextafter(nearest, np.float32(-np.inf))
    exact: NDArray[Any] = nearest.astype(np.float64)
    beyond = exact > thresholds if comparison == "<=" else exact >= thresholds
    below = np.where(beyond, lower, nearest)
    return np.minimum(below, _LARGEST)
