"""Executions: started once by name, ended once, and remembered."""

import contextlib
import dataclasses
import json
import logging
import re
import secrets
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from local.clock import Clock
from local.journal.append_log import LogClosed
from local.journal.executions import ExecutionJournal, Finished, Unfinished
from local.stepfunctions.faults import (
    execution_exists,
    invalid_input,
    invalid_name,
    no_execution,
    not_redrivable,
)
from local.stepfunctions.redrive import Position, Redrive, hindrance, next_redrive, position_from
from local.stepfunctions.run import Outcome, Run, Subject
from local.stepfunctions.tokens import TaskTokens

Json = dict[str, Any]

RUNNING: Final = "RUNNING"
_MOST_INPUT_BYTES: Final = 262_144
# A replay takes milliseconds; one that does not end fails by itself.
_SETTLE_SECONDS: Final = 10.0
_NAME: Final = re.compile(r"[^\x00-\x1f\x7f-\x9f\s<>{}\[\]?*\"#%\\^|~`$&,;:/]{1,80}")
_ENDED_EVENT: Final = {
    "SUCCEEDED": "ExecutionSucceeded",
    "FAILED": "ExecutionFailed",
    "ABORTED": "ExecutionAborted",
    "TIMED_OUT": "ExecutionTimedOut",
}
_log = logging.getLogger(__name__)


@dataclass
class Execution:
    """One execution; ``machine`` is what DescribeStateMachineForExecution tells: the machine as it was at the start."""

    subject: Subject
    machine: Json
    trace_header: str | None = None
    status: str = RUNNING
    stopped_at: float | None = None
    outcome: Outcome | None = None
    redrive: Redrive | None = None
    ended_at: Position | None = None
    """Where a redrive would go on."""
    events: int = 0
    """How many its history held when it ended."""
    run: Run | None = None
    watchers: list[threading.Event] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


