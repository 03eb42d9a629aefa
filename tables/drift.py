"""How far a dataset has moved from the one that the last release was trained on."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tables.profiles import ColumnProfile, NumberSpread

# A share of nothing would make the index infinite: it counts as half a row, and at least as this.
_LEAST_SHARE: Final = 1e-4
_BINS: Final = 10
# Two draws from one and the same source differ by more than what is taken for chance once in a thousand times.
_NORMAL_QUANTILE: Final = 3.0902  # of 99.9 %
_KOLMOGOROV_QUANTILE: Final = 1.9495  # sqrt(-ln(.001 / 2) / 2)
Shares = NDArray[np.float64]


@dataclass(frozen=True)
class Rows:
    """How many there are of the former dataset, and now."""

    before: int
    now: int

    @property
    def scatter(self) -> float:
        """The variance of the difference between two shares' estimates, in units of p (1 - p)."""
        return 1 / self.before + 1 / self.now


@dataclass(frozen=True)
class Drift:
    """Of one column; `ks` of numbers only. Two draws of so many rows from one source may show what chance says."""

    psi: float
    """Population stability index: the sum over the bins of (p - q) ln(p / q)."""
    ks: float | None
    """Kolmogorov-Smirnov statistic: the largest distance between the two cumulative distributions."""
    chance_psi: float
    chance_ks: float

    def psi_beyond(self, limit: float | None) -> bool:
        """Whether it is above a limit, and above what chance explains."""
        return limit is not None and self.psi > max(limit, self.chance_psi)

    def ks_beyond(self, limit: float | None) -> bool:
        """The same of the other statistic."""
        return limit is not None and self.ks is not None and self.ks > max(limit, self.chance_ks)


def column_drift(before: ColumnProfile, now: ColumnProfile, rows: Rows) -> Drift | None:
    """None where there is nothing to compare: another kind, or no value. Missing values are a bin of their own."""
    if before.kind != now.kind or rows.before == 0 or rows.now == 0:
        return None
    absent = (before.missing / rows.before, now.missing / rows.now)
    if before.numbers is not None and now.numbers is not None:
        return number_drift(before.numbers, now.numbers, rows, absent)
    if before.categories and now.categories:
        return _drift(*_category_shares(before, now, absent), rows)
    return None


def number_drift(
    before: NumberSpread, now: NumberSpread, rows: Rows, absent: tuple[float, float] = (0.0, 0.0)
) -> Drift:
    """Bins are the tenths of the former dataset, fewer where many numbers are alike, and what lies beyond its ends."""
    edges, shares = _steps(before)
    values = np.union1d(edges, _steps(now)[0])
    ks = float(np.abs(_shares_at(before, values) - _shares_at(now, values)).max())
    cuts = np.unique(np.searchsorted(shares, np.arange(1, _BINS) / _BINS - 1e-12))
    inner = edges[cuts[shares[cuts] < 1]]
    binned = []
    for spread in (before, now):
        inside = _shares_at(spread, np.append(inner, before.maximum))
        binned.append(np.diff([0.0, _share_below(spread, before.minimum), *inside, 1.0]))
    p, q = (np.append(bins * (1 - gone), gone) for bins, gone in zip(binned, absent, strict=True))
    return _drift(p, q, rows, ks)


def class_drift(before: Mapping[str, int], now: Mapping[str, int]) -> Drift:
    """Of the label's classes."""
    names = sorted(before.keys() | now.keys())
    counts = [np.array([each.get(name, 0) for name in names], dtype=float) for each in (before, now)]
    p, q = (each / max(each.sum(), 1) for each in counts)
    return _drift(p, q, Rows(*(int(max(each.sum(), 1)) for each in counts)))


def _steps(spread: NumberSpread) -> tuple[Shares, Shares]:
    """Values, and the shares of the numbers that are at most them."""
    values, shares = zip(*spread.distribution, strict=True)
    return np.array(values), np.array(shares)


def _shares_at(spread: NumberSpread, values: Shares) -> Shares:
    edges, shares = _steps(spread)
    return np.append(0.0, shares)[np.searchsorted(edges, values, side="right")]


def _share_below(spread: NumberSpread, value: float) -> float:
    edges, shares = _steps(spread)
    return float(np.append(0.0, shares)[np.searchsorted(edges, value, side="left")])


def _category_shares(before: ColumnProfile, now: ColumnProfile, absent: tuple[float, float]) -> tuple[Shares, Shares]:
    """Over the former dataset's categories; what is new, and what was too rare to be kept, is one bin."""
    kept = dict(now.categories)
    # Where not all of the present categories are kept, one of them that is not told may be rare, or gone.
    names = [name for name, _ in before.categories if name in kept or not now.other]

    def shares(column: ColumnProfile, gone: float) -> Shares:
        counts = dict(column.categories)
        known = np.array([counts.get(name, 0) for name in names], dtype=float)
        total = sum(counts.values()) + column.other
        rest = total - known.sum()
        return np.append(np.append(known, rest) / max(total, 1) * (1 - gone), gone)

    return shares(before, absent[0]), shares(now, absent[1])


def _drift(p: Shares, q: Shares, rows: Rows, ks: float | None = None) -> Drift:
    used = (p > 0) | (q > 0)
    p, q = (np.maximum(each[used], max(_LEAST_SHARE, 0.5 / count)) for each, count in ((p, rows.before), (q, rows.now)))
    psi = float(np.sum((p - q) * np.log(p / q)))
    chance = _chi_squared_quantile(max(1, len(p) - 1)) * rows.scatter
    return Drift(psi, ks, chance, _KOLMOGOROV_QUANTILE * math.sqrt(rows.scatter))


def _chi_squared_quantile(freedom: int) -> float:
    """Of 99.9 %, after Wilson and Hilferty (1931). Of two draws from one source the index, over the scatter of the
    shares, is distributed like chi squared (Yurdakul and Naranjo, Statistical properties of the population stability
    index, 2020).
    """
    spread = 2 / (9 * freedom)
    return float(freedom * (1 - spread + _NORMAL_QUANTILE * math.sqrt(spread)) ** 3)
