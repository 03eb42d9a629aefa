"""Rows that reach every target of an ensemble, and are otherwise as awkward as rows can be."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from container.predictor import Rows
from container.training.ensemble import Ensemble
from tests.parity.floats import LARGEST, at_rank, rank
from tests.parity.paths import Paths, Targets, find_paths, find_targets

_CHUNK_ROWS = 50_000
# The smallest number, the smallest normal one, both zeros, the largest; codes of categories that are none.
_EXTREMES = np.array(
    [LARGEST, -LARGEST, 1e-45, -1e-45, 1.1754944e-38, 0.0, -0.0, -1.0, -2.0, 0.5, 99.0, 1e6, 16_777_216.0], np.float32
)
_SHARES = {"threshold": 0.55, "table": 0.25, "extreme": 0.1, "missing": 0.1}


@dataclass(frozen=True)
class Plan:
    """One tree and what is to be reached in it."""

    number: int
    paths: Paths
    targets: Targets
    feature: NDArray[np.int64]
    """Shape (targets,): the feature that the target's node looks at."""


@dataclass(frozen=True)
class Batch:
    """Rows for some targets of one tree, one each."""

    plan: Plan
    places: NDArray[np.int64]
    """The targets, as positions in the plan's."""
    rows: Rows


class RowMaker:
    """Makes rows for an ensemble that was fitted on `table`, with `seed`."""

    def __init__(self, ensemble: Ensemble, table: Rows, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._table = table
        self.plans = []
        for number, tree in enumerate(ensemble.trees):
            paths = find_paths(tree, ensemble.feature_count, ensemble.comparison)
            targets = find_targets(tree, paths, ensemble.comparison)
            self.plans.append(Plan(number, paths, targets, tree.feature[targets.node]))
        self._pools = [self._pool(feature) for feature in range(ensemble.feature_count)]

    @property
    def target_count(self) -> int:
        """Of all trees."""
        return sum(len(plan.targets.node) for plan in self.plans)

    def batches(self, minimum_rows: int) -> Iterator[Batch]:
        """Every target as often as it takes to have `minimum_rows`, each time in another row."""
        rounds = -(-minimum_rows // max(1, self.target_count))
        for plan in self.plans:
            places = np.tile(np.arange(len(plan.targets.node)), rounds)
            for start in range(0, len(places), _CHUNK_ROWS):
                part = places[start : start + _CHUNK_ROWS]
                yield Batch(plan, part, self._rows(plan, part))

    def _rows(self, plan: Plan, places: NDArray[np.int64]) -> Rows:
        nodes = plan.targets.node[places]
        low, high, missing = plan.paths.low[nodes], plan.paths.high[nodes], plan.paths.missing[nodes]
        rows = np.stack([self._random.choice(pool, len(places)) for pool in self._pools], axis=1)
        absent = np.isnan(rows)
        ranks = rank(np.where(absent, 0, rows))
        fits = np.where(absent, missing, (low <= ranks) & (ranks <= high))
        rows = np.where(fits, rows, self._within(low, high))
        rows[np.arange(len(places)), plan.feature[places]] = plan.targets.value[places]
        return rows

    def _within(self, low: NDArray[np.int64], high: NDArray[np.int64]) -> Rows:
        """Either end of the intervals, or anything between; NaN where they are empty."""
        between = low + (self._random.random(low.shape) * (high - low + 1)).astype(np.int64)
        kind = self._random.integers(0, 3, low.shape)
        chosen = np.where(kind == 0, low, np.where(kind == 1, high, np.clip(between, low, np.maximum(low, high))))
        return np.where(low <= high, at_rank(np.where(low <= high, chosen, 0)), np.float32(np.nan)).astype(np.float32)

    def _pool(self, feature: int, size: int = 40_000) -> Rows:
        """Values of a feature to draw from: thresholds and their neighbours, the table's, extremes, none."""
        thresholds = np.concatenate([plan.targets.value[plan.feature == feature] for plan in self.plans])
        thresholds = thresholds[~np.isnan(thresholds)]
        known = self._table[:, feature]
        sources = {
            "threshold": thresholds if len(thresholds) else known,
            "table": known,
            "extreme": _EXTREMES,
            "missing": np.array([np.nan], np.float32),
        }
        return np.concatenate(
            [self._random.choice(sources[name], int(size * share)) for name, share in _SHARES.items()]
        ).astype(np.float32)
