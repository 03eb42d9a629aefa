"""`make elasticity`."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from commands.elasticity.page import page
from commands.elasticity.policies import DEFAULT, METRIC_ALONE, MINIMUM_ALONE, RECOMMENDED, compared
from commands.elasticity.report import report
from commands.elasticity.running import Job, Result, run
from commands.elasticity.simulation import World
from commands.elasticity.traces import judging
from infra.project import PROJECT

SHOWN = "spike 1 to 10, higher"
"""The trace whose course is drawn."""

_HERE = World()
ELSEWHERE: Mapping[str, World] = {
    "instances start in 2 minutes": replace(_HERE, start_seconds=120.0),
    "instances start in 8 minutes": replace(_HERE, start_seconds=480.0),
    "a minute's numbers arrive a minute later": replace(_HERE, minute_arrives_seconds=75.0),
    "requests count when they are answered": replace(_HERE, counted="answered"),
}


def compare(say: Callable[[str], None], folder: Path = PROJECT.root / "build") -> int:
    """Every policy on the judging traces; `elasticity.json` and `elasticity.html` in ``folder``."""
    began = time.monotonic()
    policies = compared()
    say(f"{len(policies)} policies on {len(judging())} traces:")
    jobs = [Job(name, settings) for name, settings in policies.items()]
    results = list(run(jobs, judging, say))
    say("The same where the world is otherwise:")
    told = report(results, _elsewhere(say), judging(), SHOWN)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "elasticity.json").write_text(json.dumps(told, indent=1), encoding="utf-8")
    (folder / "elasticity.html").write_text(page(told), encoding="utf-8")
    for name in (METRIC_ALONE, MINIMUM_ALONE, RECOMMENDED):
        each = told["policies"][name]
        say(
            f"{name} ({each['in_words']}): {each['share_of_seconds']:.2f} of the default's seconds over the objective "
            f"at {each['share_of_hours']:.2f} of its instance-hours"
        )
    say(f"build/elasticity.html and build/elasticity.json, in {time.monotonic() - began:.0f} s")
    return 0


def _elsewhere(say: Callable[[str], None]) -> Mapping[str, Sequence[Result]]:
    names = (DEFAULT, METRIC_ALONE, MINIMUM_ALONE, RECOMMENDED)
    jobs = [Job(name, compared()[name], world) for world in ELSEWHERE.values() for name in names]
    results = list(run(jobs, judging, say))
    return {what: results[number * len(names) : (number + 1) * len(names)] for number, what in enumerate(ELSEWHERE)}
