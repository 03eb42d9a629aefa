"""Which development endpoints have a time, and whether it is over."""

import json
from collections.abc import Iterable
from dataclasses import dataclass

# Nothing is done with the stack, and its endpoint stands. One that never came to be belongs to the next run, and one
# whose roll back stopped to a person.
_STANDING = frozenset(
    {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"}
)
_HALF_GONE = "DELETE_FAILED"


@dataclass(frozen=True)
class Expiring:
    """A model's development stack, which may stand so many seconds after its last deployment."""

    model: str
    stack: str
    seconds: float


@dataclass(frozen=True)
class Stack:
    """A stack as it stands; `deployed_at` in epoch seconds."""

    stack_id: str
    status: str
    deployed_at: float

    @property
    def half_gone(self) -> bool:
        """A deletion of it stopped half way."""
        return self.status == _HALF_GONE

    @property
    def goes(self) -> bool:
        """It has gone, or its deletion has begun."""
        return self.status.startswith("DELETE_")


def expiring(parameters: Iterable[tuple[str, str]]) -> list[Expiring]:
    """The stacks that have a time, by the pointers of all models: the parameters' names, and their values.

    What else somebody has put beside the pointers is left out.
    """
    found = (_expiring(name.rsplit("/", 1)[-1], value) for name, value in parameters)
    return [each for each in found if each is not None]


def is_over(stack: Stack, seconds: float, now: float) -> bool:
    """Whether the stack is to be removed at `now` (epoch seconds).

    Half a stack serves nobody and keeps the next run from deploying: what hindered its deletion may be gone.
    """
    return (stack.status in _STANDING or stack.half_gone) and stack.deployed_at + seconds <= now


def _expiring(model: str, value: str) -> Expiring | None:
    try:
        development = json.loads(value)["development"]
        return Expiring(model, str(development["stack"]), float(development["expires_after_seconds"]))
    except (ValueError, TypeError, KeyError):
        return None
