"""Recordings as the load generator would tell them, and reports made of them."""

from commands.stress.course import Course, Part, Span
from commands.stress.profiles import Phase
from commands.stress.report import Asked, Seen, report
from commands.stress.stopping import Stop
from commands.stress.watch import Activity, Instances
from load.recording import Recording
from load.schedule import Level, ramp

BEGUN = 1_900_000_000.0


def second(rate: int, milliseconds: float, *, failed: int = 0, late: float = 0.0, slowest: float | None = None) -> dict:
    """One second of a load: so many requests with this latency, the last of them perhaps slower."""
    latencies = [round(milliseconds * 1000)] * (rate - 1) + [round((slowest or milliseconds) * 1000)] * (rate > 0)
    return {
        "sent": rate,
        "answered": rate - failed,
        "late_seconds": late,
        "latencies_us": latencies,
        "failures": {"503 ServiceUnavailable": failed} if failed else {},
        "variants": {"model-a": rate - failed} if rate > failed else {},
        "arrived": rate - failed,
        "lost": failed,
    }


def delayed(seconds: list[dict], by: int) -> list[dict]:
    """The same seconds where each request came to its end so many seconds after the one for which it was planned."""
    quiet = [second(0, 0)] * by
    ended = [{"arrived": each["arrived"], "lost": each["lost"]} for each in [*quiet, *seconds]]
    return [planned | end for planned, end in zip([*seconds, *quiet], ended, strict=True)]


def recording(seconds: list[dict], begun: float = BEGUN, *, died: bool = False) -> Recording:
    """Of a generator that has ended, or has died without telling its end."""
    made = Recording()
    failure = {"second": 1.0, "after_seconds": 0.1, "kind": "503 ServiceUnavailable", "question": 0}
    failures = [failure | {"detail": "<b>no</b> healthy instance"}] if any(each["failures"] for each in seconds) else []
    told = {"seconds": {str(at): each for at, each in enumerate(seconds)}, "failures": failures}
    made.add(told | {"begun": begun} | ({} if died else {"ended": begun + len(seconds), "cpu_seconds": 1.0}))
    return made


def span(rate: float, milliseconds: float, **changed) -> Span:
    """Ten seconds with evenly spread latencies around these milliseconds."""
    count = round(rate * 10)
    values = {"begins": 0.0, "seconds": 10, "phase": "ramp", "planned": rate, "sent": count, "answered": count}
    values |= {"arrived": count, "failures": {}, "latencies": [milliseconds / 1000] * count, "late_seconds": 0.0}
    values |= {"instances": 1}
    return Span(**(values | changed))


def busy_course() -> tuple[Course, Seen]:
    """A level and a ramp that ends in errors, while scaling adds two instances and the generator is late once."""
    level = recording([second(120, 120 + 5 * (at % 3)) for at in range(20)])
    climbing = []
    for at in range(180):
        slow = 8 + (at / 30) ** 3.2
        failing = at // 20 if at > 140 else 0
        climbing.append(second(2 + at, slow, failed=failing, late=0.4 if 100 < at < 106 else 0.0, slowest=slow * 4))
    ramped = recording(climbing, BEGUN + 22)
    parts = [
        Part(Phase("10 clients, 2,400 requests", Level(10, 2_400)), level),
        Part(Phase("ramp", ramp(0, 180, 180)), ramped),
    ]
    seen = [
        Instances(BEGUN + at, 2 if at < 120 else 3 if at < 160 else 4, 2 if at < 110 else 4) for at in range(0, 202, 2)
    ]
    activities = [
        Activity(
            BEGUN + 110,
            "2030-03-17T18:01:50+00:00",
            "Setting desired instance count to 4.",
            "monitor alarm TargetTracking-endpoint/iris-model-production/variant/model-a-AlarmHigh in state ALARM",
            "Successful",
        )
    ]

    def instances_at(moment: float) -> int:
        return [each.current for each in seen if each.seen <= moment][-1]

    return Course(parts, instances_at), Seen(["model-a"], seen, activities, {}, {})


def busy_report() -> dict:
    asked = Asked("iris-model", "iris-model-production", "ramp", 12, "the last release", 0.1)
    return report(asked, *busy_course(), Stop("errors", "40 of 700 requests of the last 10 s failed; 5% may"))
