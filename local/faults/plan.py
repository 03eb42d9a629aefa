"""What is to go wrong, where, and how often. Empty unless somebody plans something, and forgotten with the process."""

import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final, Protocol, TypeVar

# As SageMaker words it ("CapacityError" in FailureReason of DescribeTrainingJob).
CAPACITY_ERROR: Final = (
    "CapacityError: Unable to provision requested ML compute capacity. Please retry using a different ML instance type."
)


class CallEffect(StrEnum):
    """What happens to a call. The caller is authorised first: a call that IAM refuses meets no fault."""

    ERROR = "error"
    """Refused with an AWS error before anything is done."""
    LOST_CALL = "lost-call"
    """The connection breaks before anything is done."""
    LOST_REPLY = "lost-reply"
    """Carried out; the connection breaks instead of an answer."""
    HANG = "hang"
    """Never done and never answered: the caller waits until its own time limit, or until the plan is cleared."""
    KILL_BEFORE_CALL = "kill-before-call"
    """The whole cloud dies by SIGKILL before anything is done."""
    KILL_AFTER_CALL = "kill-after-call"
    """Carried out and written down as every acknowledged call is; the cloud dies by SIGKILL instead of answering."""


@dataclass(frozen=True)
class AwsError:
    """An error as the service sends it: its code, the HTTP status and the message."""

    code: str
    status: int
    message: str


@dataclass(frozen=True)
class CallFault:
    """At a call through the front door.

    ``action`` is the IAM action as ``/_cloud/decisions`` names it; of a DynamoDB transaction, which has none of its
    own, its name in its place. ``principal``, ``resource`` and ``body`` are texts that the caller's ARN, the (first)
    resource's ARN and the request contain. ``state_machine`` and ``state`` name the Task that calls; "" is any, and
    any caller.
    """

    action: str
    effect: CallEffect
    error: AwsError | None = None
    principal: str = ""
    resource: str = ""
    body: str = ""
    state_machine: str = ""
    state: str = ""


@dataclass(frozen=True)
class StateFault:
    """The whole cloud dies by SIGKILL when the entry of this state has been written down."""

    state_machine: str
    state: str


@dataclass(frozen=True)
class TrainingFault:
    """A training job whose name contains ``training_job`` ends Failed for this reason, before it has begun.

    ``instance_type`` "" is any.
    """

    training_job: str
    failure_reason: str = CAPACITY_ERROR
    instance_type: str = ""


@dataclass(frozen=True)
class ServingFault:
    """A model whose artefact's URL ends with ``artefact`` misbehaves, at endpoints whose names contain ``endpoint``.

    ``delay_seconds`` of real time pass before it answers. It answers with HTTP status ``status`` instead (0: its own),
    or with the body ``answer`` (None: its own). With ``crash`` its container dies when it starts, and nothing else.
    """

    artefact: str
    endpoint: str = ""
    status: int = 0
    delay_seconds: float = 0.0
    answer: str | None = None
    crash: bool = False


@dataclass(frozen=True)
class Task:
    """The Task state that a call of Step Functions is made for."""

    state_machine: str
    state: str


Fault = CallFault | StateFault | TrainingFault | ServingFault
_Kind = TypeVar("_Kind", CallFault, StateFault, TrainingFault, ServingFault)


class Call(Protocol):
    """What a planned fault looks at."""

    @property
    def principal(self) -> str: ...
    @property
    def resource(self) -> str: ...
    @property
    def action(self) -> str: ...
    @property
    def body(self) -> bytes | bytearray: ...
    @property
    def task(self) -> Task | None: ...


@dataclass
class _Planned:
    fault: Fault
    pass_first: int
    hits: int | None
    seen: int = 0
    met: int = 0

    def meets(self) -> bool:
        """Count one occasion; whether the fault happens at it."""
        self.seen += 1
        if self.seen <= self.pass_first or (self.hits is not None and self.met >= self.hits):
            return False
        self.met += 1
        return True


class FaultPlan:
    """The planned faults of one cloud. Thread-safe."""

    def __init__(self) -> None:
        self._planned: list[_Planned] = []
        self._lock = threading.Lock()
        self._cleared: list[Callable[[], None]] = []

    @property
    def about_calls(self) -> bool:
        """Whether a call may meet anything at all; asked for every request."""
        return bool(self._planned) and any(isinstance(each.fault, CallFault) for each in self._planned)

    def add(self, fault: Fault, *, pass_first: int = 0, hits: int | None = 1) -> None:
        """Plan a fault: the first ``pass_first`` occasions pass, the next ``hits`` meet it; None is all others."""
        with self._lock:
            self._planned.append(_Planned(fault, pass_first, hits))

    def clear(self) -> None:
        """Forget all; calls that hang lose their connection."""
        with self._lock:
            self._planned = []
            waiting, self._cleared = self._cleared, []
        for notify in waiting:
            notify()

    def when_cleared(self, notify: Callable[[], None]) -> None:
        """Call ``notify`` at the next `clear`."""
        with self._lock:
            self._cleared.append(notify)

    def listed(self) -> list[dict[str, Any]]:
        """Each planned fault with how many occasions were ``seen`` and how often it was ``met``."""
        with self._lock:
            return [
                asdict(each.fault)
                | {"pass_first": each.pass_first, "hits": each.hits, "seen": each.seen, "met": each.met}
                for each in self._planned
            ]

    def of_call(self, call: Call) -> CallFault | None:
        """The fault that this call meets."""
        return self._first(CallFault, lambda fault: _applies(fault, call))

    def of_entry(self, state_machine: str, state: str) -> StateFault | None:
        """The fault at the entry of a state."""
        return self._first(StateFault, lambda fault: (fault.state_machine, fault.state) == (state_machine, state))

    def of_training(self, job: str, instance_type: str) -> TrainingFault | None:
        """The fault that ends a training job."""
        return self._first(
            TrainingFault, lambda fault: fault.training_job in job and fault.instance_type in ("", instance_type)
        )

    def of_invocation(self, endpoint: str, artefact_url: str) -> ServingFault | None:
        """What is wrong with the answer of the model of this artefact; asked for every invocation."""
        if not self._planned:
            return None
        return self._first(ServingFault, lambda fault: not fault.crash and _of_model(fault, endpoint, artefact_url))

    def of_serving_start(self, endpoint: str, artefact_url: str) -> ServingFault | None:
        """The fault that ends a serving container."""
        return self._first(ServingFault, lambda fault: fault.crash and _of_model(fault, endpoint, artefact_url))

    def _first(self, kind: type[_Kind], applies: Callable[[_Kind], bool]) -> _Kind | None:
        with self._lock:
            for each in self._planned:
                if isinstance(each.fault, kind) and applies(each.fault) and each.meets():
                    return each.fault
        return None


def _applies(fault: CallFault, call: Call) -> bool:
    return (
        fault.action == call.action
        and fault.principal in call.principal
        and fault.resource in call.resource
        and fault.body.encode() in call.body
        and _of_task(fault, call.task)
    )


def _of_task(fault: CallFault, task: Task | None) -> bool:
    if not fault.state_machine and not fault.state:
        return True
    return task is not None and fault.state_machine in ("", task.state_machine) and fault.state in ("", task.state)


def _of_model(fault: ServingFault, endpoint: str, artefact_url: str) -> bool:
    return fault.endpoint in endpoint and artefact_url.endswith(fault.artefact)
