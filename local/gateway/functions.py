"""Lambda: Python functions in isolated warm workers under their roles, with AWS's errors.

The emulator's own workers see all of its packages and its whole environment, lose the error's class, and are thrown
away after each error.
"""

import json
import os
import select
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from local.context import Cloud
from local.credentials import role_credentials
from local.gateway import function_sandbox, lambda_worker
from local.gateway.function_sandbox import Sandboxes, UnpackFailed
from local.gateway.loading import after_import
from local.processes import spawn, stop

_PRINCIPAL = "lambda.amazonaws.com"
_INIT_SECONDS = 10.0  # https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
_LOG_SECONDS = 1.0
# A process that has closed its output is about to be gone; its exit status is worth this wait.
_EXIT_SECONDS = 1.0


class FunctionError(str):
    """An error message that remembers the whole error payload: the emulator passes the message on, and drops the rest."""

    __slots__ = ("payload",)
    payload: dict[str, Any]

    @classmethod
    def of(cls, payload: dict[str, Any]) -> "FunctionError":
        error = cls(payload.get("errorMessage", ""))
        error.payload = payload
        return error


def install(cloud: Cloud) -> None:
    """Have the emulator run Python functions in our workers."""
    after_import("ministack.core.lambda_runtime", lambda runtime: _install_workers(cloud, runtime))
    after_import("ministack.services.lambda_svc", _install_errors)


def _install_workers(cloud: Cloud, lambda_runtime: Any) -> None:
    sandboxes = Sandboxes()
    worker_class = _worker_class(cloud, sandboxes, lambda_runtime.Worker)
    original = lambda_runtime._worker_class_for
    lambda_runtime._worker_class_for = lambda config: (
        worker_class if str(config.get("Runtime", "")).startswith("python") else original(config)
    )
    lambda_runtime.execution_credentials = execution_credentials

    def stop_workers() -> None:
        lambda_runtime.reset()
        sandboxes.remove()

    cloud.on_stop.append(stop_workers)


def _install_errors(lambda_svc: Any) -> None:
    lambda_svc._execute_function_warm = _with_whole_error(lambda_svc._execute_function_warm)


def execution_credentials(config: dict[str, Any]) -> dict[str, str]:
    """A session of the function's role; raises ClientError when the role does not trust Lambda."""
    try:
        session = role_credentials(
            config["Role"], _PRINCIPAL, config["FunctionName"], source_arn=config.get("FunctionArn", "")
        )
    except ClientError as error:
        message = "The role defined for the function cannot be assumed by Lambda."
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": message}}, "Invoke") from error
    return {
        "AWS_ACCESS_KEY_ID": session.access_key_id,
        "AWS_SECRET_ACCESS_KEY": session.secret_access_key,
        "AWS_SESSION_TOKEN": session.session_token or "",
    }


