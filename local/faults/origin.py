"""Which Task state a call of Step Functions is made for: a header that only the embedded cloud sends and reads.

The front door sees a role and an action, and several states of a machine make the same call.
"""

import contextlib
import contextvars
from collections.abc import Iterable, Iterator
from typing import Any, Final
from urllib.parse import quote, unquote

from local.faults.plan import Task

_HEADER: Final = "x-embedded-cloud-task"
_task: contextvars.ContextVar[Task | None] = contextvars.ContextVar("calling_task", default=None)


@contextlib.contextmanager
def calling_for(task: Task) -> Iterator[None]:
    """Calls within are made for this Task."""
    before = _task.set(task)
    try:
        yield
    finally:
        _task.reset(before)


def name_in(client: Any) -> None:
    """Have a boto3 client name the Task that it calls for. Harmless twice."""
    client.meta.events.register("before-send", _add_header, unique_id="calling-task")


def read(headers: Iterable[tuple[bytes, bytes]]) -> Task | None:
    """The Task that a request was made for."""
    found = next((value.decode() for name, value in headers if name.lower() == _HEADER.encode()), "")
    machine, _, state = found.partition("/")
    return Task(unquote(machine), unquote(state)) if state else None


def _add_header(request: Any, **_: object) -> None:
    if (task := _task.get()) is not None:
        # The request is signed by now, and IAM has no opinion about this.
        request.headers[_HEADER] = f"{quote(task.state_machine, safe='')}/{quote(task.state, safe='')}"
