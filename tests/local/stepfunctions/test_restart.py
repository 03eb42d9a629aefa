"""What a new process makes of what an old one left behind."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from local.clock import Clock
from local.journal.executions import ExecutionJournal
from tests.local.stepfunctions.conftest import START, StatesCloud
from tests.local.stepfunctions.test_jobs import Jobs, child, training
from tests.local.stepfunctions.test_states import task
from tests.local.stepfunctions.test_time import asking


def asked(cloud: StatesCloud) -> list[str]:
    tokens: list[str] = []
    cloud.door.on_lambda("ask", lambda given: tokens.append(given["token"]))
    return tokens


def test_a_pending_approval_survives(durable: StatesCloud) -> None:
    cloud = durable
    tokens = asked(cloud)
    cloud.door.on_lambda("once", lambda given: {"n": given["n"] + 1})
    states = {
        "Before": task(
            "once",
            payload={"n": 1},
            Assign={
                "n": "{% $states.result.Payload.n %}",
                "u": "{% $uuid() %}",
                "t": "{% $millis() %}",
                "r": "{% $random() %}",
            },
            Next="Ask",
        ),
        "Ask": asking(TimeoutSeconds=604_800, Next="After"),
        "After": {
            "Type": "Pass",
            "Output": {
                "n": "{% $n %}",
                "u": "{% $u %}",
                "t": "{% $t %}",
                "r": "{% $r %}",
                "by": "{% $states.input.by %}",
            },
            "End": True,
        },
    }
    arn = cloud.start(cloud.create(states, name="release"), name="run")
    cloud.until_event(arn, "TaskSubmitted")
    before = cloud.history(arn)
    second = cloud.restarted(later_seconds=3600)
    second.until(lambda: second.history(arn) == before)
    assert len(second.door.called("lambda", "once")) == 1
    assert len(second.door.called("lambda", "ask")) == 1
    # Nothing is told twice, and the very same token works.
    assert second.events == []
    second.states.send_task_success(taskToken=tokens[0], output='{"by":"them"}')
    ended = second.ended(arn)
    assert (ended["output"]["n"], ended["output"]["by"]) == (2, "them")
    assert second.history(arn)[: len(before)] == before
    assert second.events == [("run", "SUCCEEDED")]
    third = second.restarted()
    assert third.ended(arn)["output"] == ended["output"]
    assert third.history(arn) == second.history(arn)
    assert third.events == []


def test_an_end_that_the_bus_had_not_heard_of_is_told_after_the_crash(durable: StatesCloud) -> None:
    cloud = durable
    heard = cloud.start(cloud.create({"S": {"Type": "Succeed"}}), name="heard")
    cloud.ended(heard)
    cloud.until(lambda: ("heard", "SUCCEEDED") in cloud.events)
    cloud.bus_answers = False
    unheard = cloud.start(cloud.create({"S": {"Type": "Succeed"}}), name="unheard")
    cloud.ended(unheard)
    second = cloud.restarted()
    assert second.events == [("unheard", "SUCCEEDED")]
    third = second.restarted()
    assert third.events == []
    third.suspend()


def test_an_answer_that_was_acknowledged_counts(durable: StatesCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = durable
    tokens = asked(cloud)
    arn = cloud.start(cloud.create({"A": asking(Output="{% $states.result %}")}))
    cloud.until_event(arn, "TaskSubmitted")
    # The process dies after the acknowledgement and before the execution has recorded what it heard.
    died = threading.Event()
    effect = ExecutionJournal.effect
    monkeypatch.setattr(
        ExecutionJournal,
        "effect",
        lambda self, arn, scope, kind, value: (
            died.wait(20) if kind == "outcome" else effect(self, arn, scope, kind, value)
        ),
    )
    cloud.states.send_task_success(taskToken=tokens[0], output='"yes"')
    monkeypatch.undo()
    second = cloud.restarted()
    assert second.ended(arn)["output"] == "yes"
    died.set()


def test_waits_and_timeouts_go_on(durable: StatesCloud) -> None:
    cloud = durable
    asked(cloud)
    waiting = cloud.start(cloud.create({"W": {"Type": "Wait", "Seconds": 1000, "End": True}}, name="waiting"))
    expiring = cloud.start(cloud.create({"A": asking(TimeoutSeconds=1000)}, name="expiring"))
    bounded = cloud.start(
        cloud.create({"W": {"Type": "Wait", "Seconds": 100_000, "End": True}}, name="bounded", TimeoutSeconds=1000)
    )
    for arn, event in ((waiting, "WaitStateEntered"), (expiring, "TaskSubmitted"), (bounded, "WaitStateEntered")):
        cloud.until_event(arn, event)
    second = cloud.restarted(later_seconds=900)
    time.sleep(0.2)
    assert {second.describe(arn)["status"] for arn in (waiting, expiring, bounded)} == {"RUNNING"}
    second.advance(101)
    assert second.ended(waiting)["status"] == "SUCCEEDED"
    assert second.ended(expiring)["error"] == "States.Timeout"
    assert second.ended(bounded)["status"] == "TIMED_OUT"
    third_start = second.ended(waiting)
    assert 1000 <= (third_start["stopDate"] - third_start["startDate"]).total_seconds() < 1010


def test_what_expired_while_it_was_down(durable: StatesCloud) -> None:
    cloud = durable
    tokens = asked(cloud)
    catch = [{"ErrorEquals": ["States.Timeout"], "Next": "S"}]
    arn = cloud.start(cloud.create({"A": asking(TimeoutSeconds=1000, Catch=catch, Next="S"), "S": {"Type": "Succeed"}}))
    cloud.until_event(arn, "TaskSubmitted")
    second = cloud.restarted(later_seconds=2000)
    assert second.ended(arn)["status"] == "SUCCEEDED"
    with pytest.raises(second.states.exceptions.TaskTimedOut):
        second.states.send_task_success(taskToken=tokens[0], output="{}")


def test_heartbeats_count_from_the_last_one(durable: StatesCloud) -> None:
    cloud = durable
    tokens = asked(cloud)
    arn = cloud.start(cloud.create({"A": asking(HeartbeatSeconds=100)}))
    cloud.until_event(arn, "TaskSubmitted")
    cloud.advance(90)
    cloud.states.send_task_heartbeat(taskToken=tokens[0])
    second = cloud.restarted(later_seconds=50)
    second.until_event(arn, "TaskSubmitted")
    time.sleep(0.1)
    assert second.describe(arn)["status"] == "RUNNING"
    second.advance(51)
    assert second.ended(arn)["error"] == "States.HeartbeatTimeout"


def test_a_job_goes_on_being_waited_for(durable: StatesCloud) -> None:
    cloud = durable
    jobs = Jobs(cloud)
    arn = cloud.start(cloud.create({"T": training(Output="{% $states.result.TrainingJobStatus %}")}))
    cloud.until_event(arn, "TaskSubmitted")
    second = cloud.restarted()
    assert jobs.jobs["job-0"]["TrainingJobStatus"] == "InProgress"
    jobs.end("job-0", "Completed")
    second.advance(10)
    assert second.ended(arn)["output"] == "Completed"
    assert len(second.door.called("sagemaker", "CreateTrainingJob")) == 1


def test_a_call_that_was_under_way_is_made_again_or_adopted(durable: StatesCloud) -> None:
    cloud = durable
    jobs = Jobs(cloud)
    held, taken = threading.Event(), jobs._create

    def lost(given: Any) -> Any:
        answer = taken(given)
        held.wait(20)
        return answer

    cloud.door.on("sagemaker", "CreateTrainingJob", lost)
    arn = cloud.start(cloud.create({"T": training()}))
    cloud.until(lambda: "job-0" in jobs.jobs)
    second = cloud.restarted()
    second.door.on("sagemaker", "CreateTrainingJob", taken)
    held.set()
    second.until_event(arn, "TaskSubmitted")
    jobs.end("job-0", "Completed")
    second.advance(10)
    assert second.ended(arn)["status"] == "SUCCEEDED"
    assert list(jobs.jobs) == ["job-0"]


def test_parent_and_child_go_on_together(durable: StatesCloud) -> None:
    cloud = durable
    inner = cloud.create(
        {"W": {"Type": "Wait", "Seconds": 500, "Output": {"n": "{% $states.input.n %}"}, "End": True}}, name="inner"
    )
    arn = cloud.start(cloud.create({"C": child(inner, Output="{% $states.result.Output.n %}")}, name="outer"), {"n": 7})
    cloud.until_event(arn, "TaskSubmitted")
    second = cloud.restarted()
    second.until_event(arn, "TaskSubmitted")
    second.advance(501)
    assert second.ended(arn)["output"] == 7
    assert len(second.states.list_executions(stateMachineArn=inner)["executions"]) == 1


def test_branches_and_iterations_are_replayed_each_for_itself(durable: StatesCloud) -> None:
    cloud = durable
    calls: list[Any] = []

    def work(given: Any) -> Any:
        calls.append(given)
        return given["n"]

    cloud.door.on_lambda("work", work)
    tokens = asked(cloud)
    slow = {"StartAt": "Ask", "States": {"Ask": asking(Output="{% $states.result %}")}}
    iterations = {
        "Type": "Map",
        "Items": [1, 2, 3],
        "MaxConcurrency": 2,
        "ItemProcessor": {
            "StartAt": "Work",
            "States": {
                "Work": task(
                    "work",
                    payload={"n": "{% $states.input %}"},
                    Output={"n": "{% $states.result.Payload %}", "u": "{% $uuid() %}"},
                )
            },
        },
        "End": True,
    }
    states = {"P": {"Type": "Parallel", "Branches": [slow, {"StartAt": "M", "States": {"M": iterations}}], "End": True}}
    arn = cloud.start(cloud.create(states))
    cloud.until_event(arn, "MapStateExited")
    cloud.until_event(arn, "TaskSubmitted")
    before = cloud.history(arn)
    second = cloud.restarted()
    second.until(lambda: second.history(arn) == before)
    second.states.send_task_success(taskToken=tokens[0], output='"done"')
    first, rest = second.ended(arn)["output"]
    assert first == "done"
    assert [each["n"] for each in rest] == [1, 2, 3]
    assert len({each["u"] for each in rest}) == 3
    assert len(calls) == 3
    assert second.history(arn)[: len(before)] == before


def test_a_branch_that_was_stopped_stays_stopped(durable: StatesCloud) -> None:
    cloud = durable
    tokens = asked(cloud)
    cloud.door.on_lambda("fails", lambda _: 1 / 0)
    waiting = {
        "StartAt": "V",
        "States": {"V": {"Type": "Pass", "Next": "W"}, "W": {"Type": "Wait", "Seconds": 9999, "End": True}},
    }
    failing = {"StartAt": "D", "States": {"D": {"Type": "Wait", "Seconds": 5, "Next": "X"}, "X": task("fails")}}
    states = {
        "P": {
            "Type": "Parallel",
            "Branches": [waiting, failing],
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "A"}],
            "Next": "A",
        },
        "A": asking(),
    }
    arn = cloud.start(cloud.create(states))
    cloud.until_event(arn, "WaitStateEntered", 2)
    cloud.advance(6)
    cloud.until_event(arn, "TaskSubmitted")
    before = cloud.history(arn)
    second = cloud.restarted()
    second.until(lambda: second.history(arn) == before)
    second.states.send_task_success(taskToken=tokens[0], output="{}")
    assert second.ended(arn)["status"] == "SUCCEEDED"


def test_retries_are_replayed_with_their_jitter(durable: StatesCloud) -> None:
    cloud = durable
    cloud.door.on_lambda("never", lambda _: 1 / 0)
    retry = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1000, "MaxAttempts": 2, "JitterStrategy": "FULL"}]
    arn = cloud.start(cloud.create({"T": task("never", Retry=retry)}))
    cloud.until_event(arn, "TaskFailed")
    second = cloud.restarted(later_seconds=1000)
    second.until_event(arn, "TaskFailed", 2)
    second.advance(2000)
    assert second.ended(arn)["error"] == "ZeroDivisionError"
    assert len(second.door.called("lambda", "never")) == 3


def test_the_definition_of_the_start_counts(durable: StatesCloud) -> None:
    cloud = durable
    machine = cloud.create({"W": {"Type": "Wait", "Seconds": 100, "Output": "{% 'old' %}", "End": True}})
    arn = cloud.start(machine)
    cloud.until_event(arn, "WaitStateEntered")
    cloud.states.update_state_machine(
        stateMachineArn=machine, definition=json.dumps({"StartAt": "N", "States": {"N": {"Type": "Succeed"}}})
    )
    second = cloud.restarted()
    second.advance(101)
    assert second.ended(arn)["output"] == "old"
    assert json.loads(second.states.describe_state_machine(stateMachineArn=machine)["definition"])["StartAt"] == "N"


def test_a_log_that_says_something_else_ends_the_execution(durable: StatesCloud, tmp_path: Path) -> None:
    cloud = durable
    arn = cloud.start(cloud.create({"W": {"Type": "Wait", "Seconds": 100, "End": True}}))
    cloud.until_event(arn, "WaitStateEntered")
    cloud.suspend()
    log = tmp_path / "stepfunctions" / "executions.jsonl"
    log.write_text(log.read_text().replace('"kind":"event"', '"kind":"outcome"'))
    second = StatesCloud(tmp_path, Clock(start=START), cloud.door)
    ended = second.ended(arn)
    assert ended["error"] == "States.Runtime"
    assert "'outcome' was recorded" in ended["cause"]


def test_a_torn_last_line_was_never_acknowledged(tmp_path: Path) -> None:
    journal = ExecutionJournal(tmp_path)
    journal.recover(0.0)
    journal.machine("arn:a", {"name": "a"})
    journal.close()
    with (tmp_path / "executions.jsonl").open("ab") as log:
        log.write(b'{"t":"machine","arn":"arn:b","rec')
    journal = ExecutionJournal(tmp_path)
    assert list(journal.recover(0.0).machines) == ["arn:a"]
    journal.machine("arn:c", {"name": "c"})
    journal.close()
    journal = ExecutionJournal(tmp_path)
    assert list(journal.recover(0.0).machines) == ["arn:a", "arn:c"]
    journal.close()


def test_the_log_is_short_after_a_start_and_private(durable: StatesCloud, tmp_path: Path) -> None:
    cloud = durable
    machine = cloud.create(
        {
            "C": {
                "Type": "Choice",
                "Choices": [{"Condition": "{% $states.input.n >= 100 %}", "Next": "S"}],
                "Output": {"n": "{% $states.input.n + 1 %}"},
                "Default": "C",
            },
            "S": {"Type": "Succeed"},
        }
    )
    arn = cloud.start(machine, {"n": 0})
    cloud.ended(arn)
    told = cloud.history(arn)
    log = tmp_path / "stepfunctions" / "executions.jsonl"
    long = log.stat().st_size
    second = cloud.restarted()
    assert log.stat().st_size < long / 3
    assert log.stat().st_mode & 0o077 == 0
    assert second.history(arn) == told
    # Older than AWS keeps them: gone.
    third = second.restarted(later_seconds=91 * 86_400)
    with pytest.raises(third.states.exceptions.ExecutionDoesNotExist):
        third.describe(arn)
    assert list((tmp_path / "stepfunctions" / "histories").iterdir()) == []


def test_two_clouds_do_not_share_a_folder(durable: StatesCloud, tmp_path: Path) -> None:
    with pytest.raises(BlockingIOError, match="another running cloud"):
        StatesCloud(tmp_path, Clock(start=START))


@pytest.mark.parametrize("seed", range(4))
def test_however_often_it_is_interrupted_it_comes_to_the_same_end(durable: StatesCloud, seed: int) -> None:
    chance = random.Random(seed)
    cloud = durable
    cloud.door.on_lambda("add", lambda given: time.sleep(chance.random() / 200) or given["n"] + 1)
    tried: set[int] = set()

    def flaky(given: Any) -> Any:
        if given["n"] not in tried:
            tried.add(given["n"])
            raise TimeoutError("busy")
        return given["n"]

    cloud.door.on_lambda("flaky", flaky)
    retry = [{"ErrorEquals": ["TimeoutError"], "IntervalSeconds": 1, "JitterStrategy": "FULL"}]
    add = task("add", payload={"n": "{% $states.input.n %}"}, Output={"n": "{% $states.result.Payload %}"})
    branch = {"StartAt": "X", "States": {"X": {**add, "Next": "Y"}, "Y": add}}
    del branch["States"]["X"]["End"]
    states = {
        "A": {**add, "Next": "P"},
        "P": {
            "Type": "Parallel",
            "Branches": [branch, branch],
            "Output": {"n": "{% $sum($states.result.n) %}"},
            "Next": "W",
        },
        "W": {"Type": "Wait", "Seconds": 1, "Assign": {"u": "{% $uuid() %}", "t": "{% $millis() %}"}, "Next": "F"},
        "F": {
            **task("flaky", payload={"n": "{% $states.input.n %}"}, Retry=retry),
            "Output": {"n": "{% $states.result.Payload %}", "u": "{% $u %}"},
            "Next": "L",
        },
        "L": {"Type": "Choice", "Choices": [{"Condition": "{% $states.input.n > 100 %}", "Next": "S"}], "Default": "A"},
        "S": {"Type": "Succeed"},
    }
    for name in ("A", "F"):
        states[name].pop("End")
    cloud.clock.set_factor(50)
    arn = cloud.start(cloud.create(states), {"n": 1})
    seen: list[dict[str, Any]] = []
    for _ in range(12):
        time.sleep(chance.random() / 10)
        cloud = cloud.restarted()
        cloud.clock.set_factor(50)
        history = cloud.history(arn)
        # What was told stays as it was told.
        assert history[: len(seen)] == seen
        seen = history
    ended = cloud.ended(arn)
    # n → 2 (n + 3), from 1: 8, 22, 50, 106
    assert (ended["status"], ended["output"]["n"]) == ("SUCCEEDED", 106)
    ids = [event["id"] for event in cloud.history(arn)]
    assert ids == list(range(1, len(ids) + 1))
    cloud.suspend()


_OTHER_PROCESS = """
import sys, json, time, threading
from pathlib import Path
from local.clock import Clock
from tests.local.stepfunctions.conftest import StatesCloud, START
from tests.local.stepfunctions.test_time import asking
cloud = StatesCloud(Path(sys.argv[1]), Clock(start=START))
tokens = []
cloud.door.on_lambda("ask", lambda given: tokens.append(given["token"]))
machine = cloud.create({"A": asking(Output="{% $states.result %}")})
arn = cloud.start(machine, name="waits")
answered = cloud.start(machine, name="answered")
cloud.until_event(arn, "TaskSubmitted")
cloud.until_event(answered, "TaskSubmitted")
by_execution = {arn: None, answered: None}
for token in tokens:
    by_execution[cloud.backend._tokens.execution_of(token)] = token
# Acknowledged in the very moment before the end.
cloud.states.send_task_success(taskToken=by_execution[answered], output='"acknowledged"')
print(json.dumps([arn, answered, by_execution[arn]]), flush=True)
threading.Event().wait()
"""


def test_killed(tmp_path: Path) -> None:
    root = Path(__file__).parents[3]
    process = subprocess.Popen(
        [sys.executable, "-c", _OTHER_PROCESS, str(tmp_path)], cwd=root, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    arn, answered, token = json.loads(line)
    begun = time.monotonic()
    cloud = StatesCloud(tmp_path, Clock(start=START + 60))
    assert cloud.ended(answered)["output"] == "acknowledged"
    assert cloud.describe(arn)["status"] == "RUNNING"
    cloud.states.send_task_success(taskToken=token, output='"after"')
    assert cloud.ended(arn)["output"] == "after"
    assert time.monotonic() - begun < 10
    cloud.suspend()
