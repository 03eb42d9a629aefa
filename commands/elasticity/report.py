"""What came out, as the JSON that the page is made of too."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from commands.elasticity.policies import DEFAULT, in_words
from commands.elasticity.running import Result
from commands.elasticity.simulation import Outcome
from commands.elasticity.traces import Trace

POINT_SECONDS = 10


def report(
    results: Sequence[Result], elsewhere: Mapping[str, Sequence[Result]], traces: Sequence[Trace], shown: str
) -> dict[str, Any]:
    """``results`` in the order in which they are shown, `DEFAULT` among them; ``elsewhere`` by what is different there.

    ``shown`` is the trace whose course is told. Times are seconds after a trace's begin.
    """
    return {
        "world": asdict(results[0].job.world),
        "traces": {each.name: {"seconds": each.seconds, "highest_rate": each.schedule.highest} for each in traces},
        "policies": _against_default(results),
        "elsewhere": {what: _against_default(found) for what, found in elsewhere.items()},
        "course": _course(results, next(each for each in traces if each.name == shown)),
    }


def _against_default(results: Sequence[Result]) -> dict[str, dict[str, Any]]:
    default = next(each for each in results if each.job.name == DEFAULT)
    return {
        each.job.name: {
            "in_words": in_words(each.job.settings),
            "settings": each.job.settings.resolved(),
            "seconds_over": each.seconds_over,
            "instance_hours": round(each.instance_hours, 2),
            "share_of_seconds": _share(each.seconds_over, default.seconds_over),
            "share_of_hours": _share(each.instance_hours, default.instance_hours),
            "traces": {name: _told(outcome) for name, outcome in each.outcomes.items()},
        }
        for each in results
    }


def _share(value: float, of: float) -> float | None:
    return round(value / of, 3) if of else None


def _told(outcome: Outcome) -> dict[str, Any]:
    return {
        "sent": sum(outcome.sent),
        "over": sum(outcome.over),
        "given_up": outcome.given_up,
        "seconds_over": outcome.seconds_over,
        "instance_hours": round(outcome.instance_hours, 2),
        "activities": [
            {"begun": round(each.begun - outcome.begun, 1), "before": each.before, "capacity": each.capacity}
            for each in outcome.activities
        ],
    }


def _course(results: Sequence[Result], trace: Trace) -> dict[str, Any]:
    sent = results[0].outcomes[trace.name].sent
    starts = range(0, trace.seconds, POINT_SECONDS)
    return {
        "trace": trace.name,
        "seconds": trace.seconds,
        "point_seconds": POINT_SECONDS,
        "rate": [sum(sent[start : start + POINT_SECONDS]) / POINT_SECONDS for start in starts],
        "policies": {
            each.job.name: {
                "instances": [
                    [max(since - trace.begun, 0.0), count] for since, count in each.outcomes[trace.name].course
                ],
                "over": _spans(each.outcomes[trace.name]),
            }
            for each in results
        },
    }


def _spans(outcome: Outcome) -> list[list[int]]:
    """Seconds over the objective as [first, after the last]."""
    spans: list[list[int]] = []
    for second, requests in enumerate(outcome.over):
        if requests and spans and spans[-1][1] == second:
            spans[-1][1] = second + 1
        elif requests:
            spans.append([second, second + 1])
    return spans
