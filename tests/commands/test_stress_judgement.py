"""What an instance can do safely, and when a load is broken off."""

from collections import Counter

import pytest

from commands.faults import CommandFailed
from commands.stress.course import Course, Part
from commands.stress.judgement import LEAST_CONCURRENCY, recommend
from commands.stress.profiles import LEVELS, PROFILES, Phase, phases
from commands.stress.stopping import Limits, reason_to_stop
from load.schedule import Level, Schedule, steady
from tests.commands.stress_parts import BEGUN, delayed, recording, second, span


def test_the_target_is_half_of_the_highest_rate_within_the_objective():
    windows = [span(10, 20), span(20, 40), span(30, 90), span(40, 300), span(50, 900)]
    found = recommend(windows, objective_seconds=0.1)
    assert (found.safe_rate, found.limit_rate, found.instances) == (30, 40, 1)
    assert found.invocations_target == pytest.approx(30 * 0.5 * 60)
    # Little: 30 requests a second that take 90 ms each are 2.7 in hand.
    assert found.concurrency == pytest.approx(2.7)
    assert found.concurrency_target == pytest.approx(1.35)


def test_a_fleet_whose_requests_hardly_overlap_does_not_grow_with_every_one_of_them():
    found = recommend([span(10, 20)], 0.1)
    assert found.concurrency == pytest.approx(0.2)
    assert found.concurrency_target == LEAST_CONCURRENCY


def test_rates_are_those_of_one_instance():
    found = recommend([span(40, 20, instances=2), span(60, 20, instances=4)], 0.1)
    assert (found.safe_rate, found.instances) == (20, 2)


def test_an_endpoint_that_is_not_the_same_at_all_times_is_told_as_such():
    found = recommend([span(10, 500), span(20, 20)], 0.1)
    assert (found.safe_rate, found.limit_rate) == (20, 10)


def test_another_factor_is_taken_as_it_is_given():
    assert recommend([span(10, 20)], 0.1, 0.7).invocations_target == pytest.approx(420)


def test_an_endpoint_that_was_not_brought_to_its_limit_is_told_as_such():
    assert recommend([span(10, 20), span(20, 20)], 0.1).limit_rate is None


@pytest.mark.parametrize(
    "changed",
    [
        {"failures": Counter({"timed out": 1}), "answered": 199},
        {"answered": 199},
        {"late_seconds": 0.2},
        {"instances": None},
        {"latencies": [0.02] * 195 + [0.5] * 5},
        {"sent": 0, "answered": 0, "latencies": []},
        {"planned": None},
    ],
    ids=[
        "an error",
        "an answer that is still to come",
        "a late generator",
        "changing instances",
        "a slow tail",
        "quiet",
        "clients that wait for their answers",
    ],
)
def test_such_a_time_says_nothing_of_what_is_safe(changed):
    assert recommend([span(20, 20, **changed)], 0.1) is None
    assert recommend([span(10, 20), span(20, 20, **changed)], 0.1).safe_rate == 10


@pytest.mark.parametrize(
    ("seconds", "windows"), [(1, []), (4, [3]), (21, [5, 5, 5, 5]), (71, [7] * 10), (135, [10] * 13)]
)
def test_windows_leave_the_last_second_out_and_are_none_too_short(seconds, windows):
    part = Part(Phase("x", steady(5)), recording([second(5, 1)] * seconds))
    found = list(Course([part], lambda _: 1).windows())
    assert [each.seconds for each in found] == windows
    assert all(each.rate == 5 for each in found)


def test_windows_end_with_the_load_and_not_with_the_last_answers():
    loaded = [second(20, 3_000, slowest=8_000)] * 21
    part = Part(Phase("x", steady(20)), recording(delayed(loaded, by=8)))
    windows = list(Course([part], lambda _: 1).windows())
    assert [(each.seconds, each.rate) for each in windows] == [(5, 20)] * 4
    assert recommend(windows, 0.1) is None
    # A lower rate than any that was planned would be no limit.
    assert recommend([span(10, 20), *windows], 0.1).limit_rate == 20


