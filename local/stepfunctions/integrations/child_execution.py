"""``states:startExecution``, with ``.sync`` and ``.sync:2``: another state machine as a step of this one."""

import json
from typing import Any, ClassVar, Final

import botocore.exceptions

from local.stepfunctions.integrations import naming, shapes
from local.stepfunctions.integrations.integration import SYNC, SYNC_2, WAIT_FOR_TASK_TOKEN, Caller, Job, Json, Optimised
from local.stepfunctions.task_faults import TASK_FAILED, TaskFault

_PARSED: Final = ("Input", "Output")


class StartExecution(Optimised):
    """The child's name is made here when the definition gives none, so that a repeated call finds its own child."""

    conditions: ClassVar = frozenset({None, WAIT_FOR_TASK_TOKEN, SYNC, SYNC_2})
    prefix: ClassVar = "StepFunctions"
    base_exception: ClassVar = "AWSStepFunctionsException"
    sdk_service: ClassVar = "AWSStepFunctions"

    def supports(self, condition: str | None) -> bool:
        return self.action == "startExecution" and super().supports(condition)

    def request(self, arguments: Json, caller: Caller) -> Json:
        request = super().request({"Input": {}} | arguments, caller)
        digits = caller.choice
        request.setdefault("name", f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:32]}")
        return request

    def call(self, client: Any, request: Json, caller: Caller) -> Json:
        try:
            return super().call(client, request, caller)
        except botocore.exceptions.ClientError as error:
            if caller.may_have_arrived and error.response["Error"]["Code"] == "ExecutionAlreadyExists":
                return _adopted(client, request)
            raise

    def result(self, answer: Json) -> Any:
        # This one is written as in the SDK for Java: ExecutionArn, StartDate [seen in AWS's examples].
        return shapes.optimised_result(self.operation.output_shape, answer, naming.java_member_name)  # type: ignore[union-attr]

    def job(self, client: Any, request: Json, output: Json, condition: str) -> Job:  # noqa: ARG002 - its ARN is enough
        return ChildExecution(client, output["ExecutionArn"], parsed=condition == SYNC_2)


class ChildExecution(Job):
    """An execution that a parent waits for."""

    def __init__(self, client: Any, arn: str, *, parsed: bool) -> None:
        self.execution_arn = arn
        self._client = client
        self._parsed = parsed

    def finished(self) -> Json | None:
        answer = self._client.describe_execution(executionArn=self.execution_arn)
        if answer["status"] == "RUNNING":
            return None
        shape: Any = naming.operation("stepfunctions", "DescribeExecution").output_shape  # type: ignore[union-attr]
        described: Json = shapes.described(shape, answer, naming.java_member_name)
        if self._parsed:
            described |= {key: json.loads(described[key]) for key in _PARSED if key in described}
        if answer["status"] == "SUCCEEDED":
            return described
        raise TaskFault(TASK_FAILED, json.dumps(described, separators=(",", ":"), ensure_ascii=False))

    def cancel(self) -> None:
        cause = "The parent execution ended"
        self._client.stop_execution(executionArn=self.execution_arn, error="States.Aborted", cause=cause)


def _adopted(client: Any, request: Json) -> Json:
    machine: str = request["stateMachineArn"]
    arn = f"{machine.replace(':stateMachine:', ':execution:')}:{request['name']}"
    answer = client.describe_execution(executionArn=arn)
    if answer.get("input") != request.get("input"):
        raise TaskFault(
            "StepFunctions.ExecutionAlreadyExistsException", f"Execution Already Exists: '{arn}' with another input"
        )
    return {"executionArn": arn, "startDate": answer["startDate"], "ResponseMetadata": answer["ResponseMetadata"]}
