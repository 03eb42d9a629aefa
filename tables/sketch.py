"""How the numbers of a column are spread, in memory that does not grow with the rows."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

# The upper half of a 32-bit float is sign, exponent and seven bits of the fraction: a cell for every number to within
# one part in 128. Counting cells is exact, needs one pass and adds up; a quantile is off by less than a cell.
_CELLS: Final = 1 << 16
_SIGN: Final = 1 << 15
LEAST_WAITING: Final = 4_096
# What is new beyond the former ends would else be told with the next evenly spaced share.
_ENDS: Final = (0.0001, 0.001, 0.999, 0.9999)


class Sketch:
    """Counts of numbers by their leading bits; exact count, least, greatest and mean."""

    def __init__(self, most_waiting: int = LEAST_WAITING) -> None:
        """Numbers wait until there are so many, two bytes each, since counting them goes over all cells."""
        self._most_waiting = most_waiting
        # Only the cells that hold numbers: a dataset may have ten thousand columns.
        self._cells = np.empty(0, dtype=np.uint16)
        self._counts = np.empty(0, dtype=np.int64)
        self._waiting: list[NDArray[np.uint16]] = []
        self._waiting_count = 0
        self.count = 0
        self.minimum = np.inf
        self.maximum = -np.inf
        self._sum = 0.0

    def add(self, numbers: NDArray[np.float64]) -> None:
        """`numbers` are finite."""
        if not len(numbers):
            return
        # The upper half of each, written after the lower one.
        self._waiting.append(numbers.astype("<f4").view("<u2")[1::2].copy())
        self._waiting_count += len(numbers)
        if self._waiting_count >= self._most_waiting:
            self._count_waiting()
        self.count += len(numbers)
        self._sum += float(numbers.sum())
        self.minimum = min(self.minimum, float(numbers.min()))
        self.maximum = max(self.maximum, float(numbers.max()))

    def _count_waiting(self) -> None:
        if not self._waiting:
            return
        counts = np.bincount(np.concatenate(self._waiting), minlength=_CELLS)
        counts[0] += counts[_SIGN]  # negative zeros are zeros
        counts[_SIGN] = 0
        counts[self._cells] += self._counts
        self._cells = np.flatnonzero(counts).astype(np.uint16)
        self._counts = counts[self._cells]
        self._waiting, self._waiting_count = [], 0

    @property
    def mean(self) -> float:
        """Of all numbers; 0 without any."""
        return self._sum / self.count if self.count else 0.0

    def distribution(self, points: int) -> tuple[tuple[float, float], ...]:
        """(value, share of the numbers that are at most it), ascending, the last 1: at up to so many evenly spaced
        shares, and close to both ends.
        """
        if not self.count:
            return ()
        values, shares = self._steps()
        wanted = np.concatenate([np.arange(1, points + 1) / points, _ENDS])
        chosen = np.unique(np.minimum(np.searchsorted(shares, wanted - 1e-12), len(values) - 1))
        return tuple((float(values[i]), float(shares[i])) for i in chosen)

    def quantiles(self, shares: Sequence[float]) -> tuple[float, ...]:
        """Numbers that people read: the end nearer to zero of the cell that holds each quantile."""
        if not self.count:
            return ()
        edges, steps = self._steps()
        found = edges[np.minimum(np.searchsorted(steps, np.asarray(shares) - 1e-12), len(edges) - 1)]
        near_zero = (found.astype(np.float32).view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32)
        return tuple(float(value) for value in np.clip(near_zero, self.minimum, self.maximum))

    def shares_at(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The share of the numbers that are at most each value, to within a cell."""
        if not self.count:
            return np.zeros(len(values))
        edges, shares = self._steps()
        positions = np.searchsorted(edges, values, side="right")
        return np.concatenate([[0.0], shares])[positions]

    def _steps(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The upper ends of the cells that hold numbers, ascending, and the shares up to them."""
        self._count_waiting()
        filled = self._cells.astype(np.int64)
        order = np.argsort(np.where(filled < _SIGN, filled, _SIGN - 1 - filled))
        cells = filled[order]
        # Of a positive number the cell's greatest has all lower bits set; of a negative one none.
        bits = (cells.astype(np.uint32) << 16) | np.where(cells < _SIGN, 0xFFFF, 0).astype(np.uint32)
        edges = np.minimum(bits.view(np.float32).astype(np.float64), self.maximum)
        return edges, np.cumsum(self._counts[order]) / self.count
