"""The traffic that policies are compared on: one set to choose settings by, another to judge them by.

Rates are in requests a second; requests come at random (a Poisson process with a seed of its own), always the same.
The two sets have no seed and no rates in common: what was chosen by the one has not seen the other. Kinds of traffic
(a day, a spike from 1x to 10x, a random walk) are in both, in other numbers; four kinds are only in the second.
"""

import datetime as dt
import math
import random
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from load.schedule import Schedule, Stretch, day, ramp, spike, step

_MINUTE = 60.0
_HOUR = 3_600.0
_EVENING = dt.time(19, 0, 7)


@dataclass(frozen=True)
class Trace:
    """One recording. ``at`` is the UTC time of day at which it begins, by which scheduled scaling goes."""

    name: str
    schedule: Schedule
    at: dt.time = dt.time(9, 0, 7)

    @property
    def seconds(self) -> int:
        """How long it lasts."""
        return round(self.schedule.seconds)

    @property
    def begun(self) -> float:
        """Epoch seconds: of a Tuesday, and not with the first second of a minute."""
        return dt.datetime.combine(dt.date(2030, 1, 1), self.at, dt.UTC).timestamp()

    def moments(self) -> "array[float]":
        """When each request is sent, in seconds after the begin."""
        return array("d", (moment for moment in self.schedule.moments() if moment < self.seconds))


def joined(*schedules: Schedule) -> Schedule:
    """One after the other."""
    return Schedule(tuple(stretch for schedule in schedules for stretch in schedule.stretches))


def wandering(start: float, lowest: float, highest: float, minutes: int, seed: int) -> Schedule:
    """Each minute up to a quarter more or less than in the one before."""
    source = random.Random(seed)  # noqa: S311 -- no secret

    def rates() -> Iterator[float]:
        rate = start
        for _ in range(minutes):
            yield rate
            rate = min(max(rate * math.exp(source.uniform(-0.25, 0.25)), lowest), highest)

    return step(list(rates()), _MINUTE)


def _minutes(*pieces: tuple[float, float]) -> Schedule:
    """Pieces of (minutes, rate)."""
    return Schedule(tuple(Stretch(minutes * _MINUTE, rate, rate) for minutes, rate in pieces))


def tuning() -> Sequence[Trace]:
    """To choose by; never reported as a result."""
    return (
        Trace("day", day(4, 30, 8 * _HOUR).at_random(101), dt.time(6, 0, 11)),
        Trace("spike 1 to 10", spike(5, 50, 20 * _MINUTE, 15 * _MINUTE, 35 * _MINUTE).at_random(102)),
        Trace("two spikes", _minutes((15, 6), (6, 45), (25, 6), (12, 60), (30, 6)).at_random(103)),
        Trace("ramp", joined(ramp(5, 45, 20 * _MINUTE), ramp(45, 5, 40 * _MINUTE)).at_random(104)),
        Trace("wandering", wandering(15, 5, 45, 120, 105).at_random(106)),
    )


def judging() -> Sequence[Trace]:
    """To judge by: other seeds, other rates and lengths. Half of them are at hours for which nobody planned."""
    return (
        Trace(
            "day with a lunch break",
            joined(
                day(3, 34, 4 * _HOUR), ramp(3, 26, 1.5 * _HOUR), step([26], 0.5 * _HOUR), ramp(26, 4, 2 * _HOUR)
            ).at_random(201),
            dt.time(7, 0, 23),
        ),
        Trace(
            "day with a spike",
            joined(ramp(4, 28, 3 * _HOUR), step([60], 12 * _MINUTE), ramp(28, 6, 3 * _HOUR)).at_random(202),
            dt.time(8, 0, 41),
        ),
        Trace("spike 1 to 10", spike(4, 40, 25 * _MINUTE, 20 * _MINUTE, 30 * _MINUTE).at_random(203)),
        Trace("spike 1 to 10, higher", spike(7, 70, 15 * _MINUTE, 25 * _MINUTE, 40 * _MINUTE).at_random(204), _EVENING),
        Trace("short spikes", _minutes(*((18, 6), (4, 48)) * 4, (20, 6)).at_random(205)),
        Trace("steps up", step([6, 14, 26, 40, 52, 20, 8], 12 * _MINUTE).at_random(206), _EVENING),
        Trace(
            "sawtooth",
            joined(
                *(each for _ in range(3) for each in (ramp(6, 50, 8 * _MINUTE), ramp(50, 6, 22 * _MINUTE)))
            ).at_random(207),
        ),
        Trace("wandering", wandering(20, 6, 55, 150, 208).at_random(209), _EVENING),
    )
