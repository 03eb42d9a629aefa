"""The different texts of a column, numbered in the order in which they were seen."""

from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

UNKNOWN: Final = -1


class Dictionary:
    """Up to `limit` texts; what comes after them stays unknown, so that memory is bounded."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._ids: dict[str, int] = {}
        self.full = False

    @property
    def names(self) -> tuple[str, ...]:
        """The texts, in the order of their numbers."""
        return tuple(self._ids)

    def learn(self, cells: pl.Series) -> list[str]:
        """The texts that were not known; as many are remembered as there is room for."""
        if self.full:
            return []
        fresh = [text for text in cells.drop_nulls().unique(maintain_order=True) if text not in self._ids]
        room = self._limit - len(self._ids)
        self.full = len(fresh) > room
        for text in fresh[:room]:
            self._ids[text] = len(self._ids)
        return fresh[:room]

    def ids(self, cells: pl.Series) -> NDArray[np.int32]:
        """Each cell's number; `UNKNOWN` for a missing value, and for a text that is not known."""
        if not self._ids:
            return np.full(len(cells), UNKNOWN, dtype=np.int32)
        known = cells.replace_strict(list(self._ids), range(len(self._ids)), default=None, return_dtype=pl.Int32)
        return known.fill_null(UNKNOWN).to_numpy()
