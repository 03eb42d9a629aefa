"""Carries out a policy as the embedded cloud does: alarms call it, limits and cooldowns bound it, starts take time."""

from dataclasses import dataclass

from commands.elasticity.metrics import Meter
from commands.elasticity.policy import Watch, watches
from contracts.scaling import ScalingSettings
from scaling.alarms import AlarmState, evaluate
from scaling.datapoints import Datapoint
from scaling.schedules import Schedule
from scaling.targets import Cooldowns, Target, decide, within_limits
from scaling.tracking import Measured

_WEEK = 7 * 86_400


@dataclass(frozen=True)
class Activity:
    """A change of capacity that was begun at a time (epoch seconds). ``by_policy`` is false for limits that changed."""

    begun: float
    before: int
    capacity: int
    by_policy: bool


class Scaler:
    """Of one variant. ``course`` is the number of instances in service and since when, oldest first."""

    def __init__(self, settings: ScalingSettings, instances: int, begun: float) -> None:
        """From ``instances`` in service onwards; 0 stands for the minimum that is in force."""
        self._settings = settings
        self._states = [(watch, AlarmState.OK) for watch in watches(settings)]
        self._cooldowns = Cooldowns()
        self._schedules = [
            (Schedule(each.expression, begun, each.timezone), Target(each.minimum, each.maximum))
            for each in settings.schedule
        ]
        self._target = self._limits_at(begun)
        self._changing: Activity | None = None
        self.course = [(begun, instances or self._target.minimum)]
        self.activities: list[Activity] = []

    @property
    def instances(self) -> int:
        """In service."""
        return self.course[-1][1]

    @property
    def changes(self) -> bool:
        """Whether the endpoint is Updating, and takes no other change."""
        return self._changing is not None

    def next_schedule(self, now: float) -> float | None:
        """When the limits change next."""
        moments = [schedule.next_after(now) for schedule, _ in self._schedules]
        return min((moment for moment in moments if moment is not None), default=None)

    def limits_change(self, now: float) -> None:
        """What is scheduled for now comes into force; `keep_within_limits` follows."""
        self._target = self._limits_at(now)

    def keep_within_limits(self, now: float) -> Activity | None:
        """What the limits ask for, once the endpoint takes it."""
        wanted = within_limits(self._target, self.instances)
        return None if self.changes or wanted is None else self._begin(now, wanted, by_policy=False)

    def look(self, meter: Meter, period_seconds: int, ended: float, now: float) -> Activity | None:
        """Evaluate the alarms of a period's length, the last of which ``ended`` then and has arrived now.

        What sounds calls its policy, in every period again.
        """
        begun = None
        for index, (watch, state) in enumerate(self._states):
            if watch.rule.period_seconds != period_seconds:
                continue
            points = meter.points(watch.metric, period_seconds, watch.rule.evaluation_range, ended)
            state = evaluate(watch.rule, state, points).state  # noqa: PLW2901
            self._states[index] = (watch, state)
            if state is AlarmState.ALARM and not self.changes:
                begun = self._called(watch, points, now) or begun
        return begun

    def fulfilled(self, now: float) -> None:
        """The instances asked for are in service, or gone."""
        activity = self._changing
        if activity is None:
            return
        self._changing = None
        self.course.append((now, activity.capacity))
        if activity.by_policy:
            outwards = activity.capacity > activity.before
            seconds = (
                self._settings.scale_out_cooldown_seconds if outwards else self._settings.scale_in_cooldown_seconds
            )
            self._cooldowns = self._cooldowns.after(activity.before, activity.capacity, seconds, now)

    def _called(self, watch: Watch, points: list[Datapoint], now: float) -> Activity | None:
        window = [Measured(point.value, self._at(point.time)) for point in points if point.value is not None]
        wanted = watch.wish(window[-watch.rule.evaluation_periods :])
        decision = decide(self._target, self.instances, wanted, self._cooldowns, now, watch.allowed)
        return None if decision.capacity is None else self._begin(now, decision.capacity, by_policy=True)

    def _begin(self, now: float, capacity: int, *, by_policy: bool) -> Activity:
        self._changing = Activity(now, self.instances, capacity, by_policy)
        self.activities.append(self._changing)
        return self._changing

    def _limits_at(self, now: float) -> Target:
        """Those of the last occasion, of the last week; else the policy's own."""
        last, limits = 0.0, Target(self._settings.minimum, self._settings.maximum)
        for schedule, target in self._schedules:
            moment = schedule.next_after(now - _WEEK)
            while moment is not None and moment <= now:
                if moment > last:
                    last, limits = moment, target
                moment = schedule.next_after(moment)
        return limits

    def _at(self, time: float) -> int:
        """Instances at the beginning of a datapoint's period."""
        return next((count for since, count in reversed(self.course) if since <= time), self.course[0][1])
