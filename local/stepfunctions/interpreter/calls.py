"""Calling, and waiting for what a call started: recorded when it has happened, replayed after a restart."""

import dataclasses
import json
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import botocore.exceptions

from local.faults.origin import calling_for
from local.faults.plan import Task
from local.stepfunctions.integrations.integration import Caller, Integration, Job, Json
from local.stepfunctions.interpreter.scope import Interrupted
from local.stepfunctions.task_faults import RUNTIME, TIMEOUT, TaskFault

# A job is looked at soon and then less often. AWS hears of the end by an event, and looks at longer intervals.
_LOOK_AFTER_SECONDS: Final = (0.25, 0.5, 1.0, 2.0, 4.0)
# Compressed time must not turn looking into a busy loop.
_LEAST_REAL_SECONDS: Final = 0.05
_SERVER_FAULT: Final = 500
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Call:
    """What one attempt of a task calls. ``deadline`` is in epoch seconds of the cloud, None without a timeout."""

    integration: Integration
    client: Callable[[], Any]
    request: Json
    caller: Caller
    deadline: float | None


def make(env: Any, call: Call) -> Any:
    """The result of the API call, made once and then remembered. Raises TaskFault."""
    caller = dataclasses.replace(call.caller, may_have_arrived=env.scope.begin_call())

    def made() -> Any:
        with calling_for(Task(caller.machine_arn.rpartition(":")[2], caller.state)):
            return call.integration.result(call.integration.call(call.client(), call.request, caller))

    def performed() -> Any:
        return env.perform(lambda: _named(call.integration, made), call.deadline)

    return _remembered(env, "called", performed)


def wait_for_answer(env: Any, waiting: Any, deadline: float | None, heartbeat_seconds: float | None) -> Any:
    """What SendTaskSuccess said. Raises TaskFault for SendTaskFailure, for the timeout and for a missed heartbeat."""

    def answered() -> Any:
        waiting.begin(env.scope.time, deadline, heartbeat_seconds)
        while True:
            env.wait(waiting.changed, waiting.latest)
            answer = waiting.take(env.world.clock.now())
            if answer is not None:
                return _said(answer)

    return _remembered(env, "outcome", answered)


def _said(answer: Json) -> Any:
    if "output" in answer:
        return json.loads(answer["output"])
    raise TaskFault(answer.get("error"), answer.get("cause"))


def wait_for_job(env: Any, call: Call, output: Any, condition: str) -> Any:
    """What the job came to that the call has started. Raises TaskFault. The job of an aborted task is stopped."""

    def ended() -> Any:
        job = call.integration.job(call.client(), call.request, output, condition)
        try:
            return _look_until_finished(env, call, job)
        except Interrupted:
            # "If a task using this service integration pattern is aborted, Step Functions will make a best-effort
            # attempt to cancel the task" (developer guide); a task that timed out is not aborted.
            if not env.world.going_down.is_set():
                _cancel(job)
            raise

    return _remembered(env, "outcome", ended)


def _look_until_finished(env: Any, call: Call, job: Job) -> Any:
    clock, looked = env.world.clock, 0
    ended = threading.Event()
    if job.execution_arn is not None:
        env.world.watch(job.execution_arn, ended)
    while True:
        result = env.perform(lambda: _seen(call.integration, job), call.deadline)
        if result is not None:
            return result
        seconds = _LOOK_AFTER_SECONDS[min(looked, len(_LOOK_AFTER_SECONDS) - 1)]
        looked += 1
        next_look = clock.now() + max(seconds, _LEAST_REAL_SECONDS * clock.factor)
        env.wait(ended, next_look if call.deadline is None else min(next_look, call.deadline))
        if call.deadline is not None and clock.now() >= call.deadline:
            raise TimeoutError
        if ended.is_set():
            # What woke us says that it ended; should the answer not know yet, look on at intervals.
            ended = threading.Event()


def _seen(integration: Integration, job: Job) -> Json | None:
    try:
        return _named(integration, job.finished)
    except TaskFault as fault:
        if fault.__cause__ is None or _is_about_us(fault.__cause__):
            raise
        return None  # a passing fault of looking is no fault of the job


def _is_about_us(error: BaseException) -> bool:
    """Whether looking again cannot help: the role may not look, or there is no such job."""
    if not isinstance(error, botocore.exceptions.ClientError):
        return False
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status < _SERVER_FAULT and "Throttl" not in error.response["Error"]["Code"]


def _named(integration: Integration, action: Callable[[], Any]) -> Any:
    try:
        return action()
    except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError) as error:
        raise integration.fault(error) from error


def _remembered(env: Any, kind: str, produce: Callable[[], Any]) -> Any:
    def recorded() -> Json:
        try:
            return {"result": produce()}
        except TaskFault as fault:
            return {"error": fault.error, "cause": fault.cause}
        except TimeoutError:
            return {"error": TIMEOUT, "cause": None}
        except Exception as fault:  # recorded, so that a replay fails in the same way
            _log.exception("A task failed inside the embedded cloud")
            return {"error": RUNTIME, "cause": f"{type(fault).__name__}: {fault}"}

    outcome = env.scope.effect(kind, recorded)
    if "result" in outcome:
        return outcome["result"]
    raise TaskFault(outcome["error"], outcome["cause"])


def _cancel(job: Job) -> None:
    try:
        job.cancel()
    except Exception as fault:
        _log.info("A job that nobody waits for any more could not be stopped: %s", fault)
