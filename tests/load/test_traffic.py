"""What the recording says of endpoints that answer, stall, fail and go away."""

import dataclasses
import io
import itertools
import os
import signal
import time
from types import SimpleNamespace

import pytest

from load.endpoint import Question
from load.schedule import Level, steady
from load.traffic import GeneratorFailed, Traffic
from tests.load.stub import KEY, RIGHT, SECRET, Stub, answer


def test_all_that_is_sent_is_answered_and_counted_by_second_and_variant(endpoint):
    with Traffic(steady(100, 2), endpoint()) as traffic:
        assert traffic.wait(30)
    recording = traffic.recording
    assert [bucket.sent for bucket in recording.buckets if bucket.sent] == [100, 100]
    assert recording.answered == 200
    assert recording.variants == {"model-a": 200}
    assert recording.failures == {}
    assert sum(len(bucket.latencies) for bucket in recording.buckets) == 200
    assert sum(bucket.arrived for bucket in recording.buckets) == 200
    assert recording.ended - recording.begun >= 1.9


def test_a_stall_of_a_second_shows_in_the_latencies_of_all_that_were_planned_meanwhile(stub, endpoint):
    stalled = itertools.count()

    def answering(_row):
        if next(stalled) == 100:
            time.sleep(1)
        return RIGHT

    stub.answering = answering
    with Traffic(steady(200, 3), endpoint()) as traffic:
        assert traffic.wait(30)
    latencies = [latency for bucket in traffic.recording.buckets for latency in bucket.latencies]
    assert len(latencies) == traffic.recording.sent == 600
    # 200 requests were planned in that second: one waited for all of it, one for half, one for a tenth of it.
    assert len([latency for latency in latencies if latency > 0.5]) >= 99
    assert len([latency for latency in latencies if latency > 0.1]) >= 179
    found = traffic.recording.percentiles()
    assert found[99.0] > 0.9
    assert found[90.0] > 0.6
    assert traffic.recording.failures == {}


def test_clients_that_wait_for_each_other_do_not_see_the_stall_of_a_second(stub, endpoint):
    stalled = itertools.count()

    def answering(_row):
        if next(stalled) == 100:
            time.sleep(1)
        return RIGHT

    stub.answering = answering
    with Traffic(Level(threads=1, requests=600), endpoint()) as traffic:
        assert traffic.wait(30)
    latencies = [latency for bucket in traffic.recording.buckets for latency in bucket.latencies]
    assert max(latencies) > 0.9
    # One, and what a busy machine adds; of a schedule it would be a hundred.
    assert len([latency for latency in latencies if latency > 0.5]) < 5


def test_a_generator_that_is_itself_late_says_so_and_the_wait_counts(endpoint):
    with Traffic(steady(100, 2), endpoint()) as traffic:
        os.kill(traffic._process.pid, signal.SIGSTOP)
        time.sleep(1)
        os.kill(traffic._process.pid, signal.SIGCONT)
        assert traffic.wait(30)
    assert traffic.recording.late
    assert traffic.recording.sent == 200
    assert traffic.recording.percentiles()[90.0] > 0.5


def test_a_wrong_answer_is_a_failure_and_is_told(stub, endpoint):
    stub.answering = lambda row: RIGHT if row == "a" else answer("2")
    with Traffic(Level(1, 4), endpoint(Question("a", "1"), Question("b", "1"))) as traffic:
        assert traffic.wait(30)
    assert traffic.recording.failures == {"wrong answer": 2}
    assert traffic.recording.answered == 2
    assert [(each.kind, each.detail, each.question) for each in traffic.recording.failed] == [
        ("wrong answer", "2", 1)
    ] * 2


def test_either_of_two_answers_is_right_and_any_where_none_is_given(stub, endpoint):
    stub.answering = lambda row: answer({"a": "2\n", "b": "anything"}[row])
    with Traffic(Level(1, 4), endpoint(Question("a", ("1", "2")), Question("b"))) as traffic:
        assert traffic.wait(30)
    assert traffic.recording.answered == 4


def test_errors_are_told_by_status_and_kind_and_nothing_is_asked_again(stub, endpoint):
    stub.answering = lambda _row: answer("{}", "424 Failed Dependency", "x-amzn-ErrorType: ModelError:http://a\r\n")
    with Traffic(Level(2, 10), endpoint()) as traffic:
        assert traffic.wait(30)
    assert traffic.recording.failures == {"424 ModelError": 10}
    assert stub.asked == 10


