"""How many instances a production endpoint has, and by what that changes: `[production.scaling]`.

"AAS" below stands for docs.aws.amazon.com/autoscaling/application.
"""

import re
from itertools import pairwise
from typing import Annotated, Any, Literal, Self
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from contracts.section import Section

Kind = Literal["invocations", "concurrency", "step", "scheduled"]
# At least two, so that one instance or zone may fail.
Instances = Annotated[int, Field(ge=2)]
Bound = Annotated[float, Field(allow_inf_nan=False)]
Cooldown = Annotated[int, Field(ge=0, le=3_600)]

_TARGETS = {"invocations": 200.0, "concurrency": 1.5, "step": 200.0, "scheduled": 200.0}
_CRON = re.compile(r"^[\d*/,-]+( [\d*/,A-Z?L#W-]+){5}$")


def _cron(text: str) -> str:
    # Six fields, the last of which is the year: AAS/userguide/scheduled-scaling-using-cron-expressions.html
    if not _CRON.match(text):
        raise ValueError(
            "six fields: minutes, hours, day of month, month, day of week, year, as in `0 8 ? * MON-FRI *`"
        )
    _, _, day, _, weekday, _ = text.split()
    if (day == "?") == (weekday == "?"):
        raise ValueError("one of day of month and day of week is `?`, and only one")
    return text


def _timezone(name: str) -> str:
    known = available_timezones()
    if known and name not in known:
        raise ValueError(f"no such time zone: {name}")
    return name


class Step(Section):
    """One step: the metric's distance from the threshold, and what is done there."""

    lower: Bound | None = None
    """Unset: from minus infinity."""
    upper: Bound | None = None
    """Unset: without end."""
    adjustment: int
    """So many instances more, or fewer."""


class StepRule(Section):
    """One alarm and its steps, outwards or inwards."""

    threshold: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    periods: Annotated[int, Field(ge=1, le=60)] = 1
    """So many in a row have to be beyond the threshold."""
    # 20 steps a policy: AAS/userguide/application-auto-scaling-limits.html
    steps: Annotated[tuple[Step, ...], Field(min_length=1, max_length=20)]

    @model_validator(mode="after")
    def _steps_join(self) -> Self:
        """The rules of AAS/APIReference/API_StepAdjustment.html: neither gap nor overlap, at most one open end on
        either side, never both in one step, and an open end on every side on which there are bounds.
        """
        if any(step.lower is None and step.upper is None for step in self.steps):
            raise ValueError("a step needs `lower` or `upper`")
        if any(None not in (step.lower, step.upper) and step.lower >= step.upper for step in self.steps):  # type: ignore[operator]
            raise ValueError("a step's `upper` is not above its `lower`")
        ordered = sorted(self.steps, key=lambda step: float("-inf") if step.lower is None else step.lower)
        for one, other in pairwise(ordered):
            if one.upper is None or other.lower is None or one.upper > other.lower:
                raise ValueError("steps overlap")
            if one.upper < other.lower:
                raise ValueError(f"there is a gap between the steps, from {one.upper:g} to {other.lower:g}")
        lowest, highest = ordered[0].lower, ordered[-1].upper
        if lowest is not None and lowest < 0:
            raise ValueError("with a `lower` below 0, the lowest step must have no `lower`")
        if highest is not None and highest > 0:
            raise ValueError("with an `upper` above 0, the highest step must have no `upper`")
        return self


