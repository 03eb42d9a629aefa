"""The line that the terminal shows every five seconds of a load."""

from types import SimpleNamespace

import pytest

from commands.stress.progress import progress
from commands.stress.watch import Instances
from load.recording import Recording
from tests.commands.stress_parts import BEGUN, delayed, recording, second


def told(made: Recording, passed: float, *instances: Instances) -> str:
    return progress(made, passed, SimpleNamespace(instances=instances), BEGUN + passed)


def test_a_rate_is_of_what_came_in_the_last_five_full_seconds():
    # The sixth second has begun only.
    line = told(recording([*[second(100, 5)] * 5, second(30, 5)]), 5.3)
    assert "   100.0 a second  p99     5.0 ms" in line
    assert "    0 wait, up to  0 s" in line


def test_answers_that_come_late_count_when_they_come():
    # Of the full seconds 5 to 9 the last three have answers, all of requests that were planned before.
    assert "    36.0 a second" in told(recording(delayed([second(60, 7_000)] * 5, by=7)[:11]), 11.0)


@pytest.mark.parametrize(("passed", "since"), [(8.0, " 6"), (70.0, "68")])
def test_what_waits_is_told_with_the_time_since_the_oldest(passed, since):
    hanging = second(20, 5) | {"answered": 0, "arrived": 0, "latencies_us": [], "variants": {}}
    one_waits = second(20, 5) | {"latencies_us": [5_000] * 19, "answered": 19, "arrived": 19}
    line = told(recording([second(20, 5)] * 2 + [one_waits] + [hanging] * 5), passed)
    assert f"  101 wait, up to {since} s" in line
    assert "     0.0 a second  p99       none" in told(recording([hanging] * 8), passed)


def test_instances_that_are_to_come_and_a_late_generator_are_told():
    line = told(recording([second(10, 5, late=0.5)] * 6), 6.0, Instances(BEGUN, 2, 2), Instances(BEGUN + 2, 2, 4))
    assert line.endswith("2 instances (to be 4)  generator late")
