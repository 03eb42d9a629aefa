"""Waits, back-offs and timeouts follow the cloud's clock, which tests move."""

import json
import threading
import time
from typing import Any

import pytest

from tests.local.stepfunctions.conftest import StatesCloud
from tests.local.stepfunctions.front_door import Answer
from tests.local.stepfunctions.test_states import task

WAIT_FOR_TOKEN = "arn:aws:states:::lambda:invoke.waitForTaskToken"


def asking(**fields: Any) -> dict[str, Any]:
    """A task that hands its token to the function ``ask`` and waits."""
    payload = {"token": "{% $states.context.Task.Token %}"}
    return {
        "Type": "Task",
        "Resource": WAIT_FOR_TOKEN,
        "Arguments": {"FunctionName": "ask", "Payload": payload},
        **({} if "Next" in fields else {"End": True}),
        **fields,
    }


@pytest.fixture
def tokens(cloud: StatesCloud) -> list[str]:
    seen: list[str] = []
    cloud.door.on_lambda("ask", lambda given: seen.append(given["token"]))
    return seen


def test_waits(cloud: StatesCloud) -> None:
    states = {
        "Seconds": {
            "Type": "Wait",
            "Seconds": "{% $states.input.n * 60 %}",
            "Assign": {"waited": True},
            "Next": "Until",
        },
        "Until": {
            "Type": "Wait",
            "Timestamp": "{% $fromMillis($toMillis($states.context.State.EnteredTime) + 3600 * 1000) %}",
            "Output": "{% $waited %}",
            "End": True,
        },
    }
    arn = cloud.start(cloud.create(states), {"n": 10})
    cloud.until_event(arn, "WaitStateEntered")
    cloud.advance(590)
    time.sleep(0.1)
    assert cloud.kinds(arn) == ["ExecutionStarted", "WaitStateEntered"]
    cloud.advance(11)
    cloud.until_event(arn, "WaitStateEntered", 2)
    cloud.advance(3601)
    ended = cloud.ended(arn)
    assert ended["output"] is True
    assert 4200 < (ended["stopDate"] - ended["startDate"]).total_seconds() < 4215
    entered = [event["timestamp"] for event in cloud.history(arn) if event["type"] == "WaitStateEntered"]
    assert 600 <= (entered[1] - entered[0]).total_seconds() < 612


def test_seconds_must_be_whole(cloud: StatesCloud) -> None:
    ended = cloud.run({"W": {"Type": "Wait", "Seconds": "{% 'soon' %}", "End": True}})
    assert (
        "'Seconds' returned an unexpected result type. Expected 'integer', but was 'string' for value: \"soon\""
        in ended["cause"]
    )


def test_retries_back_off(cloud: StatesCloud) -> None:
    tries: list[float] = []

    def flaky(_: Any) -> Any:
        tries.append(cloud.clock.now())
        if len(tries) < 4:
            raise TimeoutError("busy")
        return "done"

    cloud.door.on_lambda("flaky", flaky)
    retry = [
        {
            "ErrorEquals": ["TimeoutError"],
            "IntervalSeconds": 10,
            "BackoffRate": 2.0,
            "MaxAttempts": 5,
            "MaxDelaySeconds": 30,
        }
    ]
    states = {"T": task("flaky", Retry=retry, Output={"tries": "{% $states.context.State.RetryCount %}"})}
    arn = cloud.start(cloud.create(states))
    for n, seconds in enumerate((10, 20, 30), start=1):
        cloud.until(lambda n=n: len(tries) == n)
        cloud.until_event(arn, "TaskFailed", n)
        cloud.advance(seconds - 2)
        time.sleep(0.1)
        assert len(tries) == n
        cloud.advance(3)
    assert cloud.ended(arn)["output"] == {"tries": 3}
    assert cloud.kinds(arn).count("TaskScheduled") == 4


