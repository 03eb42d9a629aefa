"""Lambda functions: ``lambda:invoke``, and a function's ARN as the Resource."""

import json
from typing import Any, ClassVar

from local.stepfunctions.integrations import shapes
from local.stepfunctions.integrations.integration import Caller, Json, Optimised
from local.stepfunctions.task_faults import TaskFault


class LambdaInvoke(Optimised):
    """A function that raises fails the task under the name of its exception, which Catch can name."""

    prefix: ClassVar = "Lambda"
    # For "not authorized to perform: lambda:InvokeFunction" AWS answers Lambda.AWSLambdaException [seen in issues].
    base_exception: ClassVar = "AWSLambdaException"
    sdk_service: ClassVar = "AWSLambda"

    def supports(self, condition: str | None) -> bool:
        return self.action == "invoke" and super().supports(condition)

    def request(self, arguments: Json, caller: Caller) -> Json:
        if "Payload" in arguments:
            # The payload is JSON whatever it is; a text is taken for JSON already written.
            arguments = arguments | {"Payload": _payload(arguments["Payload"])}
        return super().request(arguments, caller)

    def result(self, answer: Json) -> Any:
        content = answer["Payload"].read()
        payload = _read(content)
        if answer.get("FunctionError"):
            raise _function_fault(payload, content)
        result: Json = shapes.optimised_result(self.operation.output_shape, answer | {"Payload": None})  # type: ignore[union-attr]
        return result | {"Payload": payload}


class LambdaResource(LambdaInvoke):
    """``"Resource": "arn:aws:lambda:…"``: the arguments are the payload and the payload is the result."""

    def __init__(self, function_arn: str) -> None:
        super().__init__("lambda", "invoke", "lambda")
        self.function_arn = function_arn

    def request(self, arguments: Any, caller: Caller) -> Json:
        return super().request({"FunctionName": self.function_arn, "Payload": arguments}, caller)

    def result(self, answer: Json) -> Any:
        return super().result(answer)["Payload"]


def _payload(value: Any) -> bytes:
    if isinstance(value, str):
        try:
            json.loads(value)
        except ValueError:
            return json.dumps(value).encode()
        return value.encode()
    return json.dumps(value, ensure_ascii=False).encode()


def _read(content: bytes) -> Any:
    if not content:
        return None
    try:
        return json.loads(content)
    except ValueError:
        return content.decode(errors="replace")


def _function_fault(payload: Any, content: bytes) -> TaskFault:
    if isinstance(payload, dict) and payload.get("errorType"):
        return TaskFault(str(payload["errorType"]), json.dumps(payload, separators=(",", ":"), ensure_ascii=False))
    told = content.decode(errors="replace")
    cause = "The cause could not be determined because Lambda did not return an error type. Returned payload: " + told
    return TaskFault("Lambda.Unknown", cause)
