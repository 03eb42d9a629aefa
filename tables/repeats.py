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
            hashes, inverse = np.unique(np.concatenate([self._hashes, *self._waiting]), return_inverse=True)
            counts = np.append(self._counts, np.ones(self._waiting_count, dtype=np.int64))
            self._hashes, self._counts = hashes, np.bincount(inverse, weights=counts).astype(np.int64)
            self._waiting, self._waiting_count = [], 0
        while len(self._hashes) > self._limit:
            self._halvings += 1
            kept = _divisible(self._hashes, self._halvings)
            self._hashes, self._counts = self._hashes[kept], self._counts[kept]

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


def _divisible(hashes: NDArray[np.uint64], halvings: int) -> NDArray[np.bool_]:
    divisible: NDArray[np.bool_] = hashes & np.uint64((1 << halvings) - 1) == 0
    return divisible
