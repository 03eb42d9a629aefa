"""The process a Lambda function runs in: reads invocations, one JSON line each, and answers in kind.

Runs alone (no import of ours), with nothing on its path but the standard library, the SDK, layers and the function.
Errors have the names and texts of AWS's Python runtime.
"""

import decimal
import importlib
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TextIO

Json = dict[str, Any]
Handler = Callable[[Any, Any], Any]

TASK_ROOT = "/var/task"
LAYER_ROOT = "/opt"
MAX_RESPONSE_BYTES = 6_291_556  # https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
# Ends the log of one invocation: everything before it on the log stream belongs to that invocation.
END_OF_LOG = "\x1eEND-OF-INVOCATION\x1e"


class Encoder(json.JSONEncoder):
    """JSON as AWS's runtime writes it."""

    def default(self, value: Any) -> Any:
        if isinstance(value, decimal.Decimal):
            return float(value)
        return super().default(value)


class Context:
    """The handler's second argument."""

    identity = None
    client_context = None

    def __init__(self, invocation: Json, environment: Mapping[str, str]) -> None:
        self.function_name = environment["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = environment["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = environment["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = environment["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.invoked_function_arn = invocation["invoked_function_arn"]
        self.aws_request_id = invocation["request_id"]
        self._deadline = time.monotonic() + invocation["timeout_seconds"]

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function times out."""
        return max(0, int((self._deadline - time.monotonic()) * 1000))


class InitError(Exception):
    """The function could not be loaded."""

    def __init__(self, error_type: str, message: str, stack: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.payload = {"errorMessage": message, "errorType": error_type, "requestId": "", "stackTrace": list(stack)}


def serve(requests: TextIO, answers: TextIO) -> None:
    """Load the function, then answer invocations until the input ends."""
    setup = json.loads(requests.readline())
    sys.path[:0] = setup["path"]
    handler: Handler | None = None
    failure: Json = {}
    try:
        handler = load(setup["handler"])
    except InitError as error:
        failure = error.payload
    reply(answers, {"ready": handler is not None})
    for line in requests:
        invocation = json.loads(line)
        os.environ["_X_AMZN_TRACE_ID"] = invocation.get("trace_id") or ""
        if handler is None:
            outcome = {"error": {**failure, "requestId": invocation["request_id"]}}
        else:
            outcome = invoke(handler, invocation, setup["mounts"])
        sys.stdout.flush()
        sys.stderr.flush()
        os.write(2, (END_OF_LOG + "\n").encode())
        reply(answers, outcome)


def load(handler_name: str) -> Handler:
    """The handler function; raises InitError worded as AWS does."""
    module_name, _, function_name = handler_name.rpartition(".")
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        raise InitError("Runtime.ImportModuleError", f"Unable to import module '{module_name}': {error}") from error
    except SyntaxError as error:
        raise InitError("Runtime.UserCodeSyntaxError", f"Syntax error in module '{module_name}': {error}") from error
    except Exception as error:
        raise InitError(type(error).__name__, str(error), frames(error, {})) from error
    try:
        handler: Handler = getattr(module, function_name)
    except AttributeError:
        message = f"Handler '{function_name}' missing on module '{module_name}'"
        raise InitError("Runtime.HandlerNotFound", message) from None
    return handler


def invoke(handler: Handler, invocation: Json, mounts: Mapping[str, str]) -> Json:
    """Call the handler: its result, or the error as AWS reports it."""
    try:
        result = handler(invocation["event"], Context(invocation, os.environ))
    except Exception as error:
        traceback.print_exc()
        return {"error": described(error, invocation["request_id"], mounts)}
    try:
        text = json.dumps(result, cls=Encoder)
    except (TypeError, ValueError) as error:
        message = f"Unable to marshal response: {error}"
        return {"error": {"errorType": "Runtime.MarshalError", "errorMessage": message, "stackTrace": []}}
    if len(text) > MAX_RESPONSE_BYTES:
        message = f"Response payload size exceeded maximum allowed payload size ({MAX_RESPONSE_BYTES} bytes)."
        return {"error": {"errorType": "Function.ResponseSizeTooLarge", "errorMessage": message}}
    return {"result": json.loads(text)}


def described(error: Exception, request_id: str, mounts: Mapping[str, str]) -> Json:
    """The error's payload: the class name is what a state machine catches."""
    return {
        "errorMessage": str(error),
        "errorType": type(error).__name__,
        "requestId": request_id,
        "stackTrace": frames(error, mounts),
    }


def frames(error: Exception, mounts: Mapping[str, str]) -> list[str]:
    """The stack below this file, with the paths a function has on AWS."""
    lines = traceback.format_list(
        [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__]
    )
    for real, shown in mounts.items():
        lines = [line.replace(real, shown) for line in lines]
    return lines


def reply(answers: TextIO, message: Json) -> None:
    """Send one JSON line."""
    answers.write(json.dumps(message) + "\n")
    answers.flush()


def main() -> None:
    """Keep the protocol's pipes to ourselves: what the function prints is its log, and its input is empty."""
    requests = os.fdopen(os.dup(0), "r", encoding="utf-8")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    sys.stdout = sys.stderr
    serve(requests, answers)


if __name__ == "__main__":
    main()
