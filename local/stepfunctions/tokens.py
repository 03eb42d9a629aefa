"""Task tokens: what a `.waitForTaskToken` task waits for and SendTaskSuccess, -Failure and -Heartbeat name.

A token is derived from its execution's secret seed and the place in the program where it is issued, so that a restarted
cloud issues the very same token again, and nobody who lacks the seed can guess it.
"""

import base64
import hashlib
import json
import threading
import zlib
from typing import Any, Final

from local.clock import Clock
from local.journal.executions import ExecutionJournal
from local.stepfunctions.faults import StatesFault, invalid_token, no_task, task_gone, validation
from local.stepfunctions.task_faults import HEARTBEAT_TIMEOUT, TIMEOUT, TaskFault

Json = dict[str, Any]

# As long as AWS's and with the characters that need care in URLs and forms (`+ / =`).
_HEADER: Final = b"AQC"
_BODY_BYTES: Final = 500
_DIGEST_BYTES: Final = 16
# "Maximum input or result size"; Cause and Error have the limits of SendTaskFailure.
_MOST_OUTPUT_BYTES: Final = 262_144
_MOST_CAUSE: Final = 32_768
_MOST_ERROR: Final = 256


class Waiting:
    """One task that waits for its token. The first of answer, expiry and `close` decides."""

    def __init__(self, token: str, execution_arn: str, answer: Json | None, last_seen: float) -> None:
        self.token = token
        self.execution_arn = execution_arn
        self.changed = threading.Event()
        self.latest: float | None = None
        """When the task expires unless something happens, in epoch seconds of the cloud."""
        self._lock = threading.Lock()
        self._answer = answer
        self._last_seen = last_seen
        self._deadline: float | None = None
        self._heartbeat_seconds: float | None = None
        self._closed = False
        if answer is not None:
            self.changed.set()

    def begin(self, since: float, deadline: float | None, heartbeat_seconds: float | None) -> None:
        """The limits of the wait."""
        with self._lock:
            self._last_seen = max(self._last_seen, since)
            self._deadline, self._heartbeat_seconds = deadline, heartbeat_seconds
            self._recompute()

    def take(self, now: float) -> Json | None:
        """The answer; None when the wait has to go on. Raises TaskFault when it has expired."""
        with self._lock:
            if self._answer is not None:
                self._closed = True
                return self._answer
            if self.latest is not None and now >= self.latest:
                self._closed = True
                raise TaskFault(TIMEOUT if self.latest == self._deadline else HEARTBEAT_TIMEOUT, None)
            self.changed.clear()
            return None

    def close(self) -> None:
        """Nobody waits any more."""
        with self._lock:
            self._closed = True

    def answer(self, answer: Json, journal: ExecutionJournal) -> None:
        """Record and hand over. Raises StatesFault TaskTimedOut when it comes too late."""
        with self._lock:
            if self._closed or self._answer is not None:
                raise task_gone()
            journal.answered(self.execution_arn, self.token, answer)
            self._answer = answer
            self.changed.set()

    def seen(self, now: float, journal: ExecutionJournal) -> None:
        """A heartbeat. Raises StatesFault TaskTimedOut."""
        with self._lock:
            if self._closed or self._answer is not None:
                raise task_gone()
            if self._heartbeat_seconds is not None:
                journal.heartbeat(self.execution_arn, self.token, now)
            self._last_seen = now
            self._recompute()
            self.changed.set()

    def _recompute(self) -> None:
        limits = [self._deadline]
        if self._heartbeat_seconds is not None:
            limits.append(self._last_seen + self._heartbeat_seconds)
        self.latest = min((limit for limit in limits if limit is not None), default=None)


class TaskTokens:
    """All tokens that are waited for."""

    def __init__(self, clock: Clock, journal: ExecutionJournal) -> None:
        self._clock = clock
        self._journal = journal
        self._lock = threading.Lock()
        self._waiting: dict[str, Waiting] = {}
        self._executions: dict[bytes, str] = {}
        self._answers: dict[str, Json] = {}
        self._heartbeats: dict[str, float] = {}

    def recovered(self, answers: dict[str, Json], heartbeats: dict[str, float]) -> None:
        """What was said before a restart, for the tasks that will wait for it again."""
        with self._lock:
            self._answers.update(answers)
            self._heartbeats.update(heartbeats)

    def begin_execution(self, arn: str) -> None:
        with self._lock:
            self._executions[_digest(arn)] = arn

    def end_execution(self, arn: str) -> None:
        """Its tokens are void; that they once were real is remembered."""
        with self._lock:
            ended = [waiting for waiting in self._waiting.values() if waiting.execution_arn == arn]
            for waiting in ended:
                del self._waiting[waiting.token]
        for waiting in ended:
            waiting.close()

    def forget_execution(self, arn: str) -> None:
        """With its state machine: there never was such a task."""
        with self._lock:
            self._executions.pop(_digest(arn), None)

    def issue(self, execution_arn: str, secret: str) -> Waiting:
        """A token to wait for; ``secret`` is the scope's choice."""
        token = _token(execution_arn, secret)
        with self._lock:
            waiting = Waiting(token, execution_arn, self._answers.pop(token, None), self._heartbeats.pop(token, 0.0))
            self._waiting[token] = waiting
        return waiting

    def execution_of(self, token: object) -> str:
        """Raises StatesFault InvalidToken, or TaskDoesNotExist when the execution is unknown."""
        arn = self._executions.get(_read(token))
        if arn is None:
            raise no_task()
        return arn

    def succeed(self, token: str, output: str) -> None:
        try:
            json.loads(output)
        except ValueError as fault:
            raise StatesFault("InvalidOutput", f"Invalid Output: 'Invalid JSON in task output: {fault}'") from fault
        if len(output.encode()) > _MOST_OUTPUT_BYTES:
            raise StatesFault("InvalidOutput", "Invalid Output: 'Output is larger than 262144 bytes'")
        self._waiting_for(token).answer({"output": output}, self._journal)

    def fail(self, token: str, error: str | None, cause: str | None) -> None:
        for member, text, most in (("error", error, _MOST_ERROR), ("cause", cause, _MOST_CAUSE)):
            if text is not None and len(text) > most:
                limit = f"Member must have length less than or equal to {most}"
                raise validation(f"Value at '{member}' failed to satisfy constraint: {limit}")
        self._waiting_for(token).answer({"error": error, "cause": cause}, self._journal)

    def heartbeat(self, token: str) -> None:
        self._waiting_for(token).seen(self._clock.now(), self._journal)

    def _waiting_for(self, token: str) -> Waiting:
        self.execution_of(token)
        waiting = self._waiting.get(token)
        if waiting is None:
            raise task_gone()
        return waiting


def _digest(arn: str) -> bytes:
    return hashlib.sha256(arn.encode()).digest()[:_DIGEST_BYTES]


def _token(execution_arn: str, secret: str) -> str:
    body = _HEADER + _digest(execution_arn) + hashlib.shake_256(f"task token|{secret}".encode()).digest(_BODY_BYTES)
    return base64.b64encode(body + zlib.crc32(body).to_bytes(4)).decode()


def _read(token: object) -> bytes:
    try:
        content = base64.b64decode(token, validate=True) if isinstance(token, str) else b""
    except ValueError as fault:
        raise invalid_token() from fault
    body, check = content[:-4], content[-4:]
    if not body.startswith(_HEADER) or zlib.crc32(body).to_bytes(4) != check:
        raise invalid_token()
    return body[len(_HEADER) : len(_HEADER) + _DIGEST_BYTES]
