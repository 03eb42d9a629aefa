"""Looks at the endpoint's instances and scaling while it is loaded."""

import threading
import time
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from botocore.exceptions import BotoCoreError, ClientError

_LOOKS_EVERY_SECONDS = 2.0
# Instances may come and go between two looks; after so many that failed, the last one says nothing of now.
_LONGEST_GAP_SECONDS = 5 * _LOOKS_EVERY_SECONDS


@dataclass(frozen=True)
class Instances:
    """How many an endpoint had when it was looked at, and how many it was to have; ``seen`` in epoch seconds."""

    seen: float
    current: int
    desired: int


@dataclass(frozen=True)
class Activity:
    """Something that scaling did.

    ``seen`` is when it was first seen here, in epoch seconds; ``started`` is what the cloud says of its own time, which
    on the embedded cloud may go faster.
    """

    seen: float
    started: str
    description: str
    cause: str
    status: str


class Watch:
    """Looks every two seconds from a thread of its own. What it may not see, or what is not there, is left out."""

    def __init__(
        self,
        client: Callable[[str], Any],
        endpoint: str,
        variants: Sequence[str],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._sagemaker, self._scaling = client("sagemaker"), client("application-autoscaling")
        self._endpoint, self._variants, self._now = endpoint, variants, now
        self.instances: list[Instances] = []
        self.activities: list[Activity] = []
        self.faults: dict[str, str] = {}
        """What cannot be looked at, and why."""
        self.passed_faults: dict[str, str] = {}
        """What could not be looked at for a while, and why."""
        self._known: dict[str, int | None] = {}
        self._looked_before: set[str] = set()
        """Variants whose activities before the load are known."""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="stress-watch", daemon=True)

    def __enter__(self) -> Self:
        self.look()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join()
        self.look()

    def look(self) -> None:
        """Once."""
        self._told("instances", self._look_at_instances())
        faults = [fault for variant in self._variants if (fault := self._look_at_activities(variant))]
        self._told("scaling activities", faults[0] if faults else None)

    def at(self, moment: float) -> int | None:
        """How many instances there were at a time in epoch seconds; None where nobody has looked for too long."""
        after = bisect_right(self.instances, moment, key=lambda seen: seen.seen)
        around = self.instances[max(after - 1, 0) : after + 1]
        if not around or max(around[-1].seen, moment) - min(around[0].seen, moment) > _LONGEST_GAP_SECONDS:
            return None
        return around[0].current

    def _look_at_instances(self) -> str | None:
        """The fault where they cannot be seen."""
        try:
            found = self._sagemaker.describe_endpoint(EndpointName=self._endpoint).get("ProductionVariants", [])
        except (ClientError, BotoCoreError) as fault:
            return str(fault)
        current = sum(variant.get("CurrentInstanceCount", 0) for variant in found)
        desired = sum(variant.get("DesiredInstanceCount", 0) for variant in found)
        self.instances.append(Instances(self._now(), current, desired))
        return None

    def _look_at_activities(self, variant: str) -> str | None:
        """The fault where they cannot be seen. What the first look sees that succeeds was before, and is not told."""
        try:
            found = self._scaling.describe_scaling_activities(
                ServiceNamespace="sagemaker", ResourceId=f"endpoint/{self._endpoint}/variant/{variant}"
            )["ScalingActivities"]
        except (ClientError, BotoCoreError) as fault:
            return str(fault)
        for each in reversed(found):  # newest first
            self._note(each, new=variant in self._looked_before)
        self._looked_before.add(variant)
        return None

    def _told(self, what: str, fault: str | None) -> None:
        if fault is not None:
            self.faults[what] = fault
        elif what in self.faults:
            self.passed_faults[what] = self.faults.pop(what)

    def _note(self, told: dict[str, Any], *, new: bool) -> None:
        key, status = str(told["ActivityId"]), str(told.get("StatusCode", ""))
        place = self._known.get(key)
        if key not in self._known:
            self._known[key] = len(self.activities) if new else None
            if new:
                started, cause = told["StartTime"].isoformat(), str(told.get("Cause", ""))
                self.activities.append(Activity(self._now(), started, str(told.get("Description", "")), cause, status))
        elif place is not None:
            former = self.activities[place]
            self.activities[place] = Activity(former.seen, former.started, former.description, former.cause, status)

    def _run(self) -> None:
        while not self._stopping.wait(_LOOKS_EVERY_SECONDS):
            self.look()
