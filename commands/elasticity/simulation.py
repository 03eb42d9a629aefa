"""One policy on one trace: requests, metrics, alarms and instances on one clock, which is not the wall's."""

import heapq
import itertools
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from commands.elasticity.fleet import Fleet, InstanceKind
from commands.elasticity.metrics import HIGH_RESOLUTION, MINUTE, Meter
from commands.elasticity.scaler import Activity, Scaler
from contracts.scaling import ScalingSettings

_HOUR = 3_600


@dataclass(frozen=True)
class World:
    """What no policy can choose. Times in seconds.

    Provisioning "takes several minutes", and when a period's data arrive is not documented [unverified]:
    https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-zero-instances.html. docs/elasticity.md says
    what other values change.
    """

    instance: InstanceKind = field(default_factory=InstanceKind)
    start_seconds: float = 240.0
    stop_seconds: float = 0.0
    minute_arrives_seconds: float = 15.0
    """After the end of a minute."""
    high_resolution_arrives_seconds: float = 2.5
    """After the end of ten seconds."""
    counted: Literal["asked", "answered"] = "asked"
    """When a request counts as an invocation."""


@dataclass(frozen=True)
class Outcome:
    """Second by second of the trace, by when requests were sent. ``course`` and activities are epoch seconds."""

    begun: float
    seconds: int
    sent: "array[int]"
    over: "array[int]"
    """Requests whose answer took longer than the objective, or never came."""
    given_up: int
    course: list[tuple[float, int]]
    activities: list[Activity]

    @property
    def seconds_over(self) -> int:
        """In which a request took longer than the objective."""
        return sum(1 for requests in self.over if requests)

    @property
    def instance_hours(self) -> float:
        """Of instances in service."""
        ends = [*(since for since, _ in self.course[1:]), self.begun + self.seconds]
        return sum(count * (end - since) for (since, count), end in zip(self.course, ends, strict=True)) / _HOUR

    def instances(self, second: int) -> int:
        """In service at the beginning of a second of the trace."""
        return [count for since, count in self.course if since <= self.begun + second][-1]


def simulate(
    settings: ScalingSettings, moments: Sequence[float], seconds: int, begun: float, world: World, instances: int = 0
) -> Outcome:
    """Requests at ``moments`` (ascending, seconds after ``begun``), from ``instances`` (0: the minimum) onwards."""
    return _Simulation(settings, seconds, begun, world, instances).run(moments)


class _Simulation:
    def __init__(self, settings: ScalingSettings, seconds: int, begun: float, world: World, instances: int) -> None:
        self._world, self._begun, self._seconds = world, begun, seconds
        self._scaler = Scaler(settings, instances, begun)
        self._fleet = Fleet(world.instance, self._scaler.instances)
        self._meter = Meter(begun)
        self._order = itertools.count()
        self._agenda: list[tuple[float, int, Callable[[float], None]]] = []
        self._answers: list[float] = []
        self._sent, self._over = array("l", [0]) * seconds, array("l", [0]) * seconds
        self._given_up = 0
        self._add(begun // HIGH_RESOLUTION * HIGH_RESOLUTION + HIGH_RESOLUTION, self._ten_seconds_end)
        self._add(begun // MINUTE * MINUTE + MINUTE + world.minute_arrives_seconds, self._a_minute_arrives)
        self._add(self._scaler.next_schedule(begun), self._limits_change)

    def run(self, moments: Sequence[float]) -> Outcome:
        first = 0
        while first < len(moments):
            # What is due at the moment of a request comes before it.
            after = bisect_left(moments, self._agenda[0][0] - self._begun, first)
            self._ask(moments[first:after])
            first = after
            self._next()
        for second, requests in Counter(map(int, moments)).items():
            self._sent[second] = requests
        end = self._begun + self._seconds
        while self._agenda[0][0] <= end:
            self._next()
        course = [(since, count) for since, count in self._scaler.course if since < end]
        return Outcome(
            self._begun, self._seconds, self._sent, self._over, self._given_up, course, self._scaler.activities
        )

    def _ask(self, moments: Sequence[float]) -> None:
        """Between two entries of the agenda nothing changes but queues."""
        if not moments:
            return
        asked = self._fleet.ask(moments)
        objective = self._world.instance.objective_seconds
        for moment, latency in zip(moments, asked.latencies, strict=True):
            if latency is None or latency > objective:
                self._over[int(moment)] += 1
                self._given_up += latency is None
        now = self._begun + moments[0]
        self._meter.under_way(now, asked.most_under_way)
        if self._world.counted == "asked":
            self._meter.invoked(now, len(moments), self._fleet.instances)
        else:
            for moment, latency in zip(moments, asked.latencies, strict=True):
                if latency is not None:
                    heapq.heappush(self._answers, self._begun + moment + latency)

    def _next(self) -> None:
        now, _, happen = heapq.heappop(self._agenda)
        self._count_answers(now)
        happen(now)

    def _add(self, when: float | None, happen: Callable[[float], None]) -> None:
        if when is not None:
            heapq.heappush(self._agenda, (when, next(self._order), happen))

    def _count_answers(self, now: float) -> None:
        while self._answers and self._answers[0] <= now:
            self._meter.invoked(heapq.heappop(self._answers), 1, self._fleet.instances)

    def _ten_seconds_end(self, now: float) -> None:
        # What is under way goes on into the next.
        self._meter.publish(now, self._fleet.instances)
        self._meter.under_way(now, self._fleet.under_way(now - self._begun))
        self._add(now + self._world.high_resolution_arrives_seconds, self._ten_seconds_arrive)
        self._add(now + HIGH_RESOLUTION, self._ten_seconds_end)

    def _ten_seconds_arrive(self, now: float) -> None:
        ended = now - self._world.high_resolution_arrives_seconds
        self._follow(self._scaler.look(self._meter, HIGH_RESOLUTION, ended, now))

    def _a_minute_arrives(self, now: float) -> None:
        ended = now - self._world.minute_arrives_seconds
        self._follow(self._scaler.look(self._meter, MINUTE, ended, now))
        self._add(now + MINUTE, self._a_minute_arrives)

    def _limits_change(self, now: float) -> None:
        self._scaler.limits_change(now)
        self._follow(self._scaler.keep_within_limits(now))
        self._add(self._scaler.next_schedule(now), self._limits_change)

    def _follow(self, activity: Activity | None) -> None:
        if activity is not None:
            outwards = activity.capacity > activity.before
            seconds = self._world.start_seconds if outwards else self._world.stop_seconds
            self._add(activity.begun + seconds, self._instances_change)

    def _instances_change(self, now: float) -> None:
        self._scaler.fulfilled(now)
        self._fleet.resize(self._scaler.instances, now - self._begun)
        self._follow(self._scaler.keep_within_limits(now))
