"""What a task can fail with, and which Retry and Catch hear it."""

from typing import Final

TASK_FAILED: Final = "States.TaskFailed"
TIMEOUT: Final = "States.Timeout"
HEARTBEAT_TIMEOUT: Final = "States.HeartbeatTimeout"
RUNTIME: Final = "States.Runtime"
DATA_LIMIT_EXCEEDED: Final = "States.DataLimitExceeded"
QUERY_EVALUATION_ERROR: Final = "States.QueryEvaluationError"

# "Error names" in the developer guide: States.ALL is everything but these two.
_NOT_IN_ALL: Final = frozenset({RUNTIME, DATA_LIMIT_EXCEEDED})
_TIMEOUTS: Final = frozenset({TIMEOUT, HEARTBEAT_TIMEOUT})


class TaskFault(Exception):
    """A task failed; ``error`` is what Retry and Catch compare, ``event`` the type of history event that tells it."""

    def __init__(self, error: str | None, cause: str | None, event: str = "TaskFailed") -> None:
        super().__init__(f"{error}: {cause}")
        self.error = error
        self.cause = cause
        self.event = event


def matches(error: str | None, wanted: set[str | None]) -> bool:
    """Whether ErrorEquals with the ``wanted`` names applies to an error."""
    if error == RUNTIME:
        return False
    if error in wanted:
        return True
    if error in _NOT_IN_ALL:
        return False
    # A missed heartbeat is a timeout too (Amazon States Language, "States.Timeout").
    if error == HEARTBEAT_TIMEOUT and TIMEOUT in wanted:
        return True
    return "States.ALL" in wanted or (TASK_FAILED in wanted and error not in _TIMEOUTS)
