"""When requests are to be sent: rates over time, and the moments that follow from them."""

import itertools
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

_DAY_PIECES = 48


class InvalidSchedule(ValueError):
    """Rates or durations that no traffic can have; the message says which."""


@dataclass(frozen=True)
class Stretch:
    """A time in which the rate goes evenly from ``start`` to ``end`` requests a second; it may last for ever."""

    seconds: float
    start: float
    end: float

    def __post_init__(self) -> None:
        if not self.seconds > 0:
            raise InvalidSchedule(f"a stretch of {self.seconds} seconds: it must be more than 0")
        if not (0 <= self.start < math.inf and 0 <= self.end < math.inf):
            raise InvalidSchedule(f"from {self.start} to {self.end} requests a second: no rate is below 0, or infinite")
        if self.start == self.end == 0 and math.isinf(self.seconds):
            raise InvalidSchedule("nothing is ever sent")
        if self.start != self.end and math.isinf(self.seconds):
            raise InvalidSchedule("a rate that changes for ever")

    @property
    def requests(self) -> float:
        """How many fall into it."""
        return (self.start + self.end) / 2 * self.seconds if self.start or self.end else 0.0

    def moment(self, count: float) -> float:
        """Seconds after the stretch's begin at which ``count`` requests were sent."""
        # Where start * t + growth * t * t / 2 is the count; this form of the root loses no digits.
        growth = 0.0 if self.start == self.end else (self.end - self.start) / self.seconds
        root = math.sqrt(max(self.start * self.start + 2 * growth * count, 0.0))
        # Rates that are hardly there come to nothing when they are squared.
        return min(2 * count / (self.start + root), self.seconds) if self.start + root else 0.0


@dataclass(frozen=True)
class Schedule:
    """Stretches one after the other.

    Requests of one rate are evenly spaced, or with a ``seed`` at random (a Poisson process), as those of many people
    who do not know of each other.
    """

    stretches: tuple[Stretch, ...]
    seed: int | None = None

    @property
    def seconds(self) -> float:
        """How long it lasts; infinite when only stopping ends it."""
        return sum(stretch.seconds for stretch in self.stretches)

    @property
    def highest(self) -> float:
        """The highest rate, in requests a second."""
        return max(max(stretch.start, stretch.end) for stretch in self.stretches)

    def at_random(self, seed: int) -> "Schedule":
        """The same rates with random distances."""
        return replace(self, seed=seed)

    def rate(self, second: float) -> float:
        """The planned rate at a time after the begin; 0 when it is over."""
        for stretch in self.stretches:
            if second < stretch.seconds:
                part = 0.0 if math.isinf(stretch.seconds) else second / stretch.seconds
                return stretch.start + (stretch.end - stretch.start) * part
            second -= stretch.seconds
        return 0.0

    def moments(self) -> Iterator[float]:
        """When each request is to be sent, in seconds after the begin, in order."""
        gaps = _gaps(self.seed)
        wanted = 0.0 if self.seed is None else next(gaps)
        begun = passed = 0.0
        for stretch in self.stretches:
            while wanted < passed + stretch.requests:
                yield begun + stretch.moment(wanted - passed)
                wanted += next(gaps)
            passed += stretch.requests
            begun += stretch.seconds


@dataclass(frozen=True)
class Level:
    """So many clients, each of which asks again as soon as it has its answer, until all have asked ``requests`` times.

    It finds out what an endpoint can do at most. What it does to people who do not wait for each other it cannot tell:
    when the endpoint stalls, so do the clients. That is what schedules are for.
    """

    threads: int
    requests: int

    def __post_init__(self) -> None:
        if self.threads < 1 or self.requests < 1:
            raise InvalidSchedule(f"{self.threads} clients with {self.requests} requests: at least one of each")


def steady(rate: float, seconds: float = math.inf) -> Schedule:
    """Always the same rate, in requests a second."""
    return Schedule((Stretch(seconds, rate, rate),))


def step(rates: Sequence[float], seconds: float) -> Schedule:
    """One rate after the other, each for so long."""
    return Schedule(tuple(Stretch(seconds, rate, rate) for rate in rates))


def ramp(start: float, end: float, seconds: float) -> Schedule:
    """Evenly from one rate to another."""
    return Schedule((Stretch(seconds, start, end),))


def spike(base: float, peak: float, before: float, during: float, after: float) -> Schedule:
    """A sudden peak between two quiet times, whose lengths are in seconds."""
    return Schedule((Stretch(before, base, base), Stretch(during, peak, peak), Stretch(after, base, base)))


def day(lowest: float, highest: float, seconds: float) -> Schedule:
    """A day from night to night, pressed into so many seconds: a cosine, highest in the middle, in straight pieces."""
    middle, swing = (lowest + highest) / 2, (highest - lowest) / 2
    rates = [middle - swing * math.cos(2 * math.pi * piece / _DAY_PIECES) for piece in range(_DAY_PIECES + 1)]
    return Schedule(tuple(Stretch(seconds / _DAY_PIECES, *pair) for pair in itertools.pairwise(rates)))


def _gaps(seed: int | None) -> Iterator[float]:
    """Distances between requests where one is sent a second on average."""
    if seed is None:
        return itertools.repeat(1.0)
    source = random.Random(seed)  # noqa: S311 -- no secret
    return (source.expovariate(1.0) for _ in itertools.count())