class StepScaling(Section):
    """What is measured, when instances are added, and when they go."""

    metric: Literal["invocations", "concurrency", "cpu"] = "invocations"
    """Requests an instance and minute; requests at once a model; percent of one core, added up over the cores."""
    out: StepRule
    """At or above its threshold instances are added."""
    back: StepRule
    """Below its threshold instances go; nobody asking counts as below."""

    @model_validator(mode="after")
    def _each_way_has_its_side(self) -> Self:
        """A bound is measured from the threshold (AAS/APIReference/API_StepAdjustment.html): an alarm that sounds
        above it never sees a step below, and an adjustment the wrong way would chase its own alarm.
        """
        if any(step.lower is None or step.lower < 0 or step.adjustment <= 0 for step in self.out.steps):
            raise ValueError("`out`: every step has a `lower` of 0 or more and adds instances")
        if min(step.lower or 0 for step in self.out.steps) > 0:
            raise ValueError("`out`: the first step begins at `lower = 0`, the threshold")
        if any(step.upper is None or step.upper > 0 or step.adjustment >= 0 for step in self.back.steps):
            raise ValueError("`back`: every step has an `upper` of 0 or less and takes instances away")
        if max(step.upper or 0 for step in self.back.steps) < 0:
            raise ValueError("`back`: the last step ends at `upper = 0`, the threshold")
        if self.back.threshold >= self.out.threshold:
            raise ValueError("`back.threshold` is not below `out.threshold`")
        return self


class Schedule(Section):
    """From a moment on, other limits for scaling; the metric goes on deciding within them."""

    cron: Annotated[str, AfterValidator(_cron)] | None = None
    at: Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$")] | None = None
    """Once."""
    minimum: Instances
    maximum: Instances
    timezone: Annotated[str, AfterValidator(_timezone)] = "UTC"
    """Its IANA name."""

    @model_validator(mode="after")
    def _is_one_moment(self) -> Self:
        """`at(yyyy-mm-ddThh:mm:ss)` or `cron(six fields)`: AAS/APIReference/API_PutScheduledAction.html."""
        if (self.cron is None) == (self.at is None):
            raise ValueError("give `cron` or `at`")
        if self.maximum < self.minimum:
            raise ValueError("`maximum` is below `minimum`")
        return self

    @property
    def expression(self) -> str:
        """As Application Auto Scaling takes it."""
        return f"cron({self.cron})" if self.at is None else f"at({self.at})"


class ScalingSettings(Section):
    """By requests an instance and minute, by requests at once, in steps, or by the clock as well."""

    kind: Kind = "invocations"
    """`invocations`: target tracking on requests an instance and minute. `concurrency`: target tracking on requests at
    once a model, looked at every ten seconds. `step`: by the alarms under `step`. `scheduled`: `invocations`, within
    the limits of `schedule`."""
    minimum: Instances = 2
    maximum: Instances = 10
    target: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 200.0
    """What is tracked: requests an instance and minute, or requests at once a model (1.5 where nothing is given)."""
    scale_in_cooldown_seconds: Cooldown = 30
    scale_out_cooldown_seconds: Cooldown = 60
    step: StepScaling | None = None
    schedule: tuple[Schedule, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _usual_target(cls, table: object) -> object:
        if isinstance(table, dict) and table.get("kind") == "concurrency":
            return {"target": _TARGETS["concurrency"], **table}
        return table

    @property
    def target_value(self) -> float:
        """What target tracking keeps the metric at; of no meaning to steps."""
        return self.target

    @property
    def most(self) -> int:
        """The most instances there can be at any hour."""
        return max(self.maximum, *(each.maximum for each in self.schedule), 0)

    @property
    def least(self) -> int:
        """The fewest."""
        return min([self.minimum, *(each.minimum for each in self.schedule)])

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.maximum < self.minimum:
            raise ValueError("`maximum` is below `minimum`")
        return self

    @model_validator(mode="after")
    def _has_what_its_kind_needs(self) -> Self:
        if (self.kind == "step") != (self.step is not None):
            raise ValueError('`step` and `kind = "step"` belong together')
        if (self.kind == "scheduled") != bool(self.schedule):
            raise ValueError('`schedule` and `kind = "scheduled"` belong together')
        if self.kind == "step" and "target" in self.model_fields_set:
            raise ValueError('`target` is not for `kind = "step"`, whose alarms have thresholds')
        return self

    def resolved(self) -> dict[str, Any]:
        """The section as a run carries it: what is not asked for is not there."""
        given = self.model_dump(mode="json", exclude_none=True, exclude={"schedule"} if not self.schedule else None)
        if self.kind == "step":
            del given["target"]
        return given
