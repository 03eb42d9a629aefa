import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaling.schedules import InvalidSchedule, Schedule

ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"])
TIMES = st.floats(1_600_000_000, 1_900_000_000)


def at(text: str, zone: str = "UTC") -> float:
    return dt.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def following(expression: str, since: str, number: int = 3, zone: str = "UTC") -> list[str]:
    schedule, now, found = Schedule(expression, 0.0, zone), at(since, zone), []
    for _ in range(number):
        moment = schedule.next_after(now)
        if moment is None:
            break
        now = moment
        found.append(dt.datetime.fromtimestamp(moment, ZoneInfo(zone)).strftime("%a %Y-%m-%dT%H:%M"))
    return found


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("cron(30 6 ? * MON *)", ["Mon 2026-03-02T06:30", "Mon 2026-03-09T06:30", "Mon 2026-03-16T06:30"]),
        ("cron(0 9 * * ? *)", ["Sun 2026-03-01T09:00", "Mon 2026-03-02T09:00", "Tue 2026-03-03T09:00"]),
        ("cron(0/15 * * * ? *)", ["Sun 2026-03-01T00:15", "Sun 2026-03-01T00:30", "Sun 2026-03-01T00:45"]),
        ("cron(0 18 ? * MON-FRI *)", ["Mon 2026-03-02T18:00", "Tue 2026-03-03T18:00", "Wed 2026-03-04T18:00"]),
        ("cron(0 0 L * ? *)", ["Tue 2026-03-31T00:00", "Thu 2026-04-30T00:00", "Sun 2026-05-31T00:00"]),
        ("cron(0 0 15W * ? *)", ["Mon 2026-03-16T00:00", "Wed 2026-04-15T00:00", "Fri 2026-05-15T00:00"]),
        ("cron(0 0 ? * 6#3 *)", ["Fri 2026-03-20T00:00", "Fri 2026-04-17T00:00", "Fri 2026-05-15T00:00"]),
        ("cron(0 0 ? * FRIL *)", ["Fri 2026-03-27T00:00", "Fri 2026-04-24T00:00", "Fri 2026-05-29T00:00"]),
        ("cron(0 0 29 2 ? *)", ["Tue 2028-02-29T00:00", "Sun 2032-02-29T00:00", "Fri 2036-02-29T00:00"]),
        ("cron(0 0 1 1 ? 2027)", ["Fri 2027-01-01T00:00"]),
        ("at(2026-03-04T05:06:00)", ["Wed 2026-03-04T05:06"]),
        ("rate(12 hours)", ["Sun 2026-03-01T12:00", "Mon 2026-03-02T00:00", "Mon 2026-03-02T12:00"]),
    ],
)
def test_expressions_come_round_when_they_say(expression: str, expected: list[str]) -> None:
    assert following(expression, "2026-03-01T00:00:00") == expected


def test_the_time_is_that_of_the_zones_clock() -> None:
    # The clock leaves out 02:30 on the 29th of March, and shows 02:30 twice on the 25th of October.
    assert following("cron(30 2 * * ? *)", "2026-03-28T00:00:00", 3, "Europe/Berlin") == [
        "Sat 2026-03-28T02:30",
        "Mon 2026-03-30T02:30",
        "Tue 2026-03-31T02:30",
    ]
    assert following("cron(30 2 * * ? *)", "2026-10-25T00:00:00", 2, "Europe/Berlin") == [
        "Sun 2026-10-25T02:30",
        "Mon 2026-10-26T02:30",
    ]
    assert Schedule("at(2026-07-01T09:00:00)", 0.0, "America/New_York").next_after(0.0) == at("2026-07-01T13:00:00")


def test_a_start_time_is_an_occasion_and_after_the_end_time_there_is_none() -> None:
    start, end = at("2026-03-01T10:10:00"), at("2026-03-03T09:00:00")
    schedule = Schedule("cron(0 9 * * ? *)", 0.0, start=start, end=end)
    assert schedule.next_after(at("2026-02-01T00:00:00")) == start
    assert schedule.next_after(start) == at("2026-03-02T09:00:00")
    assert schedule.next_after(at("2026-03-02T09:00:00")) == end
    assert schedule.next_after(end) is None
    hourly = Schedule("rate(1 hour)", 0.0, start=start)
    assert hourly.next_after(start) == start + 3_600


def test_a_rate_without_start_counts_from_its_creation() -> None:
    assert Schedule("rate(5 minutes)", 1_000.0).next_after(1_000.0) == 1_300.0
    assert Schedule("rate(5 minutes)", 1_000.0).next_after(1_299.0) == 1_300.0
    assert Schedule("rate(5 minutes)", 1_000.0).next_after(999.0) == 1_300.0


@given(
    st.sampled_from(["cron(0/7 3,15 ? * TUE-THU *)", "cron(15 2 L * ? *)", "rate(3 hours)", "cron(0 0 1W * ? *)"]),
    ZONES,
    TIMES,
)
def test_the_next_occasion_is_later_and_the_first(expression: str, zone: str, now: float) -> None:
    schedule = Schedule(expression, 1_500_000_000.0, zone)
    moment = schedule.next_after(now)
    assert moment is not None
    assert moment > now
    assert schedule.next_after((now + moment) / 2) == moment
    assert schedule.next_after(moment - 0.5) == moment


@pytest.mark.parametrize(
    "expression",
    [
        "every day",
        "cron(0 9 * * *)",
        "cron(0 9 * * * *)",
        "cron(61 9 * * ? *)",
        "cron(0 9 ? ? ? *)",
        "rate(0 minutes)",
        "rate(5 weeks)",
        "at(tomorrow)",
    ],
)
def test_what_is_no_schedule_is_refused(expression: str) -> None:
    with pytest.raises(InvalidSchedule):
        Schedule(expression, 0.0)


def test_an_unknown_zone_and_an_end_before_the_start_are_refused() -> None:
    with pytest.raises(InvalidSchedule, match="no time zone"):
        Schedule("rate(1 day)", 0.0, "Europe/Nowhere")
    with pytest.raises(InvalidSchedule, match="after the start"):
        Schedule("rate(1 day)", 0.0, start=10.0, end=10.0)
