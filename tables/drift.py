"""How far a dataset has moved from the one that the last release was trained on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tables.profiles import ColumnProfile, NumberSpread

# A share of nothing would make the index infinite; this is less than any row's share that the sketch tells apart.
_LEAST_SHARE: Final = 1e-4
_BINS: Final = 10


@dataclass(frozen=True)
class Drift:
    """Of one column. `ks` is of numbers only."""

    psi: float
    """Population stability index: the sum over the bins of (p - q) ln(p / q)."""
    ks: float | None
    """Kolmogorov-Smirnov statistic: the largest distance between the two cumulative distributions."""


def column_drift(before: ColumnProfile, now: ColumnProfile, before_rows: int, now_rows: int) -> Drift | None:
    """None where there is nothing to compare: another kind, or no value. Missing values are a bin of their own."""
    if before.kind != now.kind or before_rows == 0 or now_rows == 0:
        return None
    absent = (before.missing / before_rows, now.missing / now_rows)
    if before.numbers is not None and now.numbers is not None:
        return number_drift(before.numbers, now.numbers, absent)
    if before.categories and now.categories:
        return Drift(_psi(*_category_shares(before, now, absent)), None)
    return None


def number_drift(before: NumberSpread, now: NumberSpread, absent: tuple[float, float] = (0.0, 0.0)) -> Drift:
    """Bins are the tenths of the former dataset, fewer where many numbers are alike."""
    edges = np.array([value for value, _ in before.distribution])
    shares = np.array([share for _, share in before.distribution])
    shares_now = _shares_at(now, edges)
    ks = float(np.abs(shares - shares_now).max())
    cuts = np.unique(np.searchsorted(shares, np.arange(1, _BINS) / _BINS - 1e-12))
    cuts = cuts[shares[cuts] < 1]
    binned = [np.diff(np.concatenate([[0.0], each[cuts], [1.0]])) for each in (shares, shares_now)]
    p, q = (np.append(bins * (1 - gone), gone) for bins, gone in zip(binned, absent, strict=True))
    return Drift(_psi(p, q), ks)


def class_drift(before: Mapping[str, int], now: Mapping[str, int]) -> Drift:
    """Of the label's classes."""
    names = sorted(before.keys() | now.keys())
    shares = [np.array([counts.get(name, 0) for name in names], dtype=float) for counts in (before, now)]
    p, q = (counts / max(counts.sum(), 1) for counts in shares)
    return Drift(_psi(p, q), None)


def _shares_at(spread: NumberSpread, values: NDArray[np.float64]) -> NDArray[np.float64]:
    edges = np.array([value for value, _ in spread.distribution])
    shares = np.array([0.0, *(share for _, share in spread.distribution)])
    return shares[np.searchsorted(edges, values, side="right")]


def _category_shares(
    before: ColumnProfile, now: ColumnProfile, absent: tuple[float, float]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Over the former dataset's categories; what is new, and what was rare, is one bin."""
    names = [name for name, _ in before.categories]

    def shares(column: ColumnProfile, gone: float) -> NDArray[np.float64]:
        counts = dict(column.categories)
        known = np.array([counts.get(name, 0) for name in names], dtype=float)
        total = sum(counts.values()) + column.other
        rest = total - known.sum()
        return np.append(np.append(known, rest) / max(total, 1) * (1 - gone), gone)

    return shares(before, absent[0]), shares(now, absent[1])


def _psi(p: NDArray[np.float64], q: NDArray[np.float64]) -> float:
    p, q = np.maximum(p, _LEAST_SHARE), np.maximum(q, _LEAST_SHARE)
    return float(np.sum((p - q) * np.log(p / q)))
