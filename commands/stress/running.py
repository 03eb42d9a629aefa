"""Runs the parts of a stress test one after the other, tells how it goes, and writes what came of it."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from commands.deployment import Deployment
from commands.faults import CommandFailed
from commands.stress.course import Course, Part
from commands.stress.page import page
from commands.stress.profiles import Phase
from commands.stress.progress import progress
from commands.stress.report import Asked, Seen, report
from commands.stress.stopping import Limits, Reason, Stop, reason_to_stop
from commands.stress.target import Target
from commands.stress.watch import Watch
from load.endpoint import Endpoint
from load.traffic import GeneratorFailed, Traffic

REPORT = "stress-report"
_LOOKS_EVERY_SECONDS = 1.0
_TELLS_EVERY_SECONDS = 5
Say = Callable[[str], None]


@dataclass(frozen=True)
class Written:
    """The report, and where it is."""

    told: dict[str, Any]
    page: Path
    data: Path


def stress(
    deployment: Deployment, target: Target, asked: Asked, planned: Sequence[Phase], limits: Limits, say: Say
) -> dict[str, Any]:
    """Load the endpoint, and the report of it.

    Raises:
        CommandFailed: nothing was sent, because the load generator cannot run here or somebody pressed Ctrl-C.
    """
    endpoint = Endpoint.of(deployment.session, target.endpoint, target.questions)
    with Watch(deployment.client, target.endpoint, target.variants) as watch:
        parts, stop = _run(endpoint, planned, limits, watch, say)
    seen = Seen(target.variants, watch.instances, watch.activities, watch.faults, watch.passed_faults)
    return report(asked, Course(parts, watch.at), seen, stop)


def write(told: dict[str, Any], folder: Path) -> Written:
    """As a page and as JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    shown, data = folder / f"{REPORT}.html", folder / f"{REPORT}.json"
    data.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    shown.write_text(page(told), encoding="utf-8")
    return Written(told, shown, data)


def _run(
    endpoint: Endpoint, planned: Sequence[Phase], limits: Limits, watch: Watch, say: Say
) -> tuple[list[Part], Stop]:
    parts: list[Part] = []
    begun = time.monotonic()
    for phase in planned:
        say(f"{phase.name}:")
        traffic = Traffic(phase.plan, endpoint)
        parts.append(Part(phase, traffic.recording))
        if stop := _send(traffic, begun, limits, watch, say):
            if not any(part.recording.sent for part in parts):
                raise CommandFailed(f"Nothing was sent: {stop.told}.")
            return parts, stop
    return parts, Stop("finished", "all that was planned was sent")


def _send(traffic: Traffic, begun: float, limits: Limits, watch: Watch, say: Say) -> Stop | None:
    """One part, to its last answer; whatever ends it, its recording has what there was."""
    stop: Stop | None = None
    try:
        traffic.start()
        stop = _follow(traffic, begun, limits, watch, say)
        say("waiting for the last answers; Ctrl-C does without them")
        traffic.stop()
    except KeyboardInterrupt:
        stop = _instead(stop, "interrupted", "somebody pressed Ctrl-C, and the last answers were not waited for")
    except GeneratorFailed as fault:
        # Of a traceback the last line tells what happened.
        stop = _instead(stop, "generator failed", f"the load generator failed: {str(fault).splitlines()[-1]}")
    finally:
        traffic.kill()
    return stop


def _instead(former: Stop | None, reason: Reason, told: str) -> Stop:
    """A reason that came while the last answers were waited for; the former one is not forgotten."""
    before = f"; before that: {former.told}" if former and former.reason != reason else ""
    return Stop(reason, told + before)


def _follow(traffic: Traffic, begun: float, limits: Limits, watch: Watch, say: Say) -> Stop | None:
    """Until the plan has ended, or there is a reason to stop."""
    looked = 0
    try:
        while not traffic.wait(_LOOKS_EVERY_SECONDS):
            looked += 1
            if looked % _TELLS_EVERY_SECONDS == 0:
                say(progress(traffic.recording, time.monotonic() - begun, watch, time.time()))
            if stop := reason_to_stop(traffic.recording.buckets, time.monotonic() - begun, limits):
                return stop
    except KeyboardInterrupt:
        return Stop("interrupted", "somebody pressed Ctrl-C")
    return None


def summary(written: Written) -> str:
    """The last lines in the terminal."""
    told = written.told
    lines = [
        f"Stopped: {told['stopped']['reason']}; {told['stopped']['told']}.",
        f"Reached {told['rate_reached']:.1f} right answers a second.",
    ]
    lines += [f"  {count:,} times {kind}" for kind, count in told["failures"]["kinds"].items()]
    if told["late_seconds"]:
        lines.append(f"The load generator itself was late in {told['late_seconds']} s; they are not judged.")
    found = told["recommended"]
    if found is None:
        lines.append(f"No scaling target can be recommended: {told['not_recommended']['why']}.")
        if command := told["not_recommended"]["command"]:
            lines.append(f"This finds one: {command}")
    else:
        lines.append(f"An instance did {found['safe_rate']:.1f} requests a second safely{_beyond(found)}.")
        lines.append(
            f"Scaling target: {found['invocations_target']:.0f} invocations per instance and minute, or "
            f"{found['concurrency_target']:.2f} concurrent requests per instance."
        )
        if not found["limit_rate"]:
            lines.append("It may be higher: raise RATE until the endpoint comes to its limit.")
    return "\n".join([*lines, f"Report: {written.page}, {written.data.name}"])


def _beyond(found: dict[str, Any]) -> str:
    if not found["limit_rate"]:
        return ", and was not brought to its limit"
    if found["limit_rate"] < found["safe_rate"]:
        return f", but failed to at {found['limit_rate']:.1f} at another time"
    return f", and at {found['limit_rate']:.1f} no more"