def test_full_jitter_shortens_the_wait_and_exhaustion_is_caught(cloud: StatesCloud) -> None:
    cloud.door.on_lambda("never", lambda _: 1 / 0)
    retry = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 100, "MaxAttempts": 2, "JitterStrategy": "FULL"}]
    states = {
        "T": task(
            "never",
            Retry=retry,
            Catch=[{"ErrorEquals": ["States.TaskFailed"], "Assign": {"e": "{% $states.errorOutput %}"}, "Next": "S"}],
            Next="S",
        ),
        "S": {"Type": "Pass", "Output": "{% $e.Error %}", "End": True},
    }
    arn = cloud.start(cloud.create(states))
    for n in (1, 2):
        cloud.until_event(arn, "TaskFailed", n)
        cloud.advance(200)
    assert cloud.ended(arn)["output"] == "ZeroDivisionError"
    failed = [event["timestamp"] for event in cloud.history(arn) if event["type"] == "TaskFailed"]
    assert len(failed) == 3


def test_a_slow_call_times_out(cloud: StatesCloud) -> None:
    slow = threading.Event()
    cloud.door.on_lambda("slow", lambda _: slow.wait(30))
    states = {
        "T": task(
            "slow",
            TimeoutSeconds="{% $states.input.limit %}",
            Catch=[{"ErrorEquals": ["States.Timeout"], "Next": "S"}],
            Next="S",
        ),
        "S": {"Type": "Pass", "Output": "{% $states.input %}", "End": True},
    }
    arn = cloud.start(cloud.create(states), {"limit": 600})
    cloud.until(lambda: cloud.door.called("lambda", "slow"))
    cloud.advance(599)
    time.sleep(0.1)
    assert cloud.describe(arn)["status"] == "RUNNING"
    cloud.advance(2)
    assert cloud.ended(arn)["output"] == {"Error": "States.Timeout", "Cause": ""}
    scheduled = next(event for event in cloud.history(arn) if event["type"] == "TaskScheduled")
    assert scheduled["taskScheduledEventDetails"]["timeoutInSeconds"] == 600
    assert "TaskTimedOut" in cloud.kinds(arn)
    slow.set()


def test_the_machines_timeout(cloud: StatesCloud) -> None:
    arn = cloud.start(
        cloud.create({"W": {"Type": "Wait", "Seconds": 100_000, "End": True}}, TimeoutSeconds=3600), name="late"
    )
    cloud.until_event(arn, "WaitStateEntered")
    cloud.advance(3601)
    ended = cloud.ended(arn)
    assert ended["status"] == "TIMED_OUT"
    assert "error" not in ended
    assert "cause" not in ended
    last = cloud.history(arn)[-1]
    assert (last["type"], last["previousEventId"], last["executionTimedOutEventDetails"]["error"]) == (
        "ExecutionTimedOut",
        0,
        "States.Timeout",
    )
    assert cloud.events == [("late", "RUNNING"), ("late", "TIMED_OUT")]


def test_a_token_is_answered_once(cloud: StatesCloud, tokens: list[str]) -> None:
    arn = cloud.start(cloud.create({"A": asking(Output="{% $states.result.by %}")}))
    cloud.until_event(arn, "TaskSubmitted")
    token = tokens[0]
    assert 600 < len(token) <= 2048
    assert set("+/=") & set(token)
    cloud.advance(500_000)  # no timeout: it waits for a year
    cloud.states.send_task_success(taskToken=token, output=json.dumps({"by": 'a "person"\nü'}))
    assert cloud.ended(arn)["output"] == 'a "person"\nü'
    assert cloud.kinds(arn) == [
        "ExecutionStarted",
        "TaskStateEntered",
        "TaskScheduled",
        "TaskStarted",
        "TaskSubmitted",
        "TaskSucceeded",
        "TaskStateExited",
        "ExecutionSucceeded",
    ]
    submitted = cloud.history(arn)[4]["taskSubmittedEventDetails"]
    assert (submitted["resource"], submitted["resourceType"]) == ("invoke.waitForTaskToken", "lambda")
    with pytest.raises(cloud.states.exceptions.TaskTimedOut, match="Provided task does not exist anymore"):
        cloud.states.send_task_failure(taskToken=token, error="Late")


