"""How the recommended settings were found: `python -m commands.elasticity.search`, a few minutes.

Minimum, target and cooldowns of the high-resolution policy, each combination on the tuning traces. Chosen is what has
the fewest seconds over the objective among those that need at most `MOST_HOURS` times the default's instance-hours; of
equals, the one with the fewest hours.
"""

import itertools

from commands.elasticity.running import Job, Result, run
from commands.elasticity.traces import tuning
from contracts.scaling import ScalingSettings

MINIMA = (2, 3, 4, 5, 6)
TARGETS = (1.25, 1.5, 1.75, 2.0, 2.5, 3.0)
COOLDOWNS = ((30, 60), (300, 0))
"""Seconds inwards, outwards."""
# Less than what is allowed on the traces that judge: those are others.
MOST_HOURS = 1.1


def candidates() -> list[ScalingSettings]:
    """Every combination."""
    return [
        ScalingSettings(
            kind="concurrency",
            minimum=minimum,
            maximum=10,
            target=target,
            scale_in_cooldown_seconds=inwards,
            scale_out_cooldown_seconds=outwards,
        )
        for minimum, target, (inwards, outwards) in itertools.product(MINIMA, TARGETS, COOLDOWNS)
    ]


def choose(default: Result, found: list[Result]) -> Result:
    """The best of those that cost little more."""
    allowed = [each for each in found if each.instance_hours <= MOST_HOURS * default.instance_hours]
    return min(allowed, key=lambda each: (each.seconds_over, each.instance_hours))


def main() -> None:
    """Search, and say what was chosen."""
    jobs = [Job("default", ScalingSettings())] + [Job(_named(each), each) for each in candidates()]
    default, *found = run(jobs, tuning, lambda said: print(said, flush=True))
    for minimum in (*MINIMA, None):
        best = choose(default, [each for each in found if minimum in (None, each.job.settings.minimum)])
        print(
            f"{'best' if minimum is None else f'with minimum {minimum}'}: {best.job.name}, "
            f"{best.seconds_over / default.seconds_over:.2f} of the seconds at "
            f"{best.instance_hours / default.instance_hours:.2f} of the hours"
        )


def _named(settings: ScalingSettings) -> str:
    return (
        f"minimum {settings.minimum}, target {settings.target:g}, cooldowns {settings.scale_in_cooldown_seconds} "
        f"and {settings.scale_out_cooldown_seconds}"
    )


if __name__ == "__main__":
    main()