def test_what_was_on_its_way_when_the_generator_died_is_no_limit():
    cut_short = second(20, 5) | {"answered": 18, "latencies_us": [5_000] * 18}
    part = Part(Phase("x", steady(20)), recording([*[second(20, 5)] * 14, cut_short, second(3, 5)], died=True))
    found = recommend(Course([part], lambda _: 1).windows(), 0.1)
    assert (found.safe_rate, found.limit_rate) == (20, None)


def test_a_part_of_a_generator_that_died_took_as_long_as_is_known():
    course = Course([Part(Phase("x", steady(5)), recording([second(5, 1)] * 7, died=True))], lambda _: 1)
    assert course.seconds == course.parts[0].seconds == 7


def test_a_window_in_which_an_instance_came_has_no_number_of_them():
    part = Part(Phase("x", steady(5)), recording([second(5, 1)] * 16))
    windows = list(Course([part], lambda moment: 1 if moment < BEGUN + 7.5 else 2).windows())
    assert [each.instances for each in windows] == [1, None, 2]


def test_a_second_part_goes_on_where_the_first_ended():
    first = Part(Phase("a", Level(1, 10)), recording([second(5, 1)] * 2))
    then = Part(Phase("b", steady(5)), recording([second(5, 1)] * 2, BEGUN + 2.5))
    course = Course([first, then], lambda _: 1)
    assert [(each.begins, each.phase, each.planned) for each in course.spans(1)] == [
        (0, "a", None),
        (1, "a", None),
        (2.5, "b", 5),
        (3.5, "b", 5),
    ]
    assert course.seconds == 4.5


def buckets(*seconds):
    return recording(list(seconds)).buckets


def test_a_load_goes_on_with_a_few_errors_and_stops_with_many():
    good, bad = second(100, 5), second(100, 5, failed=20)
    assert reason_to_stop(buckets(*[good] * 9, bad), 10, Limits()) is None
    stop = reason_to_stop(buckets(*[good] * 5, *[bad] * 5), 10, Limits())
    assert stop.reason == "errors"
    assert "100 of 1000" in stop.told
    assert reason_to_stop(buckets(*[bad] * 10, *[good] * 10), 20, Limits()) is None
    assert reason_to_stop(buckets(second(9, 5, failed=9)), 1, Limits()) is None


def test_a_load_stops_when_failures_are_known_however_long_that_took():
    hanging = delayed([second(20, 60_000, failed=20)] * 5, by=60)
    assert reason_to_stop(buckets(*hanging[:60]), 60, Limits()) is None
    stop = reason_to_stop(buckets(*hanging), 65, Limits())
    assert (stop.reason, "100 of 100" in stop.told) == ("errors", True)


def test_a_generator_that_is_late_again_and_again_stops_and_says_how_late():
    good, late = second(10, 5), second(10, 5, late=0.7)
    assert reason_to_stop(buckets(*[good] * 5, *[late] * 5), 10, Limits()) is None
    stop = reason_to_stop(buckets(*[good] * 4, *[late] * 6), 10, Limits())
    assert (stop.reason, "0.7 s late" in stop.told) == ("generator late", True)


def test_time_ends_it():
    assert reason_to_stop(buckets(second(1, 1)), 59, Limits(seconds=60)) is None
    assert reason_to_stop(buckets(second(1, 1)), 61, Limits(seconds=60)).reason == "time"


def test_the_levels_are_those_of_the_course():
    assert [(level.threads, level.requests) for level in LEVELS] == [(10, 1_000), (100, 10_000), (150, 100_000)]
    assert [phase.plan for phase in phases("levels")] == list(LEVELS)


@pytest.mark.parametrize("profile", [name for name in PROFILES if name != "levels"])
def test_a_profile_has_the_rate_and_the_time_that_were_asked_for(profile):
    (phase,) = phases(profile, 80, 120)
    assert isinstance(phase.plan, Schedule)
    assert phase.plan.highest == pytest.approx(80)
    assert phase.plan.seconds == pytest.approx(120)
    assert phase.plan.seed is not None


def test_an_unknown_profile_is_refused_with_those_there_are():
    with pytest.raises(CommandFailed, match="levels, step, ramp, spike, day"):
        phases("flood")
