"""One execution environment of a Lambda function: a process that stays warm, spoken to in JSON lines."""

import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from local.gateway import lambda_worker
from local.processes import spawn, stop

# AWS gives it 10, and when they are over begins anew with the function's own time limit
# (https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html). A machine of many processes is slow.
_INIT_SECONDS = 60.0
_LOG_SECONDS = 1.0
# A process that has closed its output is about to be gone; its exit status is worth this wait.
_EXIT_SECONDS = 1.0


class FunctionStartFailed(RuntimeError):
    """The process ended or hung before it could take an invocation; the message is what it printed."""


class FunctionProcess:
    """A running function. Not thread-safe: an execution environment takes one invocation at a time, as on AWS."""

    def __init__(self, setup: Mapping[str, Any], code: Path, environment: Mapping[str, str]) -> None:
        """Start the process and wait until it has loaded the handler.

        ``setup`` is what ``lambda_worker.serve`` reads first: handler, path, mounts. A handler that cannot be loaded
        is reported by the first invocation, as on AWS. Raises FunctionStartFailed.
        """
        pipe = subprocess.PIPE
        command = [sys.executable, "-I", "-S", lambda_worker.__file__]
        self.process = spawn(command, cwd=code, env=environment, stdin=pipe, stdout=pipe, stderr=pipe)
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self._requests, self._answers = self.process.stdin, self.process.stdout
        self._log = _Log(self.process.stderr)
        try:
            self._send(setup)
            self._answer(_INIT_SECONDS)
        except (TimeoutError, EOFError, OSError) as error:
            stop(self.process, 0)
            raise FunctionStartFailed(f"The function did not start: {self._log.end(0)}") from error

    @property
    def alive(self) -> bool:
        """Whether it can take another invocation."""
        return self.process.poll() is None

    def invoke(self, invocation: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
        """({"result": …} or {"error": payload}, what it printed). After a timeout or an exit the process is gone."""
        request_id, timeout_seconds = invocation["request_id"], invocation["timeout_seconds"]
        try:
            self._send(invocation)
            outcome = self._answer(timeout_seconds)
        except TimeoutError:
            stop(self.process, 0)
            return {"error": _timed_out(request_id, timeout_seconds)}, self._log.end(0)
        except (EOFError, OSError):
            return {"error": _exited(request_id, stop(self.process, _EXIT_SECONDS))}, self._log.end(0)
        return outcome, self._log.end(_LOG_SECONDS)

    def _send(self, message: Mapping[str, Any]) -> None:
        self._requests.write(json.dumps(message).encode() + b"\n")
        self._requests.flush()

    def _answer(self, seconds: float) -> dict[str, Any]:
        """The next line. Raises TimeoutError, or EOFError when the process has ended."""
        deadline, received = time.monotonic() + seconds, b""
        descriptor = self._answers.fileno()
        # Not select.select, which takes no descriptor above 1023: a busy cloud has more.
        answers = select.poll()
        answers.register(descriptor, select.POLLIN)
        while not received.endswith(b"\n"):
            if not answers.poll(max(0.0, deadline - time.monotonic()) * 1000):
                raise TimeoutError
            if not (chunk := os.read(descriptor, 1 << 16)):
                raise EOFError
            received += chunk
        return dict(json.loads(received))


class _Log:
    """Collects what a function prints, invocation by invocation."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._lines: list[str] = []
        self._changed = threading.Condition()
        self._complete = 0
        threading.Thread(target=self._collect, args=(stream,), name="function-log", daemon=True).start()

    def end(self, seconds: float) -> str:
        """The lines of the invocation that has just ended; waits that long for the last of them."""
        with self._changed:
            self._changed.wait_for(lambda: self._complete > 0, seconds)
            self._complete = 0
            lines, self._lines = self._lines, []
        return "\n".join(lines)

    def _collect(self, stream: IO[bytes]) -> None:
        for raw in stream:
            line = raw.decode("utf-8", "replace").rstrip("\n")
            with self._changed:
                if line.endswith(lambda_worker.END_OF_LOG):
                    line = line.removesuffix(lambda_worker.END_OF_LOG)
                    self._complete += 1
                if line:
                    self._lines.append(line)
                self._changed.notify_all()


def _timed_out(request_id: str, timeout_seconds: float) -> dict[str, Any]:
    message = f"RequestId: {request_id} Error: Task timed out after {timeout_seconds:.2f} seconds"
    return {"errorType": "Sandbox.Timedout", "errorMessage": message}


def _exited(request_id: str, status: int) -> dict[str, Any]:
    cause = f"signal: {-status}" if status < 0 else f"exit status {status}"
    message = f"RequestId: {request_id} Error: Runtime exited with error: {cause}"
    return {"errorType": "Runtime.ExitError", "errorMessage": message}
