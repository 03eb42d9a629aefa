"""Which rows reach which node of a tree: for every node, the interval of each feature that leads to it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from container.training.ensemble import Comparison, Tree
from tests.parity.floats import HIGHEST_RANK, LOWEST_RANK, at_rank, floor, rank

OFFSETS = (-1, 0, 1)


@dataclass(frozen=True)
class Paths:
    """Arrays of shape (nodes, features), unless they say otherwise. Intervals are of ranks, both ends included."""

    low: NDArray[np.int64]
    high: NDArray[np.int64]
    missing: NDArray[np.bool_]
    """Whether a missing value leads there, too."""
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    """Shape (nodes,): the nodes below a node are those whose `first` is between its `first` and its `last`."""

    def leads_to(self, nodes: NDArray[np.int64], leaves: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether the way to each leaf goes through the node."""
        place = self.first[leaves]
        return (self.first[nodes] <= place) & (place <= self.last[nodes])


def find_paths(tree: Tree, feature_count: int, comparison: Comparison) -> Paths:
    """From the root downwards; what is asked of a feature on the way narrows its interval."""
    nodes = len(tree.left)
    low = np.full((nodes, feature_count), LOWEST_RANK)
    high = np.full((nodes, feature_count), HIGHEST_RANK)
    missing = np.ones((nodes, feature_count), dtype=bool)
    first, last = np.zeros(nodes, dtype=np.int64), np.zeros(nodes, dtype=np.int64)
    greatest_left = centres(tree, comparison) - (comparison == "<")
    pending, seen, count = [0], [], 0
    while pending:
        node = pending.pop()
        seen.append(node)
        first[node] = count
        count += 1
        if tree.left[node] < 0:
            continue
        feature = tree.feature[node]
        for child, is_left in ((tree.right[node], False), (tree.left[node], True)):
            low[child], high[child], missing[child] = low[node], high[node], missing[node]
            if is_left:
                high[child, feature] = min(high[node, feature], greatest_left[node])
            else:
                low[child, feature] = max(low[node, feature], greatest_left[node] + 1)
            missing[child, feature] &= tree.missing_left[node] == is_left
            pending.append(int(child))
    last[:] = first
    for node in reversed(seen):
        if tree.left[node] >= 0:
            last[node] = max(last[tree.left[node]], last[tree.right[node]])
    return Paths(low, high, missing, first, last)


def centres(tree: Tree, comparison: Comparison) -> NDArray[np.int64]:
    """Shape (nodes,): the rank of each threshold; of a 64-bit one, that of the 32-bit number before it."""
    thresholds = np.where(tree.is_leaf, 0.0, tree.threshold)
    return rank(floor(thresholds) if comparison == "<=" else thresholds.astype(np.float32))


@dataclass(frozen=True)
class Targets:
    """What rows are to reach: a node, with a value of its feature. Arrays of shape (targets,)."""

    node: NDArray[np.int64]
    value: NDArray[np.float32]
    """At the node's threshold, a unit in the last place (ulp) below or above it, or missing."""
    unreachable: int
    """Pairs of node and value that no row of finite numbers reaches."""

    @property
    def of_missing(self) -> int:
        """How many are of missing values."""
        return int(np.isnan(self.value).sum())


def find_targets(tree: Tree, paths: Paths, comparison: Comparison) -> Targets:
    """Every node that splits, with every value, as far as any row reaches it."""
    nodes = np.flatnonzero(~tree.is_leaf)
    feature = tree.feature[nodes]
    centre = centres(tree, comparison)[nodes]
    others = (paths.low[nodes] <= paths.high[nodes]) | paths.missing[nodes]
    others[np.arange(len(nodes)), feature] = True
    can_reach = others.all(axis=1)
    found_nodes, found_values, unreachable = [], [], 0
    for offset in OFFSETS:
        wanted = centre + offset
        reachable = can_reach & (paths.low[nodes, feature] <= wanted) & (wanted <= paths.high[nodes, feature])
        found_nodes.append(nodes[reachable])
        found_values.append(at_rank(wanted[reachable]))
        unreachable += int((~reachable).sum())
    reachable = can_reach & paths.missing[nodes, feature]
    found_nodes.append(nodes[reachable])
    found_values.append(np.full(int(reachable.sum()), np.nan, np.float32))
    return Targets(np.concatenate(found_nodes), np.concatenate(found_values), unreachable)