def test_requests_that_are_on_a_connection_when_it_is_lost_have_failed(stub, endpoint):
    stub.answering = lambda _row: b""
    with Traffic(Level(5, 5), endpoint()) as traffic:
        while stub.asked < 5:
            time.sleep(0.01)
        stub.hang_up()
        assert traffic.wait(30)
    assert traffic.recording.failures == {"connection lost": 5}
    assert stub.asked == 5


def test_a_connection_that_is_closed_between_requests_loses_none(stub, endpoint):
    stub.answering = lambda _row: answer("1", headers="connection: close\r\n")
    with Traffic(steady(50, 1), endpoint()) as traffic:
        assert traffic.wait(30)
    assert traffic.recording.answered == 50


def test_nobody_listens(endpoint):
    with Stub() as gone:
        asked = dataclasses.replace(endpoint(), url=gone.url)
    with Traffic(steady(50, 0.5), asked) as traffic:
        assert traffic.wait(30)
    assert traffic.recording.failures == {"connection refused": 25}


def test_ends_stand_in_the_second_in_which_they_came(stub, endpoint):
    stub.answering = lambda _row: b""
    with Traffic(steady(20, 0.5), endpoint(), timeout_seconds=2) as traffic:
        assert traffic.wait(30)
    first, *later = traffic.recording.buckets
    assert (first.sent, first.failed, first.lost) == (10, 10, 0)
    assert sum(bucket.lost for bucket in later[1:]) == 10
    assert [(bucket.sent, bucket.failed) for bucket in later] == [(0, 0)] * len(later)


def test_silence_ends_with_the_time_that_is_allowed(stub, endpoint):
    stub.answering = lambda _row: b""
    with Traffic(steady(20, 0.5), endpoint(), timeout_seconds=0.5) as traffic:
        assert traffic.wait(30)
    assert traffic.recording.failures == {"timed out": 10}
    assert sum(bucket.lost for bucket in traffic.recording.buckets) == 10
    assert min(latency for bucket in traffic.recording.buckets for latency in bucket.latencies) >= 0.5


def test_where_there_are_no_more_connections_the_wait_for_one_counts(stub, endpoint):
    def answering(_row):
        time.sleep(0.02)
        return RIGHT

    stub.answering = answering
    with Traffic(steady(100, 1), endpoint(), most_connections=1) as traffic:
        assert traffic.wait(30)
    assert traffic.recording.answered == 100
    assert traffic.recording.percentiles()[99.0] > 0.7


def test_what_has_no_end_is_stopped_and_the_last_answers_are_waited_for(stub, endpoint):
    with Traffic(steady(100), endpoint()) as traffic:
        while traffic.recording.answered < 20:
            time.sleep(0.01)
    recording = traffic.recording
    assert recording.ended is not None
    assert recording.sent == recording.answered == stub.asked >= 20


def test_a_generator_that_dies_is_told(endpoint):
    traffic = Traffic(steady(100), endpoint())
    traffic.start()
    traffic._process.kill()
    assert traffic.wait(30)
    with pytest.raises(GeneratorFailed, match="status -9"):
        traffic.stop()


def test_a_generator_that_dies_in_the_middle_of_a_word_has_ended(endpoint):
    traffic = Traffic(steady(100), endpoint())
    traffic._process = SimpleNamespace(stdout=io.StringIO('{"begun": 100.0}\n{"seconds": {"0": {"se'))
    traffic._listen()
    assert traffic.wait(0)
    assert (traffic.recording.begun, traffic.recording.ended) == (100.0, None)


def test_a_failing_test_ends_its_traffic_at_once(stub, endpoint):
    stub.answering = lambda _row: b""
    with pytest.raises(ZeroDivisionError), Traffic(steady(100), endpoint()) as traffic:
        raise ZeroDivisionError
    assert traffic._process.returncode is not None


def test_new_credentials_are_signed_with(stub, endpoint, monkeypatch):
    monkeypatch.setattr("load.traffic._RENEWS_EVERY_SECONDS", 0.1)
    asked = endpoint(token="first")
    with Traffic(steady(50), asked) as traffic:
        while not traffic.recording.answered:
            time.sleep(0.01)
        assert stub.headers["x-amz-security-token"] == "first"
        asked.session._session.set_credentials(KEY, SECRET, "second")
        while stub.headers["x-amz-security-token"] == "first":
            time.sleep(0.01)
    assert traffic.recording.failures == {}
