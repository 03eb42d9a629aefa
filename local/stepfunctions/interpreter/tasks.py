"""Task states: one class for all services, with what differs between them in `local.stepfunctions.integrations`.

Replaces moto's task classes (`state_task_for`): those forget error names, wait without being interruptible, poll in real
time and know no `.sync` of SageMaker.
"""

import json
from collections.abc import Callable
from typing import Any, Final

from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import (
    LambdaResource as LambdaArn,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import (
    Resource,
    ServiceResource,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.state_task import StateTask

from local.stepfunctions.integrations import catalogue
from local.stepfunctions.integrations.integration import SYNC, SYNC_2, WAIT_FOR_TASK_TOKEN, Caller, Integration, Json
from local.stepfunctions.integrations.lambda_function import LambdaResource
from local.stepfunctions.integrations.shapes import InvalidArguments
from local.stepfunctions.interpreter.calls import call, wait_for_answer, wait_for_job
from local.stepfunctions.interpreter.failures import failure, runtime_failure
from local.stepfunctions.task_faults import DATA_LIMIT_EXCEEDED, HEARTBEAT_TIMEOUT, TIMEOUT, TaskFault
from local.stepfunctions.interpreter.states import within_limit


def task_for(resource: Resource) -> StateTask:
    """For `state_task_for`. Raises ValueError, which makes the definition invalid."""
    integration: Integration | None = None
    if isinstance(resource, ServiceResource):
        integration = catalogue.find(resource.service_name, resource.api_name, resource.api_action)
        if integration is not None and not integration.supports(resource.condition):
            integration = None
    elif isinstance(resource, LambdaArn):
        integration = LambdaResource(resource.resource_arn)
    if integration is None:
        arn = resource.resource_arn if resource else ""
        raise ValueError(
            f"The resource provided {arn} is not recognized. The value is not a valid resource ARN, or the resource is "
            "not available in this region."
        )
    return ServiceTask(integration) if not isinstance(integration, LambdaResource) else LambdaTask(integration)


class ServiceTask(StateTask):  # type: ignore[misc]
    """A Task state that calls an API, and may wait for what it started."""

    def __init__(self, integration: Integration) -> None:
        super().__init__()
        self.integration = integration

    @property
    def condition(self) -> str | None:
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
        self.resource.eval(env=env)
        region = env.stack.pop().region
        waiting = None
        if self.condition == WAIT_FOR_TASK_TOKEN:
            waiting = env.world.tokens.issue(_execution_arn(env), env.scope.choice())
            env.states.context_object.context_object_data["Task"] = {"Token": waiting.token}
        try:
            arguments = self._arguments(env)
            role = self._eval_state_credentials(env=env).role_arn
            caller = Caller(_execution_arn(env), _machine_arn(env), env.scope.choice(), may_have_arrived=False)
            request = self._request(env, arguments, caller)
            timeout, heartbeat = self._seconds(env, self.timeout), self._seconds(env, self.heartbeat)
            self._tell_scheduled(env, arguments, region, role, timeout, heartbeat)
            deadline = None if timeout is None else env.scope.time + timeout
            result = self._outcome(env, caller, request, region, role, deadline, heartbeat, waiting)
        except TaskFault as fault:
            raise self._failure(env, fault) from fault
        finally:
            if waiting is not None:
                waiting.close()
            env.states.context_object.context_object_data.pop("Task", None)
        self._tell_succeeded(env, result)
        env.stack.append(result)

    def _outcome(
        self,
        env: Any,
        caller: Caller,
        request: Json,
        region: str,
        role: str,
        deadline: float | None,
        heartbeat_seconds: float | None,
        waiting: Any,
    ) -> Any:
        client: Callable[[], Any] = lambda: env.world.clients(self.integration.service, region, role)  # noqa: E731
        try:
            result = call(env, self.integration, client, request, caller, deadline)
        except TaskFault as fault:
            if self.condition in (SYNC, SYNC_2):
                fault.event = "TaskSubmitFailed"
            raise
        if self.condition is None:
            return result
        self._tell(env, "TaskSubmitted", self._told_output(result))
        if waiting is not None:
            return wait_for_answer(env, waiting, deadline, heartbeat_seconds)
        return wait_for_job(env, self.integration, client, (request, result, self.condition), deadline)

    def _arguments(self, env: Any) -> Any:
        arguments = self._eval_parameters(env=env)
        if not within_limit(arguments):
            cause = f"The state/task '{self.name}' has arguments with a size exceeding the maximum number of bytes service limit."
            raise TaskFault(DATA_LIMIT_EXCEEDED, cause)
        return arguments

    def _request(self, env: Any, arguments: Any, caller: Caller) -> Json:
        try:
            return self.integration.request(arguments, caller)
        except InvalidArguments as fault:
            shown = json.dumps(arguments, separators=(",", ":"), ensure_ascii=False)
            raise runtime_failure(
                env, f"The Parameters '{shown}' could not be used to start the Task: [{fault}]"
            ) from fault

    def _seconds(self, env: Any, part: Any) -> float | None:
        if part is None or (part is self.timeout and part.is_default_value()):
            return None
        part.eval(env=env)
        return float(env.stack.pop())

    def _tell_scheduled(
        self, env: Any, arguments: Any, region: str, role: str, timeout: float | None, heartbeat: float | None
    ) -> None:
        scheduled = self._named | {"region": region, "parameters": _json(arguments)}
        if timeout is not None:
            scheduled["timeoutInSeconds"] = int(timeout)
        if heartbeat is not None:
            scheduled["heartbeatInSeconds"] = int(heartbeat)
        if self.credentials:
            scheduled["taskCredentials"] = {"roleArn": role}
        self._tell(env, "TaskScheduled", scheduled)
        self._tell(env, "TaskStarted", self._named)

    def _tell_succeeded(self, env: Any, result: Any) -> None:
        if not within_limit(result):
            kind = self.integration.resource_type
            cause = f"The state/task '{kind}' returned a result with a size exceeding the maximum number of bytes service limit."
            raise self._failure(env, TaskFault(DATA_LIMIT_EXCEEDED, cause))
        self._tell(env, "TaskSucceeded", self._told_output(result))

    def _told_output(self, result: Any) -> Json:
        return self._named | {"output": _json(result), "outputDetails": {"truncated": False}}

    def _failure(self, env: Any, fault: TaskFault) -> Exception:
        timed_out = fault.error in (TIMEOUT, HEARTBEAT_TIMEOUT)
        return failure(env, fault.error, fault.cause, "TaskTimedOut" if timed_out else fault.event, **self._named)

    def _tell(self, env: Any, event: str, details: Json) -> None:
        key = event[0].lower() + event[1:] + "EventDetails"
        env.event_manager.add_event(
            context=env.event_history_context, event_type=event, event_details={key: details} if details else None
        )


class LambdaTask(ServiceTask):
    """A function's ARN as the Resource: the input is the payload, and the history has events of its own for it."""

    @property
    def condition(self) -> str | None:
        return None

    @property
    def _named(self) -> Json:
        return {}

    def _eval_parameters(self, env: Any) -> Any:
        if self.parargs:
            self.parargs.eval(env=env)
        return env.stack.pop()

    def _tell_scheduled(
        self, env: Any, arguments: Any, region: str, role: str, timeout: float | None, heartbeat: float | None
    ) -> None:
        del region, heartbeat
        scheduled = {
            "resource": self.resource.resource_arn,
            "input": _json(arguments),
            "inputDetails": {"truncated": False},
        }
        if timeout is not None:
            scheduled["timeoutInSeconds"] = int(timeout)
        if self.credentials:
            scheduled["taskCredentials"] = {"roleArn": role}
        self._tell(env, "LambdaFunctionScheduled", scheduled)
        self._tell(env, "LambdaFunctionStarted", {})

    def _tell(self, env: Any, event: str, details: Json) -> None:
        super()._tell(env, "LambdaFunctionSucceeded" if event == "TaskSucceeded" else event, details)

    def _failure(self, env: Any, fault: TaskFault) -> Exception:
        event = "LambdaFunctionTimedOut" if fault.error == TIMEOUT else "LambdaFunctionFailed"
        return failure(env, fault.error, fault.cause, event)


def _execution_arn(env: Any) -> str:
    return str(env.states.context_object.context_object_data["Execution"]["Id"])


def _machine_arn(env: Any) -> str:
    return str(env.states.context_object.context_object_data["StateMachine"]["Id"])


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
