"""Runs a plan against an endpoint in the background."""

import contextlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, Self, cast

from botocore.exceptions import BotoCoreError

from load.endpoint import Endpoint, certificates
from load.orders import AskedQuestion, Order, Plan, write_credentials, write_order
from load.recording import Recording

# SageMaker gives a container 60 seconds for an answer.
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
TIMEOUT_SECONDS = 60.0
MOST_CONNECTIONS = 512
_ROOT = Path(__file__).resolve().parent.parent
_PIPE_BYTES = 1024 * 1024
_RENEWS_EVERY_SECONDS = 30.0
_STARTS_WITHIN_SECONDS = 60.0
_GRACE_SECONDS = 10.0


class GeneratorFailed(RuntimeError):
    """The generator's process ended by itself; the message carries its last words."""


class Traffic:
    """Traffic from now until the plan has ended, or the ``with`` block: ``recording`` is complete after it.

    ``timeout_seconds`` after its planned time a request is given up. At the end, what is on its way is waited for.
    Nothing is asked twice: a lost connection is a failure, as it would be for a client without retries.
    """

    def __init__(
        self,
        plan: Plan,
        endpoint: Endpoint,
        *,
        timeout_seconds: float = TIMEOUT_SECONDS,
        most_connections: int = MOST_CONNECTIONS,
    ) -> None:
        self._plan, self._endpoint = plan, endpoint
        self._timeout = timeout_seconds
        self._order = _order(endpoint, plan, timeout_seconds, most_connections)
        self.recording = Recording()
        self._process: subprocess.Popen[str] | None = None
        self._threads: list[threading.Thread] = []
        self._said: list[str] = []
        self._begun, self._ended = threading.Event(), threading.Event()
        self._writing = threading.Lock()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.stop()
        else:
            self.kill()

    def start(self) -> None:
        """Begin; returns when the first request is due.

        Raises:
            GeneratorFailed: it did not begin.
        """
        credentials = self._endpoint.credentials()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "load.generator"],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # Ctrl-C is for whoever started it, who then stops it.
            start_new_session=True,
            pipesize=_PIPE_BYTES,
        )
        self._in_background("load-recording", self._listen)
        self._in_background("load-faults", self._hear_faults)
        self._write(write_order(self._order))
        self._write(write_credentials(credentials))
        self._in_background("load-keys", self._renew, credentials)
        if not self._begun.wait(_STARTS_WITHIN_SECONDS) or self.recording.begun is None:
            self.kill()
            raise GeneratorFailed("".join(self._said).strip() or "the load generator did not begin")

    def wait(self, seconds: float | None = None) -> bool:
        """Until the plan has ended and every request with it; False when it has not after so many seconds."""
        return self._ended.wait(seconds)

    def stop(self) -> None:
        """Send nothing more, and wait for what is on its way.

        Raises:
            GeneratorFailed: the process had ended by itself, or does not end.
        """
        self._write("")
        ended = self._ended.wait(self._timeout + _GRACE_SECONDS)
        self.kill()
        if self.recording.ended is None:
            status = cast("subprocess.Popen[str]", self._process).returncode
            silent = f"it ended with status {status} and no word" if ended else "it did not end when it was told to"
            raise GeneratorFailed("".join(self._said).strip() or silent)

    def kill(self) -> None:
        """End at once, whatever is on its way."""
        if self._process is None:
            return
        if self.recording.ended is None:
            self._process.kill()
        self._process.wait()
        for thread in self._threads:
            thread.join()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            # Of what it was told last it may have read nothing.
            with contextlib.suppress(BrokenPipeError):
                cast("IO[str]", stream).close()

    def _in_background(self, name: str, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, name=name, daemon=True)
        thread.start()
        # Only now: whoever kills a traffic that was interrupted here waits for threads that are there.
        self._threads.append(thread)

    def _write(self, line: str) -> None:
        process = cast("subprocess.Popen[str]", self._process)
        stream = cast("IO[str]", process.stdin)
        with self._writing:
            try:
                stream.write(line + "\n")
                stream.flush()
            except (BrokenPipeError, ValueError):
                return  # it has ended: what it said last tells why

    def _listen(self) -> None:
        stream = cast("IO[str]", cast("subprocess.Popen[str]", self._process).stdout)
        for line in stream:
            if not line.endswith("\n"):
                break  # it died in the middle of a word
            told = json.loads(line)
            self.recording.add(told)
            if "begun" in told:
                self._begun.set()
        self._ended.set()
        self._begun.set()

    def _hear_faults(self) -> None:
        stream = cast("IO[str]", cast("subprocess.Popen[str]", self._process).stderr)
        self._said += list(stream)

    def _renew(self, known: object) -> None:
        """A role's credentials last an hour, and traffic may last longer."""
        due = time.monotonic() + _RENEWS_EVERY_SECONDS
        while not self._ended.wait(max(due - time.monotonic(), 0)):
            due += _RENEWS_EVERY_SECONDS
            # Those that are there may be good for longer than whoever renews them is away.
            with contextlib.suppress(BotoCoreError, ValueError):
                if (now := self._endpoint.credentials()) != known:
                    known = now
                    self._write(write_credentials(now))


def _order(endpoint: Endpoint, plan: Plan, timeout_seconds: float, most_connections: int) -> Order:
    questions = []
    for question in endpoint.questions:
        headers = {"content-type": question.content_type}
        if question.accept:
            headers["accept"] = question.accept
        if endpoint.variant:
            headers["x-amzn-sagemaker-target-variant"] = endpoint.variant
        questions.append(AskedQuestion(headers, question.row, question.answers))
    return Order(
        endpoint.url,
        endpoint.path,
        endpoint.region,
        certificates(),
        questions,
        plan,
        timeout_seconds,
        most_connections,
    )
