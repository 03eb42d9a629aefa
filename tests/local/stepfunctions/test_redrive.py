"""An execution that ended without success goes on at the step that did not succeed."""

import dataclasses
import json
from typing import Any

import pytest

from local.stepfunctions.redrive import Redrive, hindrance, next_redrive
from local.stepfunctions.status_events import event
from tests.local.stepfunctions.conftest import StatesCloud
from tests.local.stepfunctions.test_jobs import Jobs, training
from tests.local.stepfunctions.test_restart import asked
from tests.local.stepfunctions.test_states import task
from tests.local.stepfunctions.test_time import asking

DAY = 86_400
COUNT = "{% $exists($states.context.Execution.RedriveCount) ? $states.context.Execution.RedriveCount : 0 %}"


def release(**last: Any) -> dict[str, Any]:
    """A step that succeeds, and one that waits for a person."""
    before = task("once", payload={"n": 1}, Assign={"n": "{% $states.result.Payload %}"}, Output={"from": "before"})
    return {
        "Before": {key: value for key, value in before.items() if key != "End"} | {"Next": "Ask"},
        "Ask": asking(
            Output={"n": "{% $n %}", "input": "{% $states.input %}", "redrives": COUNT, "said": "{% $states.result %}"},
            **last,
        ),
    }


def stopped_while_asking(cloud: StatesCloud, **top: Any) -> tuple[str, list[str]]:
    tokens = asked(cloud)
    cloud.door.on_lambda("once", lambda given: given["n"] + 1)
    arn = cloud.start(cloud.create(release(), **top), {"of": "the start"})
    cloud.until_event(arn, "TaskSubmitted")
    cloud.states.stop_execution(executionArn=arn, error="Stopped", cause="by mistake")
    return arn, tokens


def test_it_goes_on_at_the_unsuccessful_step_with_what_it_knew(cloud: StatesCloud) -> None:
    arn, tokens = stopped_while_asking(cloud)
    before = cloud.history(arn)
    cloud.states.redrive_execution(executionArn=arn)
    cloud.until(lambda: len(tokens) == 2)
    running = cloud.describe(arn)
    assert running["status"] == "RUNNING"
    assert not {"stopDate", "error", "cause"} & set(running)
    cloud.until_event(arn, "TaskSubmitted", times=2)
    cloud.states.send_task_success(taskToken=tokens[1], output='"yes"')
    output = cloud.ended(arn)["output"]
    assert output == {"n": 2, "input": {"from": "before"}, "redrives": 1, "said": "yes"}
    assert len(cloud.door.called("lambda", "once")) == 1
    history = cloud.history(arn)
    assert history[: len(before)] == before
    assert [told["type"] for told in history[len(before) : len(before) + 2]] == ["ExecutionRedriven", "TaskScheduled"]
    assert history[len(before)]["executionRedrivenEventDetails"] == {"redriveCount": 1}
    assert [told["id"] for told in history] == list(range(1, len(history) + 1))


def test_the_token_of_before_is_void(cloud: StatesCloud) -> None:
    arn, tokens = stopped_while_asking(cloud)
    cloud.states.redrive_execution(executionArn=arn)
    cloud.until_event(arn, "TaskSubmitted", times=2)
    assert tokens[0] != tokens[1]
    with pytest.raises(cloud.states.exceptions.TaskTimedOut):
        cloud.states.send_task_success(taskToken=tokens[0], output='"late"')
    assert cloud.describe(arn)["status"] == "RUNNING"


