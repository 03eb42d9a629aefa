"""Step scaling: adjustments by the size of an alarm's breach.

https://docs.aws.amazon.com/autoscaling/application/userguide/step-scaling-policy-overview.html
"""

import itertools
import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

_TYPES = frozenset({"ChangeInCapacity", "PercentChangeInCapacity", "ExactCapacity"})
_AGGREGATIONS: Mapping[str, Callable[[Sequence[float]], float]] = {
    "Average": statistics.fmean,
    "Minimum": min,
    "Maximum": max,
}


class InvalidSteps(ValueError):
    """Steps that Application Auto Scaling refuses; the message says why."""


@dataclass(frozen=True)
class Step:
    """``adjustment`` where the metric, less the alarm's threshold, is between the bounds; None is without bound."""

    lower: float | None
    upper: float | None
    adjustment: int

    def holds(self, breach: float) -> bool:
        """Above the threshold the lower bound belongs to the step, below it the upper one; at it, either."""
        lower = -math.inf if self.lower is None else self.lower
        upper = math.inf if self.upper is None else self.upper
        return (breach >= 0 and lower <= breach < upper) or (breach <= 0 and lower < breach <= upper)


@dataclass(frozen=True)
class StepPolicy:
    """``minimum_magnitude`` is of percent changes only."""

    adjustment_type: str
    steps: tuple[Step, ...]
    minimum_magnitude: int = 0
    aggregation: str = "Average"

    def __post_init__(self) -> None:
        if self.adjustment_type not in _TYPES:
            raise InvalidSteps(f"AdjustmentType must be one of {', '.join(sorted(_TYPES))}")
        if self.aggregation not in _AGGREGATIONS:
            raise InvalidSteps(f"MetricAggregationType must be one of {', '.join(_AGGREGATIONS)}")
        _check(self.steps)

    def metric(self, values: Sequence[float]) -> float:
        """The most recent datapoints as one number."""
        return _AGGREGATIONS[self.aggregation](values)

    def capacity(self, base: int, breach: float) -> int:
        """What ``base`` becomes with a metric that is ``breach`` above (below: negative) the alarm's threshold.

        A breach that no step holds leaves the capacity as it is.
        """
        step = next((step for step in self.steps if step.holds(breach)), None)
        if step is None:
            return base
        if self.adjustment_type == "ExactCapacity":
            return step.adjustment
        change = step.adjustment
        if self.adjustment_type == "PercentChangeInCapacity":
            change = self._rounded(base * step.adjustment / 100)
        return max(0, base + change)

    def _rounded(self, change: float) -> int:
        """Towards zero, but not to zero: at least 1, or the minimum magnitude."""
        if change == 0:
            return 0
        size = max(1, math.floor(abs(change)), self.minimum_magnitude)
        return int(math.copysign(size, change))


def _check(steps: Sequence[Step]) -> None:
    if not steps:
        raise InvalidSteps("At least one step adjustment is required")
    if any(step.lower is None and step.upper is None for step in steps) and len(steps) > 1:
        raise InvalidSteps("The upper and lower bound can't be null in the same step adjustment")
    ordered = sorted(steps, key=lambda step: -math.inf if step.lower is None else step.lower)
    for below, above in itertools.pairwise(ordered):
        if below.upper is None or above.lower is None or below.upper != above.lower:
            raise InvalidSteps("The ranges of step adjustments can't overlap or have a gap")
    lowest, highest = ordered[0].lower, ordered[-1].upper
    if lowest is not None and lowest < 0:
        raise InvalidSteps("A step adjustment with a negative lower bound needs one with a null lower bound")
    if highest is not None and highest > 0:
        raise InvalidSteps("A step adjustment with a positive upper bound needs one with a null upper bound")
    if any(None not in (step.lower, step.upper) and step.lower >= step.upper for step in steps):  # type: ignore[operator]
        raise InvalidSteps("The lower bound of a step adjustment must be below its upper bound")
