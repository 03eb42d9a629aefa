"""The Step Functions API: AWS's JSON 1.0 protocol in front of machines, executions and tokens."""

import json
import logging
import threading
import uuid
from typing import Any, Final

from botocore.validate import ParamValidator

from local.gateway.protocol import Request, Response
from local.journal.append_log import LogClosed
from local.stepfunctions.execution_api import ExecutionApi
from local.stepfunctions.faults import StatesFault, validation
from local.stepfunctions.integrations import naming
from local.stepfunctions.machine_api import MachineApi
from local.stepfunctions.tokens import TaskTokens

Json = dict[str, Any]

_CONTENT_TYPE: Final = "application/x-amz-json-1.0"
# What was running has to run again before these can be answered.
_ABOUT_RUNNING: Final = frozenset(
    {
        "GetExecutionHistory",
        "StopExecution",
        "RedriveExecution",
        "SendTaskSuccess",
        "SendTaskFailure",
        "SendTaskHeartbeat",
    }
)
_RESUME_SECONDS: Final = 30.0
_log = logging.getLogger(__name__)


class StepFunctionsBackend:
    """What the front door hands Step Functions calls to."""

    def __init__(self, machines: MachineApi, executions: ExecutionApi, tokens: TaskTokens, machine_of: Any) -> None:
        """``machine_of`` gives the state machine's ARN of an execution's."""
        self._operations = machines.operations() | executions.operations()
        self._tokens = tokens
        self._machine_of = machine_of
        self.resumed = threading.Event()

    def handle(self, request: Request) -> Response:
        operation = request.operation
        try:
            if operation in _ABOUT_RUNNING:
                self.resumed.wait(_RESUME_SECONDS)
            handler = self._operations.get(operation, _unknown)
            return _answer(200, handler(_parameters(operation, request.body), request))
        except LogClosed:
            return _answer(
                503, {"__type": "ServiceUnavailable", "message": "The cloud goes down."}, "ServiceUnavailable"
            )
        except StatesFault as fault:
            return _answer(fault.status, {"__type": fault.code, "message": fault.message}, fault.code)

    def resource_arn(self, operation: str, parameters: Json) -> str | None:
        """What a SendTask call is authorised on: the state machine whose task waits."""
        if not operation.startswith("SendTask"):
            return None
        try:
            return str(self._machine_of(self._tokens.execution_of(parameters.get("taskToken"))))
        except StatesFault:
            return None


def _unknown(_: Json, request: Request) -> Json:
    raise StatesFault("UnknownOperationException", f"The embedded cloud has no Step Functions {request.operation}.")


def _parameters(operation: str, body: bytes) -> Json:
    try:
        given = json.loads(body or b"{}")
    except ValueError as fault:
        raise StatesFault("SerializationException", "The request is no JSON.") from fault
    if not isinstance(given, dict):
        raise StatesFault("SerializationException", "The request is no JSON object.")
    given = {key: value for key, value in given.items() if value is not None}
    model = naming.operation("stepfunctions", operation)
    report = ParamValidator().validate(given, model.input_shape) if model is not None else None
    if report is not None and report.has_errors():
        raise validation(report.generate_report().replace("\n", "; "))
    return given


def _answer(status: int, document: Json, code: str | None = None) -> Response:
    headers = {"content-type": _CONTENT_TYPE, "x-amzn-requestid": str(uuid.uuid4())}
    if code is not None:
        headers["x-amzn-errortype"] = code
    return Response(status, headers, json.dumps(document, ensure_ascii=False).encode())
