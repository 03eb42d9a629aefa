"""Rows that stand in a dataset twice, or in two datasets, in memory that does not grow with the rows."""

from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

_SEED: Final = 0
_MOST_HASHES: Final = 4_194_304


class RowHashes:
    """How often each 64-bit hash of a row was seen. Of more than `limit` different ones only those divisible by a
    growing power of two are kept: a sample of the different rows with all their copies, so that shares stay right.
    """

    def __init__(self, limit: int = _MOST_HASHES) -> None:
        self._limit = limit
        self._hashes = np.empty(0, dtype=np.uint64)
        self._counts = np.empty(0, dtype=np.int64)
        self._waiting: list[NDArray[np.uint64]] = []
        self._waiting_count = 0
        self._halvings = 0

    @property
    def sampled(self) -> bool:
        """Whether not all rows are kept."""
        self._count_waiting()
        return self._halvings > 0

    def add(self, rows: pl.DataFrame) -> None:
        """Rows of the same columns each time."""
        self._take(rows.hash_rows(seed=_SEED).to_numpy())

    def _take(self, hashes: NDArray[np.uint64]) -> None:
        self._waiting.append(hashes[_divisible(hashes, self._halvings)])
        self._waiting_count += len(self._waiting[-1])
        if self._waiting_count > self._limit:
            self._count_waiting()

    def _count_waiting(self) -> None:
        if self._waiting:
            self._merge(*_counted(np.concatenate(self._waiting)))
            self._waiting, self._waiting_count = [], 0
        while len(self._hashes) > self._limit:
            self._halvings += 1
            kept = _divisible(self._hashes, self._halvings)
            self._hashes, self._counts = self._hashes[kept], self._counts[kept]

    def _merge(self, hashes: NDArray[np.uint64], counts: NDArray[np.int64]) -> None:
        """Add different hashes, ascending, to those that are there."""
        if not len(self._hashes):
            self._hashes, self._counts = hashes, counts
            return
        places = np.searchsorted(self._hashes, hashes)
        known = places < len(self._hashes)
        known[known] = self._hashes[places[known]] == hashes[known]
        self._counts[places[known]] += counts[known]
        self._hashes = np.insert(self._hashes, places[~known], hashes[~known])
        self._counts = np.insert(self._counts, places[~known], counts[~known])

    def copies(self) -> float:
        """The share of rows that are a copy of an earlier one."""
        self._count_waiting()
        rows = int(self._counts.sum())
        return (rows - len(self._hashes)) / rows if rows else 0.0

    def share_in(self, other: "RowHashes") -> float:
        """The share of these rows that also stand in the other dataset."""
        self._count_waiting()
        other._count_waiting()  # noqa: SLF001 -- of its own class
        kept = _divisible(self._hashes, other._halvings)  # noqa: SLF001
        rows = int(self._counts[kept].sum())
        found = kept & np.isin(self._hashes, other._hashes, assume_unique=True)  # noqa: SLF001
        return float(self._counts[found].sum() / rows) if rows else 0.0


def _counted(hashes: NDArray[np.uint64]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """The different ones, ascending, with how often each is there. The array is sorted in place."""
    hashes.sort()
    starts = np.flatnonzero(np.append(True, hashes[1:] != hashes[:-1])[: len(hashes)])
    return hashes[starts], np.diff(np.append(starts, len(hashes)))


def _divisible(hashes: NDArray[np.uint64], halvings: int) -> NDArray[np.bool_]:
    divisible: NDArray[np.bool_] = hashes & np.uint64((1 << halvings) - 1) == 0
    return divisible
