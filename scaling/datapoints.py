"""A metric's samples as one number a period."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from scaling.statistics import Distribution, combined


@dataclass(frozen=True)
class Sample:
    """What was published with one timestamp, in epoch seconds."""

    time: float
    distribution: Distribution


@dataclass(frozen=True)
class Datapoint:
    """The statistic of one period, which began at ``time`` (epoch seconds); None when nothing was published."""

    time: float
    value: float | None


def last_complete_period(now: float, period_seconds: int) -> float:
    """The start of the last period that has passed. Periods begin at multiples of their length since the epoch."""
    return now // period_seconds * period_seconds - period_seconds


def datapoints(
    samples: Iterable[Sample], statistic: str, period_seconds: int, last: float, number: int
) -> list[Datapoint]:
    """``number`` of them, oldest first, the last of the period that begins at ``last``.

    Raises UnknownStatistic.
    """
    first = last - (number - 1) * period_seconds
    parts: dict[float, list[Distribution]] = defaultdict(list)
    for sample in samples:
        if first <= sample.time < last + period_seconds:
            parts[sample.time // period_seconds * period_seconds].append(sample.distribution)
    starts = [first + index * period_seconds for index in range(number)]
    together = ((start, combined(parts.get(start, ()))) for start in starts)
    return [Datapoint(start, all_.statistic(statistic) if all_ else None) for start, all_ in together]
