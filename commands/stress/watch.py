"""Looks at the endpoint's instances and scaling while it is loaded."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from botocore.exceptions import BotoCoreError, ClientError

_LOOKS_EVERY_SECONDS = 2.0


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
        """What could not be looked at, and why."""
        self._known: dict[str, int | None] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="stress-watch", daemon=True)

    def __enter__(self) -> Self:
        self._activities(new=False)
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
        try:
            found = self._sagemaker.describe_endpoint(EndpointName=self._endpoint).get("ProductionVariants", [])
            current = sum(variant.get("CurrentInstanceCount", 0) for variant in found)
            desired = sum(variant.get("DesiredInstanceCount", 0) for variant in found)
            self.instances.append(Instances(self._now(), current, desired))
        except (ClientError, BotoCoreError) as fault:
            self.faults["instances"] = str(fault)
        self._activities(new=True)

    def at(self, moment: float) -> int | None:
        """How many instances there were, as far as is known."""
        before = [seen.current for seen in self.instances if seen.seen <= moment]
        return before[-1] if before else self.instances[0].current if self.instances else None

    def _activities(self, *, new: bool) -> None:
        for variant in self._variants:
            try:
                found = self._scaling.describe_scaling_activities(
                    ServiceNamespace="sagemaker", ResourceId=f"endpoint/{self._endpoint}/variant/{variant}"
                )["ScalingActivities"]
            except (ClientError, BotoCoreError) as fault:
                self.faults["scaling activities"] = str(fault)
                continue
            for each in reversed(found):  # newest first
                self._note(each, new=new)

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