def test_describing_listing_and_events_tell_of_it(cloud: StatesCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[dict[str, Any]] = []
    monkeypatch.setattr(cloud, "_changed", lambda execution, _: told.append(json.loads(event(execution)["Detail"])))
    cloud.backend._operations["RedriveExecution"].__self__._executions._changed = cloud._changed
    arn, _ = stopped_while_asking(cloud)
    stopped = cloud.describe(arn)
    assert (stopped["redriveCount"], stopped["redriveStatus"]) == (0, "REDRIVABLE")
    assert not {"redriveDate", "redriveStatusReason"} & set(stopped)
    at = cloud.states.redrive_execution(executionArn=arn)["redriveDate"]
    running = cloud.describe(arn)
    assert (running["redriveCount"], running["redriveDate"]) == (1, at)
    assert (running["redriveStatus"], running["redriveStatusReason"]) == (
        "NOT_REDRIVABLE",
        "Execution is RUNNING and cannot be redriven",
    )
    machine = running["stateMachineArn"]
    other = cloud.start(machine)
    listed = {
        wanted: [
            each["executionArn"]
            for each in cloud.states.list_executions(stateMachineArn=machine, redriveFilter=wanted)["executions"]
        ]
        for wanted in ("REDRIVEN", "NOT_REDRIVEN")
    }
    assert listed == {"REDRIVEN": [arn], "NOT_REDRIVEN": [other]}
    mine = [each for each in told if each["executionArn"] == arn]
    assert [(each["status"], each["redriveCount"], each["redriveStatus"]) for each in mine] == [
        ("RUNNING", 0, "NOT_REDRIVABLE"),
        ("ABORTED", 0, "REDRIVABLE"),
        ("RUNNING", 1, "NOT_REDRIVABLE"),
    ]
    assert mine[0]["redriveDate"] is None
    assert mine[2]["redriveDate"] == round(at.timestamp() * 1000)


def test_a_redrive_is_made_once_for_each_client_token(cloud: StatesCloud) -> None:
    arn, _ = stopped_while_asking(cloud)
    first = cloud.states.redrive_execution(executionArn=arn, clientToken="once")
    assert cloud.states.redrive_execution(executionArn=arn, clientToken="once")["redriveDate"] == first["redriveDate"]
    assert cloud.describe(arn)["redriveCount"] == 1
    with pytest.raises(cloud.states.exceptions.ExecutionNotRedrivable, match="is RUNNING"):
        cloud.states.redrive_execution(executionArn=arn, clientToken="another")


def test_what_succeeded_cannot_be_redriven(cloud: StatesCloud) -> None:
    ended = cloud.run({"S": {"Type": "Succeed"}})
    with pytest.raises(cloud.states.exceptions.ExecutionNotRedrivable, match="is SUCCEEDED"):
        cloud.states.redrive_execution(executionArn=ended["executionArn"])


def test_fourteen_days_after_the_end_it_is_too_late(cloud: StatesCloud) -> None:
    arn, _ = stopped_while_asking(cloud)
    cloud.advance(14 * DAY - 60)
    assert cloud.describe(arn)["redriveStatus"] == "REDRIVABLE"
    cloud.advance(60)
    assert cloud.describe(arn)["redriveStatusReason"] == "Execution redrivable period exceeded"
    with pytest.raises(cloud.states.exceptions.ExecutionNotRedrivable, match="period exceeded"):
        cloud.states.redrive_execution(executionArn=arn)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("FAILED", 0.0, 360.0 * DAY, 10, 366.0 * DAY), "max execution time"),
        (("TIMED_OUT", 0.0, 360.0 * DAY, 10, 361.0 * DAY), None),
        (("ABORTED", 0.0, 1.0, 24_999, 2.0), "event limit"),
        (("ABORTED", 0.0, 1.0, 24_998, 2.0), None),
    ],
)
def test_a_year_and_the_events_are_limits_too(arguments: Any, reason: str | None) -> None:
    found = hindrance(*arguments)
    assert found is None if reason is None else found is not None and reason in found


def test_a_failed_execution_tries_its_last_task_again_with_all_its_retries(cloud: StatesCloud) -> None:
    answers = iter(["bad", "bad", "bad", "good"])

    def flaky(_: Any) -> str:
        if (answer := next(answers)) == "bad":
            raise TimeoutError(answer)
        return answer

    cloud.door.on_lambda("flaky", flaky)
    retry = [{"ErrorEquals": ["TimeoutError"], "IntervalSeconds": 1, "MaxAttempts": 1}]
    cloud.clock.set_factor(100)
    ended = cloud.run({"T": task("flaky", Retry=retry)})
    assert (ended["status"], ended["error"]) == ("FAILED", "TimeoutError")
    cloud.states.redrive_execution(executionArn=ended["executionArn"])
    assert cloud.ended(ended["executionArn"])["status"] == "SUCCEEDED"


def test_a_fail_state_fails_again(cloud: StatesCloud) -> None:
    ended = cloud.run({"F": {"Type": "Fail", "Error": "Named"}})
    cloud.states.redrive_execution(executionArn=ended["executionArn"])
    again = cloud.ended(ended["executionArn"])
    assert (again["status"], again["error"], again["redriveCount"]) == ("FAILED", "Named", 1)


def test_the_machines_timeout_begins_again(cloud: StatesCloud) -> None:
    tokens = asked(cloud)
    cloud.door.on_lambda("once", lambda given: given["n"] + 1)
    arn = cloud.start(cloud.create(release(), TimeoutSeconds=100))
    cloud.until_event(arn, "TaskSubmitted")
    cloud.advance(101)
    assert cloud.ended(arn)["status"] == "TIMED_OUT"
    cloud.states.redrive_execution(executionArn=arn)
    cloud.until_event(arn, "TaskSubmitted", times=2)
    cloud.advance(90)
    cloud.states.send_task_success(taskToken=tokens[1], output="1")
    assert cloud.ended(arn)["status"] == "SUCCEEDED"


