"""When a scheduled action takes place: at, rate and cron expressions in a time zone.

https://docs.aws.amazon.com/autoscaling/application/userguide/scheduled-scaling-using-cron-expressions.html
"""

import datetime as dt
import re
from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from scaling.cron import CronExpression, InvalidCron

_FORM = re.compile(r"(at|rate|cron)\((.*)\)")
_UNIT_SECONDS = {"minute": 60, "hour": 3_600, "day": 86_400}


class InvalidSchedule(ValueError):
    """An expression or time zone that Application Auto Scaling refuses; the message says why."""


@dataclass(frozen=True)
class Schedule:
    """Times as epoch seconds. ``created`` is what a rate without start time counts from.

    "If you specify a start time, Application Auto Scaling performs the action at this time, and then performs the
    action based on the specified recurrence. If you specify an end time, the action stops repeating after this time."
    """

    expression: str
    created: float
    zone: str = "UTC"
    start: float | None = None
    end: float | None = None

    def __post_init__(self) -> None:
        _parsed(self.expression)
        _zone(self.zone)
        if self.start is not None and self.end is not None and self.end <= self.start:
            raise InvalidSchedule("The end time must be after the start time")

    def next_after(self, now: float) -> float | None:
        """The first occasion later than ``now``; None when there is none left."""
        moment = self._next(now)
        if moment is None or (self.end is not None and moment > self.end):
            return None
        return moment

    @property
    def repeats(self) -> bool:
        """Whether it takes place more than once."""
        return not self.expression.startswith("at(")

    def _next(self, now: float) -> float | None:
        detail = _parsed(self.expression)
        zone = _zone(self.zone)
        if isinstance(detail, dt.datetime):
            moment = detail.replace(tzinfo=zone).timestamp()
            return moment if moment > now else None
        if self.start is not None and now < self.start:
            return self.start
        if isinstance(detail, CronExpression):
            return detail.next_after(now, zone)
        origin = self.created if self.start is None else self.start
        return origin + max(1, (now - origin) // detail + 1) * detail


def _parsed(expression: str) -> dt.datetime | float | CronExpression:
    """A time of the zone, the seconds between occasions, or a cron expression."""
    match = _FORM.fullmatch(expression.strip())
    if match is None:
        raise InvalidSchedule(f"{expression!r} is no at(…), rate(…) or cron(…) expression")
    kind, inner = match[1], match[2].strip()
    try:
        if kind == "at":
            return dt.datetime.strptime(inner, "%Y-%m-%dT%H:%M:%S")  # noqa: DTZ007 (its zone is told beside it)
        return _seconds(inner) if kind == "rate" else CronExpression.parse(inner)
    except (ValueError, InvalidCron) as fault:
        raise InvalidSchedule(f"{expression!r}: {fault}") from fault


def _seconds(rate: str) -> float:
    value, _, unit = rate.partition(" ")
    singular = unit.strip().removesuffix("s")
    if not value.isdigit() or int(value) < 1 or singular not in _UNIT_SECONDS:
        raise ValueError("a rate is a positive number of minutes, hours or days")
    return float(int(value) * _UNIT_SECONDS[singular])


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as fault:
        raise InvalidSchedule(f"{name!r} is no time zone") from fault
