"""What CloudWatch computes from the values of a period.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html
"""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_PERCENTILE = re.compile(r"[pP](\d{1,2}(?:\.\d{1,10})?|100)")
_SIMPLE = frozenset({"SampleCount", "Sum", "Average", "Minimum", "Maximum"})


class UnknownStatistic(ValueError):
    """A statistic that is not computed here; the message names it."""


@dataclass(frozen=True)
class Distribution:
    """Values with how often each was seen; the numbers may be of any unit.

    ``weighted`` holds (value, count) pairs, or is None where only their summary was published: then no percentile can
    be told.
    """

    count: float
    total: float
    minimum: float
    maximum: float
    weighted: tuple[tuple[float, float], ...] | None

    @classmethod
    def of(cls, values: Sequence[float], counts: Sequence[float] | None = None) -> "Distribution | None":
        """Of values, each seen once or as often as ``counts`` says; None when nothing was seen."""
        paired = zip(values, counts if counts is not None else [1.0] * len(values), strict=True)
        seen = tuple((value, count) for value, count in paired if count > 0)
        if not seen:
            return None
        return cls(
            count=math.fsum(count for _, count in seen),
            total=math.fsum(value * count for value, count in seen),
            minimum=min(value for value, _ in seen),
            maximum=max(value for value, _ in seen),
            weighted=seen,
        )

    @classmethod
    def of_summary(cls, count: float, total: float, minimum: float, maximum: float) -> "Distribution | None":
        """Of a published statistic set; one value seen ``count`` times is as good as the values themselves.

        https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html#Percentiles
        """
        if count <= 0:
            return None
        same = minimum == maximum and math.isclose(total, minimum * count)
        return cls(count, total, minimum, maximum, ((minimum, count),) if same else None)

    def statistic(self, name: str) -> float | None:
        """Such as "Sum" or "p99.9". None for a percentile that cannot be told. Raises UnknownStatistic.

        Percentiles are not available when a value is negative; between two ranks they are interpolated.
        """
        check_statistic(name)
        if name == "SampleCount":
            return self.count
        if name == "Sum":
            return self.total
        if name == "Average":
            return self.total / self.count
        if name in _SIMPLE:
            return self.minimum if name == "Minimum" else self.maximum
        if self.weighted is None or self.minimum < 0:
            return None
        return _percentile(self.weighted, float(name[1:]))


def check_statistic(name: str) -> None:
    """Raises UnknownStatistic for one that `Distribution.statistic` does not compute."""
    if name not in _SIMPLE and _PERCENTILE.fullmatch(name) is None:
        raise UnknownStatistic(f"the statistic {name!r} is not computed here")


def combined(parts: Iterable[Distribution]) -> Distribution | None:
    """All values together; None when there are none."""
    known = list(parts)
    if not known:
        return None
    weighted: list[tuple[float, float]] | None = []
    for part in known:
        weighted = None if weighted is None or part.weighted is None else [*weighted, *part.weighted]
    return Distribution(
        count=math.fsum(part.count for part in known),
        total=math.fsum(part.total for part in known),
        minimum=min(part.minimum for part in known),
        maximum=max(part.maximum for part in known),
        weighted=None if weighted is None else tuple(weighted),
    )


def _percentile(weighted: Sequence[tuple[float, float]], percent: float) -> float:
    """As of the list in which each value stands as often as it was seen, between ranks in proportion."""
    ordered = sorted(weighted)
    last = math.fsum(count for _, count in ordered) - 1
    rank = max(0.0, percent / 100 * last)
    lower = math.floor(rank)
    below = _at(ordered, lower)
    share = rank - lower
    return below + share * (_at(ordered, lower + 1) - below) if share else below


def _at(ordered: Sequence[tuple[float, float]], rank: int) -> float:
    seen = 0.0
    for value, count in ordered:
        seen += count
        if rank < seen:
            return value
    return ordered[-1][0]