class Executions:
    """All executions of the cloud."""

    def __init__(
        self,
        clock: Clock,
        journal: ExecutionJournal,
        tokens: TaskTokens,
        world: Callable[[Execution], Any],
        changed: Callable[[Execution, Callable[[], None]], None],
    ) -> None:
        """``world`` makes what an execution may touch.

        ``changed`` is told each new status, and says when it has handed that on. A final status that a crash has kept
        from being handed on is told again after the next start.
        """
        self._clock = clock
        self._journal = journal
        self._tokens = tokens
        self._world = world
        self._changed = changed
        self._lock = threading.Lock()
        self._by_arn: dict[str, Execution] = {}
        self._going_down = False
        self._to_resume: list[tuple[Execution, Json]] = []
        self._to_tell: list[Execution] = []

    def start(self, subject: Subject, machine: Json, trace_header: str | None) -> Execution:
        """Start it; the running execution of the same name and input is the one that is meant.

        ``subject`` comes without name, ARN, seed and time where they are empty. Raises StatesFault.
        """
        subject = _completed(subject, self._clock)
        with self._lock:
            known = self._by_arn.get(subject.arn)
            if known is not None:
                if known.status == RUNNING and known.subject.input == subject.input:
                    return known
                raise execution_exists(subject.arn)
            execution = Execution(subject, machine, trace_header)
            self._journal.started(subject.arn, _start_record(execution), subject.definition)
            self._by_arn[subject.arn] = execution
        self._begin(execution, {})
        return execution

    def remember(self, recovered: Iterable[Unfinished | Finished]) -> None:
        """Know what the journal knows; nothing runs yet."""
        for record in recovered:
            execution = _from_record(record)
            self._by_arn[execution.subject.arn] = execution
            self._tokens.begin_execution(execution.subject.arn)
            if isinstance(record, Unfinished):
                self._tokens.recovered(record.answers, record.heartbeats)
                self._to_resume.append((execution, record.effects))
            elif not record.told:
                self._to_tell.append(execution)

    def resume(self) -> int:
        """Replay what was running, and go on; how many that are."""
        untold, self._to_tell = self._to_tell, []
        for execution in untold:
            self._tell(execution)
        resumed, self._to_resume = self._to_resume, []
        for execution, effects in resumed:
            self._begin(execution, effects)
        return len(resumed)

    def settle(self, execution: Execution) -> None:
        """Wait until a replay has come to where the execution was: before that, its tasks do not wait yet."""
        if execution.run is not None:
            execution.run.replay.wait_until_live(_SETTLE_SECONDS)

    def get(self, arn: object) -> Execution:
        """Raises StatesFault ExecutionDoesNotExist."""
        execution = self._by_arn.get(arn) if isinstance(arn, str) else None
        if execution is None:
            raise no_execution(str(arn))
        return execution

    def of_machine(self, machine_arn: str) -> list[Execution]:
        """Newest first."""
        with self._lock:
            found = [each for each in self._by_arn.values() if each.subject.machine_arn == machine_arn]
        return sorted(found, key=_latest_change)[::-1]

    def history(self, execution: Execution) -> list[Json]:
        """The events so far, in the shape of GetExecutionHistory."""
        self.settle(execution)
        run = execution.run
        if run is not None:
            return run.history.events()
        return [] if execution.status == RUNNING else self._journal.history(execution.subject.arn)

    def stop(self, execution: Execution, error: str | None, cause: str | None) -> None:
        """Abort it; one that has ended stays as it is."""
        self.settle(execution)
        run = execution.run
        if self._end(execution, Outcome("ABORTED", error=error, cause=cause)) and run is not None:
            run.stop()

    def hindrance(self, execution: Execution) -> str | None:
        """Why it cannot be redriven now; None when it can."""
        started, stopped = execution.subject.started_at, execution.stopped_at
        return hindrance(execution.status, started, stopped, execution.events, self._clock.now())

    def redrive(self, execution: Execution, client_token: str | None) -> float:
        """Let it go on where it did not succeed; when it was redriven, in epoch seconds.

        Once for each client token. Raises StatesFault ExecutionNotRedrivable.
        """
        with execution.lock:
            former, now = execution.redrive, round(self._clock.now(), 3)
            if former is not None and former.answered(client_token, now):
                return former.at
            hindered = self.hindrance(execution)
            if hindered is not None:
                raise not_redrivable(execution.subject.arn, hindered)
            redrive = next_redrive(former, client_token, now, execution.ended_at, execution.events)
            self._journal.redriven(execution.subject.arn, redrive.record())
            execution.redrive, execution.status = redrive, RUNNING
            execution.stopped_at = execution.outcome = execution.ended_at = None
        self._begin(execution, {})
        return now

    def forget(self, machine_arn: str) -> None:
        """With its state machine; running ones are aborted."""
        for execution in self.of_machine(machine_arn):
            self.stop(execution, None, None)
            with self._lock:
                self._by_arn.pop(execution.subject.arn, None)
            self._tokens.forget_execution(execution.subject.arn)
            self._journal.forgotten(execution.subject.arn)

    def watch(self, arn: str, ended: threading.Event) -> None:
        """Have the event set when the execution ends; at once when it has, or is unknown."""
        execution = self._by_arn.get(arn)
        if execution is None:
            return
        with execution.lock:
            if execution.status == RUNNING:
                execution.watchers.append(ended)
                return
        ended.set()

    def suspend(self) -> None:
        """The cloud goes down: nothing more is recorded, and what runs goes on after the next start."""
        with self._lock:
            self._going_down = True
            running = [each.run for each in self._by_arn.values() if each.run is not None]
        for run in running:
            run.suspend()

    def _begin(self, execution: Execution, effects: Json) -> None:
        arn = execution.subject.arn
        self._tokens.begin_execution(arn)
        try:
            run = Run(
                execution.subject,
                self._world(execution),
                effects,
                lambda scope, kind, value: self._journal.effect(arn, scope, kind, value),
                lambda outcome: self._ended(execution, outcome),
                execution.redrive,
                self._former(execution),
            )
        except Exception as fault:  # a definition that an older version of the cloud took and this one does not
            _log.exception("%s cannot be run", arn)
            self._end(execution, Outcome("FAILED", error="States.Runtime", cause=f"{type(fault).__name__}: {fault}"))
            return
        with execution.lock:
            if execution.status != RUNNING:
                return  # stopped before it began
            execution.run = run
        if not effects:
            self._tell(execution)
        run.begin()

    def _former(self, execution: Execution) -> list[Json]:
        """What happened before it was redriven."""
        redrive = execution.redrive
        if redrive is None or redrive.events == 0:
            return []
        # The file may hold more: a crash can come between writing it and recording the end.
        return self._journal.history(execution.subject.arn)[: redrive.events]

    def broken(self, execution: Execution, fault: BaseException) -> None:
        """It cannot go on."""
        self._end(execution, Outcome("FAILED", error="States.Runtime", cause=str(fault)))
        if execution.run is not None:
            execution.run.stop()

    def _ended(self, execution: Execution, outcome: Outcome) -> None:
        try:
            self._end(execution, outcome)
        except LogClosed:
            _log.info("%s ended while the cloud went down; it will end again", execution.subject.arn)

    def _end(self, execution: Execution, outcome: Outcome) -> bool:
        """The first one decides; True for it."""
        with execution.lock:
            if execution.status != RUNNING or self._going_down:
                return False
            at = round(self._clock.now(), 3)
            run = execution.run
            history = _closed_history(run, outcome, at) if run is not None else self._former(execution)
            position = run.history.position if run is not None and outcome.status != "SUCCEEDED" else None
            end = {"status": outcome.status, "stopped_at": at, **_told(outcome), "events": len(history)}
            if position is not None:
                end["position"] = dataclasses.asdict(position)
            self._journal.finished(execution.subject.arn, end, history)
            execution.status, execution.stopped_at, execution.outcome = outcome.status, at, outcome
            execution.ended_at, execution.events = position, len(history)
            execution.run = None
            watchers, execution.watchers = execution.watchers, []
        self._tokens.end_execution(execution.subject.arn)
        self._tell(execution)
        for watcher in watchers:
            watcher.set()
        return True

    def _tell(self, execution: Execution) -> None:
        ended = execution.status != RUNNING

        def handed_on() -> None:
            if ended:
                with contextlib.suppress(LogClosed):
                    self._journal.told(execution.subject.arn)

        self._changed(execution, handed_on)


