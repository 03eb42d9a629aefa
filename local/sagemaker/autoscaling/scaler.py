"""Carries out scaling policies when their alarms call them."""

import logging

from local.clock import Clock
from local.sagemaker.autoscaling.activities import Activities
from local.sagemaker.autoscaling.alarms import PolicyAlarms
from local.sagemaker.autoscaling.capacity import Capacity, limits
from local.sagemaker.autoscaling.course import Course
from local.sagemaker.autoscaling.policies import Tracking, is_low, low_alarm, steps_of, tracking_of
from local.sagemaker.autoscaling.records import POLICY, TARGET, ScaledVariant, policies_of, policy_key
from local.sagemaker.faults import ServiceFault
from local.sagemaker.json_rpc import Json
from local.sagemaker.store import Record, Store
from scaling.targets import Decision, Direction, NotScaled, Wanted, decide
from scaling.tracking import capacity_downwards, capacity_upwards

log = logging.getLogger(__name__)

# What passes by itself: then the alarm calls once more.
_PASSING = frozenset({NotScaled.COOLDOWN, NotScaled.UNSCALABLE})


class Scaler:
    """Called by the alarms' engine, on a thread that may block."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        capacity: Capacity,
        alarms: PolicyAlarms,
        activities: Activities,
        course: Course,
    ) -> None:
        self._store = store
        self._clock = clock
        self._capacity = capacity
        self._alarms = alarms
        self._activities = activities
        self._course = course

    def called(self, policy_arn: str, alarm_name: str) -> bool:
        """Decide, and scale; True when the alarm should call again while it sounds."""
        policy = next((policy for policy in self._store.all(POLICY) if policy["PolicyARN"] == policy_arn), None)
        scaled = ScaledVariant.parse(policy["ResourceId"]) if policy else None
        target = self._store.get(TARGET, scaled.resource_id) if scaled else None
        capacity = self._capacity.desired_count(scaled) if scaled else None
        if policy is None or scaled is None or target is None or capacity is None:
            if alarm_name.startswith("TargetTracking-endpoint/"):
                self._alarms.delete([alarm_name])
            return False
        cause = f"monitor alarm {alarm_name} in state ALARM triggered policy {policy['PolicyName']}"
        decision = self._decided(policy, scaled, target, capacity, alarm_name)
        if decision is None:
            return False
        if decision.capacity is None:
            assert decision.reason is not None  # one or the other
            self._activities.note_not_scaled(scaled, cause, decision.reason, limits(target), capacity)
            return decision.reason in _PASSING
        try:
            key = policy_key(scaled.resource_id, policy["PolicyName"])
            self._capacity.scale(scaled, decision.capacity, cause, key)
        except ServiceFault as fault:
            log.warning("%s is not scaled: %s", scaled.resource_id, fault)
        return True

    def _decided(
        self, policy: Record, scaled: ScaledVariant, target: Record, capacity: int, alarm_name: str
    ) -> Decision | None:
        """None when there is nothing to decide from."""
        if not self._capacity.is_scalable(scaled):
            return Decision(None, NotScaled.UNSCALABLE)
        self._course.seen(scaled, capacity, self._clock.now())
        alarm = self._alarms.described(alarm_name)
        if alarm is None:
            return None
        tracking = tracking_of(policy)
        direction = None if tracking is None else Direction.IN if is_low(alarm_name) else Direction.OUT
        if tracking is None:
            wanted = self._stepped(policy, alarm)
        elif direction is Direction.OUT:
            wanted = self._upwards(scaled, tracking, alarm, capacity)
        else:
            wanted = self._downwards(scaled, capacity)
        if wanted is None:
            return None
        return decide(limits(target), capacity, wanted, self._course.cooldowns(scaled), self._clock.now(), direction)

    def _upwards(self, scaled: ScaledVariant, tracking: Tracking, alarm: Json, capacity: int) -> Wanted | None:
        _, points = self._alarms.window(alarm)
        measured = self._course.measured(scaled, points, capacity)
        return (lambda base: capacity_upwards(measured[-1], tracking.target, base)) if measured else None

    def _downwards(self, scaled: ScaledVariant, capacity: int) -> Wanted | None:
        """To the largest of what the policies want, when all are ready: one that still has load keeps the capacity.

        https://docs.aws.amazon.com/autoscaling/application/userguide/target-tracking-scaling-policy-overview.html#target-tracking-multiple-scaling-policies
        """
        wishes = []
        for policy in policies_of(self._store, scaled.resource_id):
            tracking, name = tracking_of(policy), low_alarm(policy)
            if tracking is None or name is None or not tracking.scales_in:
                continue
            alarm = self._alarms.described(name)
            if alarm is None or alarm["StateValue"] != "ALARM":
                return None
            measured = self._course.measured(scaled, self._alarms.window(alarm)[1], capacity)
            if not measured:
                return None
            wishes.append(capacity_downwards(measured, tracking.target))
        return (lambda _: max(wishes)) if wishes else None

    def _stepped(self, policy: Record, alarm: Json) -> Wanted | None:
        steps = steps_of(policy)
        rule, points = self._alarms.window(alarm)
        values = [point.value for point in points if point.value is not None]
        # An alarm that sounds for want of data has breached by nothing that anybody knows [unverified].
        breach = steps.metric(values) - rule.threshold if values else 0.0
        return lambda base: steps.capacity(base, breach)
