import numpy as np
import pytest

from container.training.ensemble import Ensemble, Tree
from container.training.forest import FittedForest
from container.training.packing import pack_trees
from tests.container.fits import classification, fitted


def stump(outputs: list[int], values: list[list[float]]) -> Tree:
    """A root and two leaves."""
    return Tree(
        *(np.array([1, -1, -1]), np.array([2, -1, -1]), np.zeros(3, np.int64), np.zeros(3), np.zeros(3, bool)),
        *(np.array(outputs), np.array([[0.0] * len(outputs), *values])),
    )


def test_siblings_are_side_by_side_after_their_parent() -> None:
    estimator, _ = fitted(classification(), n_estimators=3)
    packed = pack_trees(estimator.ensemble())
    assert [len(tree.left) for tree in estimator.ensemble().trees] == np.diff(
        [*packed.roots, len(packed.nodes)]
    ).tolist()
    children = packed.nodes["child"].astype(np.int64)
    inner = children != np.arange(len(children))
    assert (children[inner] > np.flatnonzero(inner)).all()
    reached = np.concatenate([packed.roots, children[inner], children[inner] + 1])
    assert sorted(reached.tolist()) == list(range(len(children)))


def test_pure_leaves_share_what_they_add(complete) -> None:
    packed = pack_trees(FittedForest(complete.forest).ensemble())
    leaves = np.count_nonzero(packed.nodes["child"] == np.arange(len(packed.nodes)))
    assert len(packed.values) < leaves / 2
    pure = packed.values[np.count_nonzero(packed.values, axis=1) == 1]
    assert len(pure) <= 3 * len(packed.roots)


def test_pure_leaves_that_add_another_amount_are_kept() -> None:
    trees = (stump([0, 1], [[0, 0.25], [0, 0.5]]), stump([0, 1], [[0.5, 0], [0, 0]]))
    packed = pack_trees(Ensemble(trees, 1, 2, "<=", "shares", wide=True))
    assert packed.values[packed.nodes["leaf"][[1, 2, 4, 5]]].tolist() == [[0, 0.25], [0, 0.5], [0.5, 0], [0, 0]]


def test_trees_that_add_to_sums_apart_are_refused() -> None:
    with pytest.raises(ValueError, match="not side by side"):
        pack_trees(Ensemble((stump([0, 2], [[0, 1], [1, 0]]),), 1, 3, "<=", "shares", wide=True))