def test_it_times_out_again(cloud: StatesCloud) -> None:
    asked(cloud)
    cloud.door.on_lambda("once", lambda given: given["n"] + 1)
    arn = cloud.start(cloud.create(release(), TimeoutSeconds=100))
    cloud.until_event(arn, "TaskSubmitted")
    cloud.advance(101)
    cloud.ended(arn)
    cloud.states.redrive_execution(executionArn=arn)
    cloud.until_event(arn, "TaskSubmitted", times=2)
    cloud.advance(101)
    assert cloud.ended(arn)["status"] == "TIMED_OUT"


def test_a_job_is_created_anew_under_the_name_that_the_definition_gives_it(cloud: StatesCloud) -> None:
    jobs = Jobs(cloud)
    train = training()
    train["Arguments"] |= {"TrainingJobName": f"{{% 'job-' & $string({COUNT[2:-2].strip()}) %}}"}
    arn = cloud.start(cloud.create({"Train": train}))
    cloud.until_event(arn, "TaskSubmitted")
    cloud.states.stop_execution(executionArn=arn)
    cloud.until(lambda: jobs.jobs["job-0"]["TrainingJobStatus"] == "Stopped")
    cloud.states.redrive_execution(executionArn=arn)
    cloud.until(lambda: "job-1" in jobs.jobs)
    jobs.end("job-1", "Completed")
    cloud.clock.set_factor(100)
    assert cloud.ended(arn)["status"] == "SUCCEEDED"


def test_a_redriven_execution_survives(durable: StatesCloud) -> None:
    arn, tokens = stopped_while_asking(durable)
    durable.states.redrive_execution(executionArn=arn, clientToken="once")
    durable.until_event(arn, "TaskSubmitted", times=2)
    before = durable.history(arn)
    second = durable.restarted()
    second.until(lambda: second.history(arn) == before)
    assert second.describe(arn)["redriveCount"] == 1
    assert second.events == []
    assert second.states.redrive_execution(executionArn=arn, clientToken="once")["redriveDate"]
    second.states.stop_execution(executionArn=arn)
    third = second.restarted()
    assert third.describe(arn)["redriveStatus"] == "REDRIVABLE"
    third.states.redrive_execution(executionArn=arn)
    third.until_event(arn, "TaskSubmitted", times=3)
    fourth = third.restarted()
    fourth.states.send_task_success(taskToken=tokens[2], output='"yes"')
    ended = fourth.ended(arn)
    assert (ended["output"]["n"], ended["output"]["redrives"], ended["redriveCount"]) == (2, 2, 2)
    assert len(fourth.door.called("lambda", "once")) == 1
    history = fourth.history(arn)
    assert history[: len(before)] == before
    assert [told["id"] for told in history] == list(range(1, len(history) + 1))
    fifth = fourth.restarted()
    assert fifth.history(arn) == history
    assert fifth.describe(arn)["redriveCount"] == 2
    fifth.suspend()


def test_a_redrive_survives_the_crash_that_follows_at_once(durable: StatesCloud) -> None:
    arn, tokens = stopped_while_asking(durable)
    durable.states.redrive_execution(executionArn=arn)
    second = durable.restarted()
    second.until_event(arn, "TaskSubmitted", times=2)
    second.states.send_task_success(taskToken=tokens[-1], output='"yes"')
    assert second.ended(arn)["output"]["redrives"] == 1
    second.suspend()


def test_stopped_between_two_states_it_goes_on_in_the_next(cloud: StatesCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    from local.stepfunctions.interpreter import states as interpreter

    enter = interpreter._enter

    def stopped_before(self: Any, env: Any) -> Any:
        arn = env.states.context_object.context_object_data["Execution"]["Id"]
        if self.name == "B" and cloud.describe(arn)["redriveCount"] == 0:
            cloud.states.stop_execution(executionArn=arn)
        return enter(self, env)

    monkeypatch.setattr(interpreter, "_enter", stopped_before)
    states = {
        "A": {"Type": "Pass", "Assign": {"n": 1}, "Next": "B"},
        "B": {"Type": "Pass", "Output": "{% $n %}", "End": True},
    }
    arn = cloud.run(states)["executionArn"]
    cloud.states.redrive_execution(executionArn=arn)
    assert cloud.ended(arn)["output"] == 1
    assert cloud.kinds(arn) == [
        "ExecutionStarted",
        "PassStateEntered",
        "PassStateExited",
        "ExecutionAborted",
        "ExecutionRedriven",
        "PassStateEntered",
        "PassStateExited",
        "ExecutionSucceeded",
    ]


def test_only_the_latest_client_tokens_are_known() -> None:
    redrive: Redrive | None = None
    for number in range(12):
        redrive = next_redrive(redrive, f"token-{number}", float(number), None, 0)
    assert redrive is not None
    assert redrive.count == 12
    assert not redrive.answered("token-1", 12.0)
    assert redrive.answered("token-2", 12.0)
    assert not redrive.answered("token-2", 2.0 + 15 * 60)
    assert not redrive.answered(None, 12.0)
    assert Redrive.from_record(json.loads(json.dumps(dataclasses.asdict(redrive)))) == redrive
