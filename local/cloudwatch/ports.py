"""What CloudWatch's alarms and the services they are about have to tell each other."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

Dimensions = Mapping[str, str]


def _never_again(_policy_arn: str, _alarm_name: str) -> bool:
    return False


def _no_zeros(_namespace: str, _metric: str, _dimensions: Dimensions) -> float | None:
    return None


def _nothing_saved() -> None: ...


def _nobody_waits(_actions: Collection[str]) -> None: ...


@dataclass
class AlarmPorts:
    """Filled in by the parts when they are installed; each does nothing until then.

    ``scale`` carries out a scaling policy (ARN) for an alarm (name) that sounds, on a thread that may block; it says
    whether it wants to be called again while the alarm goes on. ``zeros_since`` says from when on (epoch seconds) a
    metric has the value 0 where nothing was published, None for one that then has none. ``attend`` has the alarms with
    one of these actions evaluated now, because what the action does may have become another thing. ``changed`` is told
    of each state that changed without anybody's call.
    """

    scale: Callable[[str, str], bool] = _never_again
    zeros_since: Callable[[str, str, Dimensions], float | None] = _no_zeros
    attend: Callable[[Collection[str]], None] = _nobody_waits
    changed: Callable[[], None] = _nothing_saved
