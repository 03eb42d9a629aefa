"""Percentiles are exact, and seconds without requests are there."""

import math
import sys
import threading

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
    return nothing | {"arrived": 0, "lost": 0} | values


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


def test_what_was_handed_out_does_not_change_any_more():
    recording = Recording()
    recording.add({"seconds": {"0": second(sent=1, latencies_us=[1500], failures={"timed out": 1}, lost=1)}})
    (bucket,) = recording.buckets
    recording.add({"seconds": {"0": second(sent=1, answered=1, latencies_us=[9], variants={"a": 1}, arrived=1)}})
    recording.add({"seconds": {"0": second(sent=1, latencies_us=[9], failures={"wrong answer": 1}, lost=1)}})
    assert (bucket.sent, bucket.answered, bucket.arrived, bucket.lost) == (1, 0, 0, 1)
    assert (list(bucket.latencies), bucket.failures, bucket.variants) == ([0.0015], {"timed out": 1}, {})
    assert [(each.sent, each.waiting, each.lost) for each in recording.buckets] == [(3, 0, 2)]


def test_a_second_waits_for_what_has_not_ended():
    recording = Recording()
    recording.add({"seconds": {"1": second(sent=3, answered=1, latencies_us=[1500])}})
    assert [bucket.waiting for bucket in recording.buckets] == [0, 2]


def test_seconds_under_load_end_before_the_last_in_which_something_was_sent():
    recording = Recording()
    sent = [3, 0, 5, 2, 0, 0]
    recording.add({"seconds": {str(at): second(sent=count) for at, count in enumerate(sent)}})
    assert [bucket.sent for bucket in recording.under_load] == [3, 0, 5]
    assert Recording().under_load == []


@pytest.fixture
def impatient_threads():
    """Threads take turns after each of Python's instructions, or nearly so."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("impatient_threads")
def test_any_thread_may_read_while_the_recording_grows():
    recording, ended = Recording(), threading.Event()

    def grow():
        for kind in range(3_000):
            new = {f"kind {kind}": 1}
            recording.add({"seconds": {str(kind % 3): second(sent=1, latencies_us=[1], failures=new, variants=new)}})
        ended.set()

    growing = threading.Thread(target=grow)
    growing.start()
    while not ended.is_set():
        assert recording.failures.total() <= recording.variants.total() <= recording.sent
        assert all(bucket.failed == len(bucket.latencies) for bucket in recording.buckets)
    growing.join()
    assert recording.failures.total() == 3_000
