"""Percentiles are exact, and seconds without requests are there."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from load.recording import Recording, percentiles


@given(st.lists(st.floats(0, 100), min_size=1), st.floats(0.1, 100))
def test_a_percentile_is_the_least_latency_that_so_many_do_not_exceed(latencies, share):
    found = percentiles(latencies, [share])[share]
    wanted = math.ceil(len(latencies) * share / 100 - 1e-9)
    assert sum(latency <= found for latency in latencies) >= wanted
    assert sum(latency < found for latency in latencies) < max(wanted, 1)


def test_of_no_latencies_there_are_none():
    assert percentiles([]) == {}


def second(**values):
    nothing = {"sent": 0, "answered": 0, "late_seconds": 0.0, "latencies_us": [], "failures": {}, "variants": {}}
    return nothing | values


def test_what_is_told_of_a_second_later_is_added():
    recording = Recording()
    recording.add({"seconds": {"2": second(sent=2, late_seconds=0.2)}, "begun": 100.0})
    recording.add({"seconds": {"2": second(answered=1, latencies_us=[1500], variants={"a": 1}, late_seconds=0.01)}})
    failure = {"second": 2.5, "after_seconds": 1.0, "kind": "timed out", "detail": "no answer", "question": 0}
    recording.add({"seconds": {"2": second(latencies_us=[10**6], failures={"timed out": 1})}, "failures": [failure]})
    assert [bucket.second for bucket in recording.buckets] == [0, 1, 2]
    last = recording.buckets[2]
    assert (last.sent, last.answered, last.failed, list(last.latencies)) == (2, 1, 1, [0.0015, 1.0])
    assert (recording.sent, recording.answered, recording.failures) == (2, 1, {"timed out": 1})
    assert recording.failed[0].kind == "timed out"
    assert recording.late == [2]
    assert recording.percentiles([50, 100]) == {50: pytest.approx(0.0015), 100: 1.0}
    assert recording.begun == 100