def _with_whole_error(original: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    def execute(function: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
        outcome = original(function, event, request_id)
        body = outcome.get("body")
        if isinstance(body, dict) and isinstance(message := body.get("errorMessage"), FunctionError):
            outcome["body"] = message.payload
        return outcome

    return execute


def _worker_class(cloud: Cloud, sandboxes: Sandboxes, base: Any) -> type:
    """The worker, derived from the emulator's for its pooling; made here because the emulator is imported late."""

    class IsolatedWorker(base):  # type: ignore[misc]
        """One execution environment of one function."""

        _log: "_Log"

        def _spawn(self) -> None:
            layers = [sandboxes.unpacked(archive) for archive in _layer_archives(self.config)]
            code = sandboxes.unpacked(self.code_zip)
            environment = function_sandbox.environment(
                cloud.configuration, self.config, execution_credentials(self.config), code
            )
            environment["AWS_LAMBDA_LOG_STREAM_NAME"] = _log_stream(self.config)
            self._proc = spawn(
                [sys.executable, "-I", "-S", lambda_worker.__file__],
                cwd=code,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            self._log = _Log(self._proc.stderr)
            setup = {
                "handler": self.config.get("Handler", ""),
                "path": function_sandbox.search_path(code, layers, sandboxes.sdk),
                "mounts": function_sandbox.mounts(code, layers, sandboxes.sdk),
            }
            self._send(setup)
            # A handler that cannot be loaded is reported by the invocation, as on AWS.
            try:
                self._answer(_INIT_SECONDS)
            except (TimeoutError, EOFError) as error:
                stop(self._proc, 0)
                raise RuntimeError(f"The function did not start: {self._log.end(0)}") from error

        def invoke(
            self,
            event: Any,
            request_id: str,
            *,
            trace_id: str | None = None,
            invoked_function_arn: str | None = None,
            **_: Any,
        ) -> dict[str, Any]:
            with self._lock:
                cold = self._proc is None or self._proc.poll() is not None
                if cold:
                    try:
                        self._spawn()
                    except UnpackFailed as error:
                        return _failed({"errorType": "InvalidZipFileException", "errorMessage": str(error)}, "", cold)
                invocation = {
                    "event": event,
                    "request_id": request_id,
                    "trace_id": trace_id,
                    "invoked_function_arn": invoked_function_arn or self.config.get("FunctionArn", ""),
                    "timeout_seconds": float(self.config.get("Timeout", 3)),
                }
                return self._outcome(invocation, cold)

        def _outcome(self, invocation: dict[str, Any], cold: bool) -> dict[str, Any]:
            request_id, timeout_seconds = invocation["request_id"], invocation["timeout_seconds"]
            try:
                self._send(invocation)
                answer = self._answer(timeout_seconds)
            except TimeoutError:
                stop(self._proc, 0)
                return self._lost(_timed_out(request_id, timeout_seconds), cold)
            except (EOFError, OSError):
                return self._lost(_exited(request_id, stop(self._proc, _EXIT_SECONDS)), cold)
            log = self._log.end(_LOG_SECONDS)
            if "error" in answer:
                return _failed(answer["error"], log, cold)
            return {"status": "ok", "result": answer["result"], "log": log, "cold_start": cold}

        def _lost(self, payload: dict[str, Any], cold: bool) -> dict[str, Any]:
            self._proc = None
            return _failed(payload, self._log.end(0), cold)

        def _send(self, message: dict[str, Any]) -> None:
            self._proc.stdin.write(json.dumps(message).encode() + b"\n")
            self._proc.stdin.flush()

        def _answer(self, seconds: float) -> dict[str, Any]:
            """The next line. Raises TimeoutError, or EOFError when the process has ended."""
            deadline, received = time.monotonic() + seconds, b""
            descriptor = self._proc.stdout.fileno()
            while not received.endswith(b"\n"):
                ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
                if not ready:
                    raise TimeoutError
                if not (chunk := os.read(descriptor, 1 << 16)):
                    raise EOFError
                received += chunk
            return dict(json.loads(received))

    return IsolatedWorker


class _Log:
    """Collects what a worker prints, invocation by invocation."""

    def __init__(self, stream: Any) -> None:
        self._lines: list[str] = []
        self._changed = threading.Condition()
        self._complete = 0
        threading.Thread(target=self._collect, args=(stream,), name="function-log", daemon=True).start()

    def _collect(self, stream: Any) -> None:
        for raw in stream:
            line = raw.decode("utf-8", "replace").rstrip("\n")
            with self._changed:
                if line.endswith(lambda_worker.END_OF_LOG):
                    line = line.removesuffix(lambda_worker.END_OF_LOG)
                    self._complete += 1
                if line:
                    self._lines.append(line)
                self._changed.notify_all()

    def end(self, seconds: float) -> str:
        """The lines of the invocation that has just ended; waits that long for the last of them."""
        with self._changed:
            self._changed.wait_for(lambda: self._complete > 0, seconds)
            self._complete = 0
            lines, self._lines = self._lines, []
        return "\n".join(lines)


def _failed(payload: dict[str, Any], log: str, cold: bool) -> dict[str, Any]:
    return {"status": "error", "error": FunctionError.of(payload), "log": log, "cold_start": cold}


def _timed_out(request_id: str, timeout_seconds: float) -> dict[str, Any]:
    message = f"RequestId: {request_id} Error: Task timed out after {timeout_seconds:.2f} seconds"
    return {"errorType": "Sandbox.Timedout", "errorMessage": message}


def _exited(request_id: str, status: int) -> dict[str, Any]:
    cause = f"signal: {-status}" if status < 0 else f"exit status {status}"
    message = f"RequestId: {request_id} Error: Runtime exited with error: {cause}"
    return {"errorType": "Runtime.ExitError", "errorMessage": message}


def _layer_archives(config: dict[str, Any]) -> list[bytes]:
    from ministack.services import lambda_svc

    references = config.get("Layers") or []
    archives = [lambda_svc._resolve_layer_zip(reference) for reference in references]
    if missing := [str(ref) for ref, archive in zip(references, archives, strict=True) if not archive]:
        raise UnpackFailed(f"Layer version {missing[0]} does not exist.")
    return archives


def _log_stream(config: dict[str, Any]) -> str:
    day = time.strftime("%Y/%m/%d", time.gmtime())
    return f"{day}/[{config.get('Version', '$LATEST')}]{uuid.uuid4().hex}"


