"""What a scalable target does about the capacity that a policy wants: limits, suspended scaling, cooldowns.

https://docs.aws.amazon.com/autoscaling/application/userguide/target-tracking-scaling-policy-overview.html#target-tracking-cooldown
and https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-suspend-resume-scaling.html
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

Wanted = Callable[[int], int]
"""The capacity that a policy wants, computed from the capacity given."""


class Direction(StrEnum):
    """Of a change of capacity."""

    OUT = "out"
    IN = "in"


class NotScaled(StrEnum):
    """Why nothing changes; values as in NotScaledReasons where AWS has a code.

    https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-scaling-activities.html
    """

    AT_DESIRED = "AlreadyAtDesiredCapacity"
    AT_MAXIMUM = "AlreadyAtMaxCapacity"
    AT_MINIMUM = "AlreadyAtMinCapacity"
    SUSPENDED = "ScalingSuspended"
    COOLDOWN = "CooldownInEffect"
    UNSCALABLE = "TargetServicePutResourceAsUnscalable"


@dataclass(frozen=True)
class Target:
    """The limits of a scalable target, and which of its scaling is suspended."""

    minimum: int
    maximum: int
    out_suspended: bool = False
    in_suspended: bool = False
    schedule_suspended: bool = False

    def clamped(self, capacity: int) -> int:
        """Within the limits."""
        return min(max(capacity, self.minimum), self.maximum)


@dataclass(frozen=True)
class Cooldowns:
    """What runs after scaling activities, as epoch seconds; a time in the past is none.

    ``out_base`` is the capacity before the first scale-out of the cooldown that runs.
    """

    out_until: float = 0.0
    out_base: int = 0
    in_until: float = 0.0

    def after(self, before: int, capacity: int, cooldown_seconds: float, now: float) -> "Cooldowns":
        """Once a policy's change from ``before`` to ``capacity`` is fulfilled. Scaling out ends a scale-in cooldown."""
        if capacity > before:
            base = self.out_base if now < self.out_until else before
            return Cooldowns(now + cooldown_seconds, base, 0.0)
        return replace(self, in_until=now + cooldown_seconds)


@dataclass(frozen=True)
class Decision:
    """``capacity`` to change to, or why not."""

    capacity: int | None
    reason: NotScaled | None = None
    retry_at: float | None = None
    """When a cooldown that is the reason ends."""


def decide(
    target: Target,
    capacity: int,
    wanted: Wanted,
    cooldowns: Cooldowns,
    now: float,
    allowed: Direction | None = None,
) -> Decision:
    """Whether a policy's wish is followed. ``allowed`` is the one direction of a target-tracking alarm.

    During a scale-out cooldown "the capacity added by the initiating scale-out activity is calculated as part of the
    desired capacity": the wish is computed from the capacity before it, and followed only when it is larger still.
    """
    cooling = now < cooldowns.out_until
    base = min(cooldowns.out_base, capacity) if cooling else capacity
    wish = wanted(base)
    if wish > base and allowed is not Direction.IN:
        return _outwards(target, capacity, wish, cooldowns.out_until if cooling else None)
    wish = wanted(capacity) if cooling else wish
    if wish < capacity and allowed is not Direction.OUT:
        return _inwards(target, capacity, wish, cooldowns, now)
    return Decision(None, NotScaled.AT_DESIRED)


def within_limits(target: Target, capacity: int) -> int | None:
    """The capacity that registering a target, or a scheduled action, changes to; None when it is within the limits."""
    clamped = target.clamped(capacity)
    return clamped if clamped != capacity else None


def _outwards(target: Target, capacity: int, wish: int, cooldown_ends: float | None) -> Decision:
    desired = target.clamped(wish)
    if desired > capacity:
        return Decision(None, NotScaled.SUSPENDED) if target.out_suspended else Decision(desired)
    if capacity >= target.maximum:
        return Decision(None, NotScaled.AT_MAXIMUM)
    if cooldown_ends is not None:
        return Decision(None, NotScaled.COOLDOWN, cooldown_ends)
    return Decision(None, NotScaled.AT_DESIRED)


def _inwards(target: Target, capacity: int, wish: int, cooldowns: Cooldowns, now: float) -> Decision:
    desired = target.clamped(wish)
    if desired >= capacity:
        return Decision(None, NotScaled.AT_MINIMUM)
    if target.in_suspended:
        return Decision(None, NotScaled.SUSPENDED)
    if now < cooldowns.in_until:
        return Decision(None, NotScaled.COOLDOWN, cooldowns.in_until)
    return Decision(desired)