def test_tokens_that_are_none(cloud: StatesCloud, tokens: list[str]) -> None:
    exceptions = cloud.states.exceptions
    arn = cloud.start(cloud.create({"A": asking()}))
    cloud.until_event(arn, "TaskSubmitted")
    for wrong in ("x", "AQCA", tokens[0][:-8] + "AAAAAAA=", tokens[0] + "AAAA"):
        with pytest.raises(exceptions.InvalidToken):
            cloud.states.send_task_success(taskToken=wrong, output="{}")
    with pytest.raises(exceptions.InvalidOutput):
        cloud.states.send_task_success(taskToken=tokens[0], output="no json")
    with pytest.raises(exceptions.InvalidOutput):
        cloud.states.send_task_success(taskToken=tokens[0], output='"' + "x" * 262_144 + '"')
    assert cloud.describe(arn)["status"] == "RUNNING"
    machine = cloud.describe(arn)["stateMachineArn"]
    assert cloud.backend.resource_arn("SendTaskSuccess", {"taskToken": tokens[0]}) == machine
    assert cloud.backend.resource_arn("SendTaskSuccess", {"taskToken": "x"}) is None
    cloud.states.delete_state_machine(stateMachineArn=machine)
    with pytest.raises((exceptions.TaskTimedOut, exceptions.TaskDoesNotExist)):
        cloud.states.send_task_success(taskToken=tokens[0], output="{}")


def test_a_token_that_is_refused(cloud: StatesCloud, tokens: list[str]) -> None:
    catch = [{"ErrorEquals": ["ReleaseRejected"], "Output": "{% $states.errorOutput %}", "Next": "S"}]
    arn = cloud.start(cloud.create({"A": asking(Catch=catch, Next="S"), "S": {"Type": "Succeed"}}))
    cloud.until(lambda: tokens)
    cloud.states.send_task_failure(taskToken=tokens[0], error="ReleaseRejected", cause="not this one")
    assert cloud.ended(arn)["output"] == {"Error": "ReleaseRejected", "Cause": "not this one"}


def test_an_answer_that_comes_before_the_call_returns(cloud: StatesCloud) -> None:
    cloud.door.on_lambda(
        "ask", lambda given: cloud.states.send_task_success(taskToken=given["token"], output="1") and None
    )
    assert cloud.run({"A": asking()})["output"] == 1


def test_a_token_expires(cloud: StatesCloud, tokens: list[str]) -> None:
    catch = [{"ErrorEquals": ["States.Timeout"], "Output": "{% $states.errorOutput.Error %}", "Next": "S"}]
    arn = cloud.start(
        cloud.create({"A": asking(TimeoutSeconds=604_800, Catch=catch, Next="S"), "S": {"Type": "Succeed"}})
    )
    cloud.until_event(arn, "TaskSubmitted")
    cloud.advance(604_801)
    assert cloud.ended(arn)["output"] == "States.Timeout"
    with pytest.raises(cloud.states.exceptions.TaskTimedOut):
        cloud.states.send_task_success(taskToken=tokens[0], output="{}")


def test_a_retry_of_a_waiting_task_makes_a_new_token(cloud: StatesCloud, tokens: list[str]) -> None:
    retry = [{"ErrorEquals": ["Again"], "IntervalSeconds": 1, "MaxAttempts": 1}]
    arn = cloud.start(cloud.create({"A": asking(Retry=retry)}))
    cloud.until(lambda: tokens)
    cloud.states.send_task_failure(taskToken=tokens[0], error="Again")
    cloud.until_event(arn, "TaskFailed")
    cloud.advance(2)
    cloud.until(lambda: len(tokens) == 2)
    assert tokens[0] != tokens[1]
    cloud.states.send_task_success(taskToken=tokens[1], output="{}")
    assert cloud.ended(arn)["status"] == "SUCCEEDED"


