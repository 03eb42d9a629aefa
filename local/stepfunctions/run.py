"""Runs one execution: builds its environment, evaluates its program on a thread, and tells how it ended."""

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from local.stepfunctions import repairs
from local.stepfunctions.definition import program
from local.stepfunctions.redrive import Redrive

Json = dict[str, Any]


@dataclass(frozen=True)
class Outcome:
    """How an execution ended. ``output`` is JSON text."""

    status: str
    output: str | None = None
    error: str | None = None
    cause: str | None = None


@dataclass(frozen=True)
class Subject:
    """What is run."""

    arn: str
    name: str
    machine_arn: str
    machine_name: str
    role_arn: str
    definition: str
    input: str
    started_at: float
    seed: str
    account: str
    region: str


class Run:
    """A living execution. `ended` is called once, with its outcome, unless the run was stopped from outside.

    After a redrive it goes on from there, with the ``former`` events before its own.
    """

    def __init__(
        self,
        subject: Subject,
        world: Any,
        recorded: Any,
        record: Any,
        ended: Callable[[Outcome], None],
        redrive: Redrive | None = None,
        former: Sequence[Json] = (),
    ) -> None:
        repairs.apply()
        from moto.stepfunctions.parser.asl.eval.event.event_manager import EventHistoryContext

        from local.stepfunctions.interpreter.environment import ExecutionEnvironment
        from local.stepfunctions.interpreter.history import EventHistory
        from local.stepfunctions.interpreter.scope import Replay, Scope

        self._subject = subject
        self._program = program(subject.definition)
        self._ended = ended
        self._clock = world.clock
        self._finished = threading.Event()
        self._redrive = redrive
        self.replay = Replay(recorded, record)
        position = redrive.position if redrive else None
        self.history = EventHistory(world.clock, self.replay, former, position, world.entered, world.most_events)
        self._environment = ExecutionEnvironment(
            aws_execution_details=_details(subject),
            execution_type="STANDARD",
            context=_context(subject, redrive),
            event_history_context=EventHistoryContext(former[-1]["id"] if former else 0),
            cloud_watch_logging_session=None,
            activity_store={},
        )
        # Tokens and chances of before are not given out again.
        seed = f"{subject.seed}|{redrive.count}" if redrive else subject.seed
        self._environment.begin(world, Scope("", self.replay, seed), self.history)
        if position is not None:
            self._environment.go_on_at(position)

    def begin(self) -> None:
        """Start the threads."""
        threading.Thread(target=self._evaluate, name=f"execution {self._subject.name}", daemon=True).start()
        seconds = getattr(self._program.timeout_seconds, "timeout_seconds", None)
        if seconds is not None:
            deadline = (self._redrive.at if self._redrive else self._subject.started_at) + seconds
            threading.Thread(
                target=self._watch_timeout, args=(deadline,), name="execution timeout", daemon=True
            ).start()

    def stop(self) -> None:
        """End all lines of execution: somebody else has decided how the execution ended."""
        self._finished.set()
        self.replay.end()
        self._environment.set_stop(stop_date=None, cause=None, error=None)

    def suspend(self) -> None:
        """End all lines of execution without an end: they go on in another process."""
        self.history.seal()
        self.stop()

    def _evaluate(self) -> None:
        from moto.stepfunctions.parser.utils import TMP_THREADS

        from local.stepfunctions.interpreter.scope import ExecutionBroken, Interrupted

        environment = self._environment
        try:
            self._tell_beginning()
            self._program.eval(environment)
        except Interrupted:
            return
        except ExecutionBroken as fault:
            environment.world.broken(fault)
            return
        finally:
            # moto remembers its threads for ever.
            TMP_THREADS.clear()
            self._finished.set()
        outcome = _outcome(environment)
        if outcome is not None:
            self._ended(outcome)

    def _tell_beginning(self) -> None:
        environment, subject = self._environment, self._subject
        if self._redrive is None:
            data = {"input": subject.input, "inputDetails": {"truncated": False}, "roleArn": subject.role_arn}
            event, told = "ExecutionStarted", {"executionStartedEventDetails": data}
        else:
            count = {"redriveCount": self._redrive.count}
            event, told = "ExecutionRedriven", {"executionRedrivenEventDetails": count}
        environment.event_manager.add_event(
            context=environment.event_history_context,
            event_type=event,
            event_details=told,
            update_source_event_id=self._redrive is not None,
        )

    def _watch_timeout(self, deadline: float) -> None:
        # What had happened in time before a restart has to happen again first.
        self.replay.wait_until_live(60.0)
        if not self._clock.wait(self._finished, max(0.0, deadline - self._clock.now())) and not self._finished.is_set():
            self._ended(Outcome("TIMED_OUT"))
            self.stop()

    @property
    def last_event_id(self) -> int:
        """What the last event of the history follows on."""
        return int(self._environment.event_history_context.source_event_id)


def _outcome(environment: Any) -> Outcome | None:
    from moto.stepfunctions.parser.asl.eval.program_state import ProgramEnded, ProgramError

    state = environment.program_state()
    if isinstance(state, ProgramEnded):
        output = json.dumps(environment.states.get_input(), separators=(",", ":"), ensure_ascii=False)
        return Outcome("SUCCEEDED", output)
    if isinstance(state, ProgramError):
        error = state.error or {}
        return Outcome("FAILED", error=error.get("error"), cause=error.get("cause"))
    return None


def _details(subject: Subject) -> Any:
    from moto.stepfunctions.parser.asl.eval.evaluation_details import AWSExecutionDetails

    return AWSExecutionDetails(account=subject.account, region=subject.region, role_arn=subject.role_arn)


def _context(subject: Subject, redrive: Redrive | None) -> Json:
    from local.stepfunctions.interpreter.states import iso_time

    redriven = {"RedriveCount": redrive.count, "RedriveTime": iso_time(redrive.at)} if redrive else {}
    return {
        "Execution": {
            "Id": subject.arn,
            "Input": json.loads(subject.input),
            "Name": subject.name,
            "RoleArn": subject.role_arn,
            "StartTime": iso_time(subject.started_at),
            **redriven,
        },
        "StateMachine": {"Id": subject.machine_arn, "Name": subject.machine_name},
    }
