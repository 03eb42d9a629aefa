"""Rows that stand in a dataset twice, or in two datasets, in memory that does not grow with the rows."""

from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

_SEED: Final = 0
_MOST_HASHES: Final = 4_194_304


class RowHashes:
    """The rows' 64-bit hashes. Beyond `limit` only those divisible by a growing power of two are kept: a sample of
    the different rows with all their copies, so that shares of copies stay right.
    """

    def __init__(self, limit: int = _MOST_HASHES) -> None:
        self._limit = limit
        self._kept: list[NDArray[np.uint64]] = []
        self._count = 0
        self._halvings = 0

    @property
    def sampled(self) -> bool:
        """Whether not all rows are kept."""
        return self._halvings > 0

    def add(self, rows: pl.DataFrame) -> None:
        """Rows of the same columns each time."""
        self._take(rows.hash_rows(seed=_SEED).to_numpy())

    def _take(self, hashes: NDArray[np.uint64]) -> None:
        self._kept.append(_divisible(hashes, self._halvings))
        self._count += len(self._kept[-1])
        while self._count > self._limit:
            self._halvings += 1
            self._kept = [_divisible(kept, self._halvings) for kept in self._kept]
            self._count = sum(map(len, self._kept))

    def copies(self) -> float:
        """The share of rows that are a copy of an earlier one."""
        hashes = pl.Series(self._hashes())
        return 1 - hashes.n_unique() / len(hashes) if len(hashes) else 0.0

    def share_in(self, other: "RowHashes") -> float:
        """The share of these rows that also stand in the other dataset."""
        halvings = max(self._halvings, other._halvings)  # noqa: SLF001 -- of its own class
        ours, theirs = _divisible(self._hashes(), halvings), _divisible(other._hashes(), halvings)  # noqa: SLF001
        return float(np.isin(ours, theirs).mean()) if len(ours) else 0.0

    def _hashes(self) -> NDArray[np.uint64]:
        return np.concatenate([np.empty(0, dtype=np.uint64), *self._kept])


def _divisible(hashes: NDArray[np.uint64], halvings: int) -> NDArray[np.uint64]:
    if not halvings:
        return hashes
    divisible: NDArray[np.uint64] = hashes[hashes & np.uint64((1 << halvings) - 1) == 0]
    return divisible
