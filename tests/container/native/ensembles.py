"""Ensembles that nobody would grow, rows made to tell them apart, and what both come to by the book: plain Python."""

import ctypes
import ctypes.util
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from container.predictor import Rows
from container.training.ensemble import Ensemble, Tree

_LIBM = ctypes.CDLL(ctypes.util.find_library("m"))
_LIBM.expf.argtypes, _LIBM.expf.restype = (ctypes.c_float,), ctypes.c_float
SINGLE = np.float32
TIED = SINGLE(2.0**-22)
# Where 32-bit numbers end, change their spacing, or have two forms.
CORNERS = np.array(
    [0.0, -0.0, 1e-45, -1e-45, 1.1754944e-38, -1.1754944e-38, 1.0, -1.0, 3.4028235e38, -3.4028235e38, np.nan, np.nan],
    dtype=SINGLE,
)


@dataclass(frozen=True)
class Drawn:
    """An ensemble and rows that come as near to its thresholds as rows can."""

    ensemble: Ensemble
    rows: Rows


@st.composite
def drawn(draw: st.DrawFn) -> Drawn:
    """Of any link, number of sums, shapes of trees, and number of rows around what is done at once."""
    link = draw(st.sampled_from(["shares", "softmax", "logistic", "value", "exponential"]))
    outputs = draw(st.integers(2, 6)) if link in ("shares", "softmax") else 1
    features = draw(st.sampled_from([1, 2, 7, 40]))
    trees = draw(st.sampled_from([1, 2, 7, 8, 9, 30]))
    splits = draw(st.lists(st.sampled_from([0, 1, 5, 30, 31, 32, 60]), min_size=1, max_size=3))
    rows = draw(st.sampled_from([1, 2, 7, 8, 9, 16, 17, 100]))
    wide = link == "shares" or (link == "value" and draw(st.booleans()))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    grown = tuple(
        random_tree(
            random,
            features,
            splits[number % len(splits)],
            np.arange(outputs) if wide else np.array([number % outputs]),
            wide=wide,
        )
        for number in range(trees)
    )
    ensemble = Ensemble(grown, features, outputs, "<=" if wide else "<", link, wide)
    return Drawn(ensemble, near_rows(random, ensemble, rows))


def random_tree(
    random: np.random.Generator, features: int, splits: int, outputs: NDArray[np.int64], *, wide: bool
) -> Tree:
    """With that many nodes that split, each in a leaf that chance picked."""
    count = 2 * splits + 1
    left, right = np.full(count, -1), np.full(count, -1)
    leaves = [0]
    for number in range(splits):
        parent = leaves.pop(int(random.integers(len(leaves))))
        left[parent], right[parent] = 2 * number + 1, 2 * number + 2
        leaves += [2 * number + 1, 2 * number + 2]
    thresholds = random.normal(size=count) * 10.0 ** random.integers(-3, 3, count)
    special = random.random(count) < 0.3
    thresholds[special] = random.choice(np.nan_to_num(CORNERS).astype(np.float64), special.sum())
    if wide:  # between two 32-bit numbers, or beyond all of them
        thresholds *= 1 + random.choice([0, 0, 1e-12, -1e-12, 1e-3], count)
    else:
        thresholds = thresholds.astype(SINGLE).astype(np.float64)
    values = random.normal(size=(count, len(outputs))) * 10.0 ** random.integers(-3, 1, (count, 1))
    values = values if wide else values.astype(SINGLE).astype(np.float64)
    return Tree(
        left, right, random.integers(0, features, count), thresholds, random.random(count) < 0.5, outputs, values
    )


def near_rows(random: np.random.Generator, ensemble: Ensemble, count: int) -> Rows:
    """Thresholds of the feature, their neighbours, and corners."""
    rows = np.empty((count, ensemble.feature_count), dtype=SINGLE)
    for feature in range(ensemble.feature_count):
        found = np.concatenate([tree.threshold[(tree.feature == feature) & ~tree.is_leaf] for tree in ensemble.trees])
        with np.errstate(over="ignore"):
            near = found.astype(SINGLE)
            around = np.concatenate([near, np.nextafter(near, SINGLE(np.inf)), np.nextafter(near, SINGLE(-np.inf))])
        choices = np.concatenate([around[~np.isinf(around)], CORNERS])
        rows[:, feature] = random.choice(choices, count)
    return rows


def sums(ensemble: Ensemble, row: NDArray[np.float32]) -> list[float]:
    """One row's sums: from root to leaf, in the order of the trees, in the width that the library adds in."""
    totals = [0.0] * ensemble.output_count
    for tree in ensemble.trees:
        node = 0
        while tree.left[node] >= 0:
            value, threshold = float(row[tree.feature[node]]), float(tree.threshold[node])
            if np.isnan(value):
                goes_left = bool(tree.missing_left[node])
            else:
                goes_left = value <= threshold if ensemble.comparison == "<=" else value < threshold
            node = int(tree.left[node] if goes_left else tree.right[node])
        for output, value in zip(tree.outputs, tree.value[node], strict=True):
            total = totals[output]
            totals[output] = total + value if ensemble.wide else float(SINGLE(total) + SINGLE(value))
    return totals


def shares(ensemble: Ensemble, totals: list[float]) -> NDArray[np.float32]:
    """What the sums become, in 32-bit numbers."""
    single = np.array(totals, dtype=SINGLE)
    match ensemble.link:
        case "softmax":
            powers = np.array([_exp(total - single.max()) for total in single], dtype=SINGLE)
            return powers / SINGLE(sum(map(float, powers)))
        case "logistic":
            second = SINGLE(1) / (_exp(min(-single[0], SINGLE(88.7))) + SINGLE(1))
            return np.array([SINGLE(1) - second, second], dtype=SINGLE)
        case "exponential":
            return np.array([_exp(single[0])], dtype=SINGLE)
        case _:
            return single


def position(probabilities: NDArray[np.float32]) -> int:
    """The first class that is as probable as any."""
    return int(np.flatnonzero(probabilities >= probabilities.max() - TIED)[0])


def _exp(number: np.float32) -> np.float32:
    return SINGLE(_LIBM.expf(float(number)))
