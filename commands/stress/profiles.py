"""The kinds of load that can be asked for."""

from dataclasses import dataclass
from typing import Literal, get_args

from commands.faults import CommandFailed
from load.orders import Plan
from load.schedule import InvalidSchedule, Level, Schedule, day, ramp, spike, step

ProfileName = Literal["levels", "step", "ramp", "spike", "day"]
PROFILES = get_args(ProfileName)
LEVELS = (Level(10, 1_000), Level(100, 10_000), Level(150, 100_000))
RATE, SECONDS = 50.0, 300.0
_STEPS = 5
# The same load whenever it is asked for, and as uneven as that of many people.
_SEED = 1
# A spike and a day begin and end with this part of the highest rate.
_QUIET = 0.1


@dataclass(frozen=True)
class Phase:
    """One plan with a name."""

    name: str
    plan: Plan


def phases(profile: str, rate: float = RATE, seconds: float = SECONDS) -> list[Phase]:
    """What is run one after the other. ``rate`` is the highest, in requests a second; levels have none.

    Raises:
        CommandFailed: there is no such profile, or no such rate or duration.
    """
    if profile == "levels":
        return [Phase(f"{level.threads} clients, {level.requests:,} requests", level) for level in LEVELS]
    try:
        schedules: dict[str, Schedule] = {
            "step": step([rate * (number + 1) / _STEPS for number in range(_STEPS)], seconds / _STEPS),
            "ramp": ramp(0, rate, seconds),
            "spike": spike(rate * _QUIET, rate, seconds * 0.4, seconds * 0.2, seconds * 0.4),
            "day": day(rate * _QUIET, rate, seconds),
        }
        return [Phase(profile, schedules[profile].at_random(_SEED))]
    except KeyError:
        raise CommandFailed(f"There is no profile {profile!r}. PROFILE is one of: {', '.join(PROFILES)}") from None
    except InvalidSchedule as fault:
        raise CommandFailed(f"RATE={rate:g} SECONDS={seconds:g} cannot be sent: {fault}") from fault
