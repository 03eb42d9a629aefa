"""Lambda: Python functions in isolated warm processes under their roles, with AWS's errors.

The emulator's own workers see all of its packages and its whole environment, lose the error's class, and are thrown
away after each error.
"""

import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from local.context import Cloud
from local.credentials import role_credentials
from local.gateway import function_sandbox
from local.gateway.function_process import FunctionProcess
from local.gateway.function_sandbox import Sandboxes, UnpackFailed
from local.gateway.loading import after_import

_PRINCIPAL = "lambda.amazonaws.com"
# Lambda lets go of an idle environment after some minutes; the emulator would keep one of each function, 40 MB apiece.
_IDLE_SECONDS = 600.0
_REAP_EVERY_SECONDS = 60.0


class FunctionError(str):
    """An error message that remembers the whole payload: the emulator passes the message on and drops the rest."""

    __slots__ = ("payload",)
    payload: dict[str, Any]

    @classmethod
    def of(cls, payload: dict[str, Any]) -> "FunctionError":
        """The message of an error payload."""
        error = cls(payload.get("errorMessage", ""))
        error.payload = payload
        return error


def install(cloud: Cloud) -> None:
    """Have the emulator run Python functions in our processes."""
    after_import("ministack.core.lambda_runtime", lambda runtime: _install_workers(cloud, runtime))
    after_import("ministack.services.lambda_svc", _install_errors)


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


def _install_workers(cloud: Cloud, lambda_runtime: Any) -> None:
    sandboxes = Sandboxes(cloud.configuration.state_dir)
    worker_class = _worker_class(cloud, sandboxes, lambda_runtime.Worker)
    original = lambda_runtime._worker_class_for
    lambda_runtime._worker_class_for = lambda config: (
        worker_class if str(config.get("Runtime", "")).startswith("python") else original(config)
    )
    lambda_runtime.execution_credentials = execution_credentials

    stopped = threading.Event()

    def reap() -> None:
        while not stopped.wait(_REAP_EVERY_SECONDS):
            end_idle(lambda_runtime, _IDLE_SECONDS)

    def stop_workers() -> None:
        stopped.set()
        lambda_runtime.reset()
        sandboxes.remove()

    threading.Thread(target=reap, name="idle-functions", daemon=True).start()
    cloud.on_stop.append(stop_workers)


def end_idle(lambda_runtime: Any, idle_seconds: float) -> None:
    """End the execution environments that no invocation has used for that long."""
    now, idle = time.time(), []
    with lambda_runtime._lock:
        for pool in lambda_runtime._workers.values():
            resting = [worker for worker in pool if not worker.in_use and now - worker.last_used >= idle_seconds]
            idle += resting
            pool[:] = [worker for worker in pool if worker not in resting]
    lambda_runtime.kill_workers(idle)


def _install_errors(lambda_svc: Any) -> None:
    lambda_svc._execute_function_warm = _with_whole_error(lambda_svc._execute_function_warm)


def _with_whole_error(original: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    def execute(function: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
        outcome = original(function, event, request_id)
        body = outcome.get("body")
        if isinstance(body, dict) and isinstance(message := body.get("errorMessage"), FunctionError):
            outcome["body"] = message.payload
        return outcome

    return execute


def _worker_class(cloud: Cloud, sandboxes: Sandboxes, base: Any) -> type:
    """The emulator's worker with our process in it; made here because the emulator is imported late."""

    class IsolatedWorker(base):  # type: ignore[misc]
        """One execution environment; the emulator pools them, and ends them through ``_proc``."""

        _function: FunctionProcess | None = None

        def _spawn(self) -> None:
            self._function = _start(cloud, sandboxes, self.config, self.code_zip)
            self._proc = self._function.process

        def invoke(self, event: Any, request_id: str, *, trace_id: str | None = None, **more: Any) -> dict[str, Any]:
            with self._lock:
                cold = self._function is None or not self._function.alive
                if cold:
                    try:
                        self._spawn()
                    except UnpackFailed as error:
                        return _failed({"errorType": "InvalidZipFileException", "errorMessage": str(error)}, "")
                invocation = {
                    "event": event,
                    "request_id": request_id,
                    "trace_id": trace_id,
                    "invoked_function_arn": more.get("invoked_function_arn") or self.config.get("FunctionArn", ""),
                    "timeout_seconds": float(self.config.get("Timeout", 3)),
                }
                assert self._function is not None
                outcome, log = self._function.invoke(invocation)
            if "error" in outcome:
                return _failed(outcome["error"], log)
            return {"status": "ok", "result": outcome["result"], "log": log, "cold_start": cold}

    return IsolatedWorker


def _start(cloud: Cloud, sandboxes: Sandboxes, config: dict[str, Any], archive: bytes) -> FunctionProcess:
    layers = [sandboxes.unpacked(layer) for layer in _layer_archives(config)]
    code = sandboxes.unpacked(archive)
    environment = function_sandbox.environment(cloud.configuration, config, execution_credentials(config), code)
    environment["AWS_LAMBDA_LOG_STREAM_NAME"] = _log_stream(config)
    setup = {
        "handler": config.get("Handler", ""),
        "path": function_sandbox.search_path(code, layers, sandboxes.sdk),
        "mounts": function_sandbox.mounts(code, layers, sandboxes.sdk),
    }
    return FunctionProcess(setup, code, environment)


def _failed(payload: dict[str, Any], log: str) -> dict[str, Any]:
    return {"status": "error", "error": FunctionError.of(payload), "log": log}


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
