"""Many simulations, on every processor there is."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache

from commands.elasticity.simulation import Outcome, World, simulate
from commands.elasticity.traces import Trace
from contracts.scaling import ScalingSettings

Traces = Callable[[], Sequence[Trace]]
"""`traces.tuning` or `traces.judging`."""


@dataclass(frozen=True)
class Job:
    """One policy in one world, on every trace of a set."""

    name: str
    settings: ScalingSettings
    world: World = field(default_factory=World)


@dataclass(frozen=True)
class Result:
    """A job's outcomes, by the names of the traces."""

    job: Job
    outcomes: dict[str, Outcome]

    @property
    def seconds_over(self) -> int:
        """On all traces together."""
        return sum(outcome.seconds_over for outcome in self.outcomes.values())

    @property
    def instance_hours(self) -> float:
        """On all traces together."""
        return sum(outcome.instance_hours for outcome in self.outcomes.values())


def run(jobs: Sequence[Job], of: Traces, say: Callable[[str], None]) -> Iterator[Result]:
    """In the order given; ``say`` hears of each as it ends."""
    with ProcessPoolExecutor(min(os.cpu_count() or 1, len(jobs))) as pool:
        for number, result in enumerate(pool.map(_run, jobs, [of] * len(jobs)), 1):
            say(
                f"  {number}/{len(jobs)}  {result.job.name}: {result.seconds_over:,} s over the objective, "
                f"{result.instance_hours:.1f} instance-hours"
            )
            yield result


def _run(job: Job, of: Traces) -> Result:
    outcomes = {}
    for trace in of():
        moments = _moments(of, trace.name)
        outcomes[trace.name] = simulate(job.settings, moments, trace.seconds, trace.begun, job.world)
    return Result(job, outcomes)


@lru_cache(maxsize=32)
def _moments(of: Traces, name: str) -> Sequence[float]:
    return next(trace for trace in of() if trace.name == name).moments()
