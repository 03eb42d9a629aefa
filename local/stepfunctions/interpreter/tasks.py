"""Task states: one class for all services, with what differs between them in `local.stepfunctions.integrations`.

Replaces moto's task classes (`state_task_for`): those forget error names, wait without being interruptible, poll in
real time and know no `.sync` of SageMaker.
"""

import functools
from dataclasses import dataclass
from typing import Any

from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import (
    LambdaResource as LambdaArn,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import (
    Resource,
    ServiceResource,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.state_task import StateTask

from local.stepfunctions.integrations import catalogue
from local.stepfunctions.integrations.integration import (
    SYNC,
    SYNC_2,
    WAIT_FOR_TASK_TOKEN,
    Caller,
    Integration,
    Json,
)
from local.stepfunctions.integrations.lambda_function import LambdaResource
from local.stepfunctions.integrations.shapes import InvalidArguments
from local.stepfunctions.interpreter import calls
from local.stepfunctions.interpreter.failures import failure, runtime_failure
from local.stepfunctions.interpreter.states import json_text, within_limit
from local.stepfunctions.task_faults import DATA_LIMIT_EXCEEDED, HEARTBEAT_TIMEOUT, TIMEOUT, TaskFault


@dataclass(frozen=True)
class Limits:
    """What bounds a task, None for what does not."""

    timeout_seconds: float | None
    heartbeat_seconds: float | None


def task_for(resource: Resource) -> StateTask:
    """For `state_task_for`. Raises ValueError, which makes the definition invalid."""
    integration: Integration | None = None
    if isinstance(resource, ServiceResource):
        integration = catalogue.find(resource.service_name, resource.api_name, resource.api_action)
        if integration is not None and integration.supports(resource.condition):
            return ServiceTask(integration)
    elif isinstance(resource, LambdaArn):
        return LambdaTask(LambdaResource(resource.resource_arn))
    arn = resource.resource_arn if resource else ""
    raise ValueError(
        f"The resource provided {arn} is not recognized. The value is not a valid resource ARN, or the resource is not "
        "available in this region."
    )


class ServiceTask(StateTask):  # type: ignore[misc]
    """A Task state that calls an API, and may wait for what it started."""

    def __init__(self, integration: Integration) -> None:
        super().__init__()
        self.integration = integration

    @property
    def condition(self) -> str | None:
        """``sync``, ``sync:2``, ``waitForTaskToken`` or None."""
        condition: str | None = self.resource.condition
        return condition

    @property
    def _named(self) -> Json:
        """How the history names what the task calls."""
        action = self.integration.action
        return {
            "resourceType": self.integration.resource_type,
            "resource": f"{action}.{self.condition}" if self.condition else action,
        }

    def _eval_execution(self, env: Any) -> None:
        """One attempt: the result on the stack. Raises FailureEventException."""
        waiting = None
        if self.condition == WAIT_FOR_TASK_TOKEN:
            waiting = env.world.tokens.issue(_context(env)["Execution"]["Id"], env.scope.choice())
            _context(env)["Task"] = {"Token": waiting.token}
        try:
            call, limits = self._scheduled(env)
            result = self._outcome(env, call, limits, waiting)
        except TaskFault as fault:
            raise self._failure(env, fault) from fault
        finally:
            if waiting is not None:
                waiting.close()
            _context(env).pop("Task", None)
        if not within_limit(result):
            raise self._failure(env, self._too_large("returned a result", self.integration.resource_type))
        self._tell(env, "TaskSucceeded", self._told_output(result))
        env.stack.append(result)

    def _scheduled(self, env: Any) -> tuple[calls.Call, Limits]:
        """Evaluate what the definition says about the call, and tell that it is about to be made."""
        self.resource.eval(env=env)
        region = env.stack.pop().region
        arguments = self._eval_parameters(env=env)
        if not within_limit(arguments):
            raise self._too_large("has arguments", self.name)
        role = self._eval_state_credentials(env=env).role_arn
        context = _context(env)
        caller = Caller(context["Execution"]["Id"], context["StateMachine"]["Id"], self.name, env.scope.choice())
        request = self._request(env, arguments, caller)
        limits = Limits(self._seconds(env, self.timeout), self._seconds(env, self.heartbeat))
        credentials = {"taskCredentials": {"roleArn": role}} if self.credentials else {}
        self._tell_scheduled(env, arguments, limits, {"region": region} | credentials)
        deadline = None if limits.timeout_seconds is None else env.scope.time + limits.timeout_seconds
        client = functools.partial(env.world.clients, self.integration.service, region, role)
        return calls.Call(self.integration, client, request, caller, deadline), limits

    def _outcome(self, env: Any, call: calls.Call, limits: Limits, waiting: Any) -> Any:
        try:
            result = calls.make(env, call)
        except TaskFault as fault:
            if self.condition in (SYNC, SYNC_2):
                fault.event = "TaskSubmitFailed"
            raise
        if self.condition is None:
            return result
        self._tell(env, "TaskSubmitted", self._told_output(result))
        if waiting is not None:
            return calls.wait_for_answer(env, waiting, call.deadline, limits.heartbeat_seconds)
        return calls.wait_for_job(env, call, result, self.condition)

    def _request(self, env: Any, arguments: Any, caller: Caller) -> Json:
        try:
            return self.integration.request(arguments, caller)
        except InvalidArguments as fault:
            cause = f"The Parameters '{json_text(arguments)}' could not be used to start the Task: [{fault}]"
            raise runtime_failure(env, cause) from fault

    def _seconds(self, env: Any, part: Any) -> float | None:
        if part is None or (part is self.timeout and part.is_default_value()):
            return None
        part.eval(env=env)
        return float(env.stack.pop())

    def _too_large(self, what: str, name: str) -> TaskFault:
        cause = f"The state/task '{name}' {what} with a size exceeding the maximum number of bytes service limit."
        return TaskFault(DATA_LIMIT_EXCEEDED, cause)

    def _failure(self, env: Any, fault: TaskFault) -> Exception:
        timed_out = fault.error in (TIMEOUT, HEARTBEAT_TIMEOUT)
        return failure(env, fault.error, fault.cause, "TaskTimedOut" if timed_out else fault.event, **self._named)

    def _tell_scheduled(self, env: Any, arguments: Any, limits: Limits, more: Json) -> None:
        self._tell(
            env, "TaskScheduled", self._named | {"parameters": json_text(arguments)} | _in_seconds(limits) | more
        )
        self._tell(env, "TaskStarted", self._named)

    def _told_output(self, result: Any) -> Json:
        return self._named | {"output": json_text(result), "outputDetails": {"truncated": False}}

    def _tell(self, env: Any, event: str, details: Json) -> None:
        key = event[0].lower() + event[1:] + "EventDetails"
        env.event_manager.add_event(
            context=env.event_history_context, event_type=event, event_details={key: details} if details else None
        )


class LambdaTask(ServiceTask):
    """A function's ARN as the Resource: the input is the payload, and the history has events of its own for it."""

    @property
    def condition(self) -> str | None:
        """Always None."""
        return None

    @property
    def _named(self) -> Json:
        return {}

    def _eval_parameters(self, env: Any) -> Any:
        if self.parargs:
            self.parargs.eval(env=env)
        return env.stack.pop()

    def _tell_scheduled(self, env: Any, arguments: Any, limits: Limits, more: Json) -> None:
        scheduled = {"resource": self.resource.resource_arn, "input": json_text(arguments)}
        more = {key: value for key, value in more.items() if key != "region"}
        limited = {key: value for key, value in _in_seconds(limits).items() if key == "timeoutInSeconds"}
        self._tell(env, "LambdaFunctionScheduled", scheduled | {"inputDetails": {"truncated": False}} | limited | more)
        self._tell(env, "LambdaFunctionStarted", {})

    def _tell(self, env: Any, event: str, details: Json) -> None:
        super()._tell(env, "LambdaFunctionSucceeded" if event == "TaskSucceeded" else event, details)

    def _failure(self, env: Any, fault: TaskFault) -> Exception:
        event = "LambdaFunctionTimedOut" if fault.error == TIMEOUT else "LambdaFunctionFailed"
        return failure(env, fault.error, fault.cause, event)


def _context(env: Any) -> Any:
    return env.states.context_object.context_object_data


def _in_seconds(limits: Limits) -> Json:
    told = {"timeoutInSeconds": limits.timeout_seconds, "heartbeatInSeconds": limits.heartbeat_seconds}
    return {name: int(seconds) for name, seconds in told.items() if seconds is not None}
