"""Settings as the alarms that Application Auto Scaling and our templates make of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from commands.elasticity.metrics import HIGH_RESOLUTION, MINUTE, Name
from contracts.scaling import ScalingSettings, StepRule
from scaling.alarms import AlarmRule, Missing
from scaling.steps import Step, StepPolicy
from scaling.targets import Direction, Wanted
from scaling.tracking import (
    PREDEFINED,
    Measured,
    TrackedMetric,
    alarm_high,
    alarm_low,
    capacity_downwards,
    capacity_upwards,
)

_TRACKED: dict[Name, TrackedMetric] = {
    "invocations": PREDEFINED["SageMakerVariantInvocationsPerInstance"],
    "concurrency": PREDEFINED["SageMakerVariantConcurrentRequestsPerModelHighResolution"],
}

Wish = Callable[[Sequence[Measured]], Wanted]
"""Of the window of an alarm that sounds, oldest first: the capacity that is wanted."""


@dataclass(frozen=True)
class Watch:
    """An alarm on a metric, and what is wanted when it sounds; ``allowed`` is target tracking's one direction."""

    metric: Name
    rule: AlarmRule
    wish: Wish
    allowed: Direction | None


def watches(settings: ScalingSettings) -> list[Watch]:
    """The alarms of settings.

    Raises:
        ValueError: steps on the processor's load, which is not simulated.
    """
    if settings.step is not None:
        if settings.step.metric == "cpu":
            raise ValueError("the load of processors is not simulated")
        return [
            _stepped(settings.step.metric, settings.step.out, outwards=True),
            _stepped(settings.step.metric, settings.step.back, outwards=False),
        ]
    name: Name = "concurrency" if settings.kind == "concurrency" else "invocations"
    metric, target = _TRACKED[name], settings.target_value
    return [
        Watch(
            name,
            alarm_high(metric, target),
            lambda window: lambda base: capacity_upwards(window[-1], target, base),
            Direction.OUT,
        ),
        Watch(
            name,
            alarm_low(metric, target),
            lambda window: lambda _: capacity_downwards(window, target),
            Direction.IN,
        ),
    ]


def _stepped(metric: Name, rule: StepRule, *, outwards: bool) -> Watch:
    alarm = AlarmRule(
        _TRACKED[metric].statistic,
        "GreaterThanOrEqualToThreshold" if outwards else "LessThanThreshold",
        rule.threshold,
        HIGH_RESOLUTION if metric == "concurrency" else MINUTE,
        rule.periods,
        rule.periods,
        Missing.NOT_BREACHING if outwards else Missing.BREACHING,
    )
    steps = StepPolicy(
        "ChangeInCapacity",
        tuple(Step(each.lower, each.upper, each.adjustment) for each in rule.steps),
        aggregation="Maximum" if outwards else "Average",
    )

    def wish(window: Sequence[Measured]) -> Wanted:
        breach = steps.metric([measured.value for measured in window]) - rule.threshold
        return lambda base: steps.capacity(base, breach)

    return Watch(metric, alarm, wish, None)
