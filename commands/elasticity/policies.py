"""The policies that are compared, by name."""

from collections.abc import Mapping

from contracts.scaling import ScalingSettings, Schedule, Step, StepRule, StepScaling

DEFAULT = "default"
RECOMMENDED = "recommended"
METRIC_ALONE = "its metric alone"
MINIMUM_ALONE = "its minimum alone"

_MINIMUM, _TARGET = 6, 2.5


def compared() -> Mapping[str, ScalingSettings]:
    """In the order in which they are shown.

    `recommended` was chosen by commands.elasticity.search on the tuning traces. `default` and `concurrency` are what
    those kinds have where nothing else is set. `step` and `scheduled` are written as
    somebody would who knows the traffic roughly; they were not searched for.
    """
    recommended = ScalingSettings(kind="concurrency", minimum=_MINIMUM, maximum=10, target=_TARGET)
    return {
        DEFAULT: ScalingSettings(),
        METRIC_ALONE: recommended.model_copy(update={"minimum": ScalingSettings().minimum}),
        MINIMUM_ALONE: ScalingSettings(minimum=_MINIMUM),
        RECOMMENDED: recommended,
        "concurrency": ScalingSettings(kind="concurrency"),
        "step": ScalingSettings(kind="step", step=_step()),
        "scheduled": ScalingSettings(kind="scheduled", schedule=_schedule()),
        "no scaling": ScalingSettings(minimum=_MINIMUM, maximum=_MINIMUM),
    }


def in_words(settings: ScalingSettings) -> str:
    """Such as "concurrency 2, 6 to 10 instances"."""
    if settings.minimum == settings.maximum:
        return f"always {settings.minimum} instances"
    watched = {
        "invocations": f"invocations {settings.target:g}",
        "concurrency": f"concurrency {settings.target:g}",
        "step": f"steps by {settings.step.metric if settings.step else ''}",
        "scheduled": f"invocations {settings.target:g}, limits by the clock",
    }[settings.kind]
    return f"{watched}, {settings.least} to {settings.most} instances"


def _step() -> StepScaling:
    return StepScaling(
        metric="concurrency",
        out=StepRule(
            threshold=2,
            periods=3,
            steps=(
                Step(lower=0, upper=1, adjustment=1),
                Step(lower=1, upper=4, adjustment=3),
                Step(lower=4, adjustment=8),
            ),
        ),
        back=StepRule(threshold=1.5, periods=60, steps=(Step(upper=0, adjustment=-1),)),
    )


def _schedule() -> tuple[Schedule, ...]:
    return (
        Schedule(cron="30 7 ? * MON-FRI *", minimum=6, maximum=10),
        Schedule(cron="0 14 ? * MON-FRI *", minimum=2, maximum=10),
    )