def _completed(subject: Subject, clock: Clock) -> Subject:
    name = subject.name or _random_name()
    if not _NAME.fullmatch(name):
        raise invalid_name(name)
    try:
        json.loads(subject.input)
    except ValueError as fault:
        raise invalid_input(str(fault)) from fault
    if len(subject.input.encode()) > _MOST_INPUT_BYTES:
        raise invalid_input("Input is larger than 262144 bytes")
    arn = f"{subject.machine_arn.replace(':stateMachine:', ':execution:')}:{name}"
    return dataclasses.replace(
        subject,
        name=name,
        arn=arn,
        seed=subject.seed or secrets.token_hex(16),
        started_at=round(clock.now(), 3),
    )


def _random_name() -> str:
    import uuid

    return str(uuid.uuid4())


def _start_record(execution: Execution) -> Json:
    subject = dataclasses.asdict(execution.subject)
    del subject["definition"]  # kept once for all executions that share it
    return {"subject": subject, "machine": execution.machine, "trace_header": execution.trace_header}


def _from_record(record: Unfinished | Finished) -> Execution:
    start = record.start
    subject = Subject(**start["subject"], definition=record.definition)
    execution = Execution(subject, start["machine"], start["trace_header"])
    execution.redrive = Redrive.from_record(record.redrive)
    if isinstance(record, Finished):
        execution.status, execution.stopped_at = record.end["status"], record.end["stopped_at"]
        execution.outcome = Outcome(
            execution.status, record.end.get("output"), record.end.get("error"), record.end.get("cause")
        )
        execution.ended_at = position_from(record.end.get("position"))
        execution.events = record.end.get("events", 0)
    return execution


def _told(outcome: Outcome) -> Json:
    told = {"output": outcome.output, "error": outcome.error, "cause": outcome.cause}
    return {name: value for name, value in told.items() if value is not None}


def _latest_change(execution: Execution) -> float:
    """As AWS sorts: running executions by their start or redrive, others by their stop."""
    if execution.stopped_at is not None:
        return execution.stopped_at
    return execution.redrive.at if execution.redrive else execution.subject.started_at


def _closed_history(run: Run, outcome: Outcome, at: float) -> list[Json]:
    details = _told(outcome)
    if outcome.status == "SUCCEEDED":
        details["outputDetails"] = {"truncated": False}
    elif outcome.status == "TIMED_OUT":
        details = {"error": "States.Timeout"}
    # A stop or a timeout follows on nothing that the program did.
    previous = run.last_event_id if outcome.status in ("SUCCEEDED", "FAILED") else 0
    run.history.close(_ENDED_EVENT[outcome.status], details, at, previous)
    return run.history.events()
