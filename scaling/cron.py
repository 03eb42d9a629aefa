"""AWS's cron expressions: six fields, minutes hours day-of-month month day-of-week year, at a time zone's clock.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html#eb-cron-expressions
"""

import calendar
import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

_MONTHS = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if name}
# AWS counts the days of the week from Sunday, which is 1.
_WEEKDAYS = {name: number for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), 1)}
_FIRST_YEAR, _LAST_YEAR = 1970, 2199
_WEEK = 7
# Days in which any day that exists at all comes round, the 29th of February with a year of the rule among them.
_MOST_DAYS = 366 * 9

DayRule = Callable[[dt.date], bool]


class InvalidCron(ValueError):
    """The message says which field is wrong."""


@dataclass(frozen=True)
class CronExpression:
    """Values of each field; the two day fields became one rule."""

    minutes: frozenset[int]
    hours: frozenset[int]
    day: DayRule
    months: frozenset[int]
    years: frozenset[int]

    @classmethod
    def parse(cls, text: str) -> "CronExpression":
        """Raises InvalidCron."""
        fields = text.upper().split()
        if len(fields) != 6:
            raise InvalidCron("a cron expression has six fields")
        minutes, hours, month_days, months, weekdays, years = fields
        if (month_days == "?") == (weekdays == "?"):
            raise InvalidCron("exactly one of day-of-month and day-of-week is '?'")
        return cls(
            _values(minutes, 0, 59),
            _values(hours, 0, 23),
            _weekday_rule(weekdays) if month_days == "?" else _month_day_rule(month_days),
            _values(months, 1, 12, _MONTHS),
            _values(years, _FIRST_YEAR, _LAST_YEAR),
        )

    def next_after(self, now: float, zone: ZoneInfo) -> float | None:
        """The first occasion later than ``now``, in epoch seconds; None when there is none.

        A time that the zone's clock leaves out is no occasion; one that it has twice is the first of them.
        """
        day = dt.datetime.fromtimestamp(now, zone).date()
        for _ in range(_MOST_DAYS):
            if day.year > max(self.years):
                return None
            if day.year in self.years and day.month in self.months and self.day(day):
                for hour in sorted(self.hours):
                    for minute in sorted(self.minutes):
                        moment = _moment(day, hour, minute, zone)
                        if moment is not None and moment > now:
                            return moment
            day += dt.timedelta(days=1)
        return None


def _moment(day: dt.date, hour: int, minute: int, zone: ZoneInfo) -> float | None:
    local = dt.datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone)
    moment = local.timestamp()
    exists = dt.datetime.fromtimestamp(moment, zone).replace(fold=0) == local
    return moment if exists else None


def _month_day_rule(field: str) -> DayRule:
    if field == "L":
        return lambda day: day.day == _length(day)
    if field == "LW":
        return lambda day: day == _nearest_weekday(day.replace(day=_length(day)))
    if field.endswith("W"):
        (wanted,) = _values(field[:-1], 1, 31)
        return lambda day: wanted <= _length(day) and day == _nearest_weekday(day.replace(day=wanted))
    days = _values(field, 1, 31)
    return lambda day: day.day in days


def _weekday_rule(field: str) -> DayRule:
    if field == "L":
        field = "7"
    if field.endswith("L"):
        (last,) = _values(field[:-1], 1, _WEEK, _WEEKDAYS)
        return lambda day: _weekday(day) == last and day.day > _length(day) - _WEEK
    if "#" in field:
        name, _, number = field.partition("#")
        (wanted,), (nth,) = _values(name, 1, _WEEK, _WEEKDAYS), _values(number, 1, 5)
        return lambda day: _weekday(day) == wanted and (day.day - 1) // _WEEK + 1 == nth
    days = _values(field, 1, _WEEK, _WEEKDAYS)
    return lambda day: _weekday(day) in days


def _weekday(day: dt.date) -> int:
    return day.isoweekday() % _WEEK + 1


def _length(day: dt.date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


def _nearest_weekday(day: dt.date) -> dt.date:
    """Of the same month."""
    if day.isoweekday() == 6:
        return day - dt.timedelta(days=1) if day.day > 1 else day + dt.timedelta(days=2)
    if day.isoweekday() == 7:
        return day + dt.timedelta(days=1) if day.day < _length(day) else day - dt.timedelta(days=2)
    return day


def _values(field: str, lowest: int, highest: int, names: Mapping[str, int] | None = None) -> frozenset[int]:
    """Of a list of values, ranges and steps, such as "1,5-9,MON/2"."""
    values: set[int] = set()
    for part in field.split(","):
        span, slash, step = part.partition("/")
        first, dash, last = span.partition("-")
        low = lowest if first == "*" else _value(first, names or {})
        high = _value(last, names or {}) if dash else highest if first == "*" or slash else low
        stride = _value(step, {}) if slash else 1
        if not (lowest <= low <= highest and lowest <= high <= highest and stride >= 1):
            raise InvalidCron(f"{field!r} is outside {lowest}-{highest}")
        # A range of weekdays may go over the end of the week.
        values |= set(
            range(low, high + 1, stride) if low <= high else [*range(low, highest + 1), *range(lowest, high + 1)]
        )
    return frozenset(values)


def _value(text: str, names: Mapping[str, int]) -> int:
    if text in names:
        return names[text]
    if not text.isdigit():
        raise InvalidCron(f"{text!r} is no value")
    return int(text)
