"""32-bit numbers in their order, as whole numbers: neighbours differ by one."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

LARGEST = np.finfo(np.float32).max


def rank(values: NDArray[np.float32]) -> NDArray[np.int64]:
    """Of each number, infinities included, not NaN; both zeros have rank 0."""
    bits = np.ascontiguousarray(values, dtype=np.float32).view(np.int32).astype(np.int64)
    return np.where(bits >= 0, bits, -(2**31) - bits)


def at_rank(ranks: NDArray[np.int64]) -> NDArray[np.float32]:
    """The number of each rank."""
    ranks = np.asarray(ranks, dtype=np.int64)
    bits = np.where(ranks >= 0, ranks, -(2**31) - ranks).astype(np.int32)
    return bits.view(np.float32)


def floor(values: NDArray[Any]) -> NDArray[np.float32]:
    """The largest 32-bit number that is no larger than each 64-bit number."""
    with np.errstate(over="ignore"):
        nearest = values.astype(np.float32)
    above = nearest.astype(np.float64) > values
    return np.where(above, at_rank(rank(nearest) - 1), nearest)


LOWEST_RANK, HIGHEST_RANK = (int(rank(np.array([sign * LARGEST]))[0]) for sign in (-1, 1))