@pytest.mark.parametrize("caught", ["States.HeartbeatTimeout", "States.Timeout"])
def test_a_missed_heartbeat(cloud: StatesCloud, tokens: list[str], caught: str) -> None:
    catch = [{"ErrorEquals": [caught], "Output": "{% $states.errorOutput.Error %}", "Next": "S"}]
    arn = cloud.start(
        cloud.create(
            {"A": asking(HeartbeatSeconds=100, TimeoutSeconds=10_000, Catch=catch, Next="S"), "S": {"Type": "Succeed"}}
        )
    )
    cloud.until_event(arn, "TaskSubmitted")
    for _ in range(4):
        cloud.advance(90)
        cloud.states.send_task_heartbeat(taskToken=tokens[0])
    time.sleep(0.1)
    assert cloud.describe(arn)["status"] == "RUNNING"
    cloud.advance(101)
    assert cloud.ended(arn)["output"] == "States.HeartbeatTimeout"
    with pytest.raises(cloud.states.exceptions.TaskTimedOut):
        cloud.states.send_task_heartbeat(taskToken=tokens[0])


def test_stopping_is_prompt_wherever_it_waits(cloud: StatesCloud, tokens: list[str]) -> None:
    held = threading.Event()
    cloud.door.on_lambda("slow", lambda _: held.wait(30))
    cloud.door.on_lambda("never", lambda _: 1 / 0)
    places = {
        "wait": ({"W": {"Type": "Wait", "Seconds": 9999, "End": True}}, "WaitStateEntered"),
        "token": ({"A": asking()}, "TaskSubmitted"),
        "call": ({"T": task("slow")}, "TaskStarted"),
        "retry": ({"T": task("never", Retry=[{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 9999}])}, "TaskFailed"),
        "branch": (
            {
                "P": {
                    "Type": "Parallel",
                    "Branches": [{"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 9999, "End": True}}}],
                    "End": True,
                }
            },
            "WaitStateEntered",
        ),
        "iteration": (
            {
                "M": {
                    "Type": "Map",
                    "Items": [1, 2],
                    "ItemProcessor": {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 9999, "End": True}}},
                    "End": True,
                }
            },
            "WaitStateEntered",
        ),
    }
    before = threading.active_count()
    for name, (states, event) in places.items():
        arn = cloud.start(cloud.create(states, name=name), name=name)
        cloud.until_event(arn, event)
        begun = time.monotonic()
        stopped = cloud.states.stop_execution(executionArn=arn, error="Mine", cause="because")["stopDate"]
        assert time.monotonic() - begun < 1
        described = cloud.describe(arn)
        assert (described["status"], described["error"], described["cause"]) == ("ABORTED", "Mine", "because")
        assert described["stopDate"] == stopped
        last = cloud.history(arn)[-1]
        assert (last["type"], last["executionAbortedEventDetails"]) == (
            "ExecutionAborted",
            {"error": "Mine", "cause": "because"},
        )
        assert cloud.events[-1] == (name, "ABORTED")
        # Again is harmless and changes nothing.
        assert cloud.states.stop_execution(executionArn=arn)["stopDate"] == stopped
    with pytest.raises(cloud.states.exceptions.TaskTimedOut):
        cloud.states.send_task_success(taskToken=tokens[0], output="{}")
    held.set()
    cloud.until(lambda: threading.active_count() <= before)


def test_time_that_runs_fast(cloud: StatesCloud) -> None:
    cloud.clock.set_factor(2000)
    begun = time.monotonic()
    assert cloud.run({"W": {"Type": "Wait", "Seconds": 1000, "End": True}})["status"] == "SUCCEEDED"
    assert time.monotonic() - begun < 5


def test_a_failing_call_is_named_as_on_aws(cloud: StatesCloud) -> None:
    cloud.door.on(
        "lambda",
        "denied",
        Answer.error("AccessDeniedException", "not authorized to perform: lambda:InvokeFunction", 403),
    )
    ended = cloud.run({"T": task("denied")})
    assert ended["error"] == "Lambda.AWSLambdaException"
    assert (
        "not authorized to perform: lambda:InvokeFunction (Service: AWSLambda; Status Code: 403; Error Code: AccessDeniedException; Request ID: "
        in ended["cause"]
    )
