"""All that is to be said of a stress test, as the JSON that the page is made of too."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from commands.stress.course import Course, Part, Span
from commands.stress.judgement import SAFETY_FACTOR, recommend
from commands.stress.stopping import Stop
from commands.stress.watch import Activity, Instances
from load.recording import LATE_SECONDS, PERCENTILES, percentiles

_MOST_POINTS = 150
_TOLD_FAILURES = 20


@dataclass(frozen=True)
class Asked:
    """What somebody wanted to know."""

    model: str
    endpoint: str
    profile: str
    rows: int
    rows_from: str
    objective_seconds: float
    factor: float = SAFETY_FACTOR


@dataclass(frozen=True)
class Seen:
    """What was seen of the endpoint meanwhile, and what could not be: at all, or for a while."""

    variants: Sequence[str]
    instances: Sequence[Instances]
    activities: Sequence[Activity]
    faults: Mapping[str, str]
    passed_faults: Mapping[str, str]


def report(asked: Asked, course: Course, seen: Seen, stop: Stop) -> dict[str, Any]:
    """Times are seconds since the first request unless they are texts; latencies are milliseconds."""
    windows = list(course.windows())
    reached = max((span.arrived / span.seconds for span in windows), default=0.0)
    why_not = _objection(asked, course, seen, reached)
    found = None if why_not else recommend(windows, asked.objective_seconds, asked.factor)
    points = list(course.spans(max(math.ceil(course.seconds / _MOST_POINTS), 1)))
    return {
        "asked": asdict(asked) | {"objective_milliseconds": asked.objective_seconds * 1000},
        "begun": datetime.fromtimestamp(course.begun, UTC).isoformat(timespec="seconds"),
        "seconds": round(course.seconds, 1),
        "stopped": {"reason": stop.reason, "told": stop.told},
        "rate_reached": reached,
        "parts": [_part(part) for part in course.parts],
        "recommended": asdict(found) if found else None,
        "not_recommended": None if found else why_not or _never_safe(asked),
        "failures": _failures(course.parts),
        "late_above_seconds": LATE_SECONDS,
        "late_seconds": sum(len(part.recording.late) for part in course.parts),
        "points": [_point(span) for span in points],
        "instances": [asdict(each) | {"seen": each.seen - course.begun} for each in seen.instances],
        "activities": [asdict(each) | {"seen": each.seen - course.begun} for each in seen.activities],
        "not_seen": dict(seen.faults),
        "not_always_seen": dict(seen.passed_faults),
    }


def _objection(asked: Asked, course: Course, seen: Seen, reached: float) -> dict[str, str] | None:
    """What keeps this test from telling a target, whatever it measured, and the command that would tell it."""
    if len(seen.variants) > 1:
        return {
            "why": f"the instances of {' and '.join(seen.variants)} were counted together, and each scales by itself; "
            "what one can do is seen where it serves alone",
            "command": f"make stress MODEL={asked.model} ENDPOINT=development PROFILE=ramp RATE={_whole(reached)}",
        }
    if not any(part.open_loop for part in course.parts):
        return {
            "why": "clients that wait for their answers ask a slow endpoint less, so they show the most that it did, "
            "and not how long people wait who ask at times of their own",
            "command": f"make stress MODEL={asked.model} ENDPOINT={asked.endpoint} PROFILE=ramp RATE={_whole(reached)}",
        }
    return None


def _never_safe(asked: Asked) -> dict[str, str | None]:
    why = (
        f"there was no time in which the objective of {asked.objective_seconds * 1000:g} ms was met without an error, "
        "the instances were known and stayed the same, and the load generator was in time"
    )
    return {"why": why, "command": None}


def _whole(rate: float) -> int:
    return max(math.ceil(rate), 1)


def milliseconds(latencies: Mapping[float, float]) -> dict[str, float]:
    """Percentiles by their usual names."""
    return {f"p{share:g}": latency * 1000 for share, latency in latencies.items()}


def _part(part: Part) -> dict[str, Any]:
    recording, took = part.recording, part.seconds
    return {
        "name": part.phase.name,
        "closed_loop": not part.open_loop,
        "seconds": took,
        "sent": recording.sent,
        "answered": recording.answered,
        "failed": recording.failures.total(),
        "rate": recording.answered / took if took else 0.0,
        "latency_milliseconds": milliseconds(recording.percentiles()),
        "variants": dict(recording.variants),
    }


def _failures(parts: Sequence[Part]) -> dict[str, Any]:
    kinds = sum((part.recording.failures for part in parts), Counter[str]())
    told = [asdict(each) for part in parts for each in part.recording.failed]
    return {"kinds": dict(kinds.most_common()), "first": told[:_TOLD_FAILURES]}


def _point(span: Span) -> dict[str, Any]:
    return {
        "begins": round(span.begins, 2),
        "seconds": span.seconds,
        "part": span.phase,
        "planned": span.planned,
        "sent": span.sent,
        "answered": span.answered,
        "arrived": span.arrived,
        "failures": dict(span.failures),
        "late_seconds": span.late_seconds,
        "latency_milliseconds": milliseconds(percentiles(span.latencies, PERCENTILES)),
    }
