"""How a release takes the place of the one before: `[production.strategy]` of a model's settings.

What AWS refuses, or quietly does otherwise, is refused here, before anything is deployed. "dg" below stands for
docs.aws.amazon.com/sagemaker/latest/dg, "API" for docs.aws.amazon.com/sagemaker/latest/APIReference.
"""

from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, model_validator

from contracts.section import Section

Kind = Literal["all-at-once", "canary", "linear", "rolling", "ab"]

ALARM_PERIOD_SECONDS: Final = 60
"""SageMaker's metrics of invocations come once a minute (dg/monitoring-cloudwatch.html)."""
WATCHED_SECONDS: Final = 2 * ALARM_PERIOD_SECONDS
"""So long it may be from a fault to its alarm: the minute it falls into, and one until CloudWatch has that minute."""
START_SECONDS: Final = 240
"""So long instances usually take to start [unverified]; AWS says several minutes."""

_STEPWISE = ("canary", "linear", "rolling")
_WAIT = ("wait_seconds",)
_BLUE_GREEN = ("termination_wait_seconds",)
_ALWAYS = ("kind", "rollback", "maximum_seconds")
# What each kind reads beside `kind`; anything else would be written for nothing.
_FIELDS: dict[str, tuple[str, ...]] = {
    "all-at-once": (*_ALWAYS, *_BLUE_GREEN),
    "canary": (*_ALWAYS, *_WAIT, *_BLUE_GREEN, "canary_percent", "canary_instances"),
    "linear": (*_ALWAYS, *_WAIT, *_BLUE_GREEN, "linear_percent", "linear_instances"),
    "rolling": (*_ALWAYS, *_WAIT, "batch_percent", "batch_instances", "rollback_batch_percent"),
    "ab": ("kind", "weight"),
}
_STEP = {"canary": "canary", "linear": "linear", "rolling": "batch"}
# The least and the most of the variant's instances that one step may be, in percent: API_TrafficRoutingConfig and
# API_RollingUpdatePolicy. A canary has no least but one instance.
_STEP_LIMITS = {"canary": (0, 50), "linear": (10, 50), "rolling": (5, 50)}

Wait = Annotated[int, Field(ge=0, le=3_600)]


class RollbackAlarms(Section):
    """What takes a release back while it is deployed. Each is an alarm of one minute; without traffic none sounds.

    The alarms watch both fleets (dg/deployment-guardrails-configuration.html): a fleet that fails already takes a
    good release back too.
    """

    server_errors: Annotated[int, Field(ge=1)] | None = 5
    """So many requests answered with a 5XX (Invocation5XXErrors)."""
    latency_milliseconds: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = 1_000.0
    """The model's own time (ModelLatency) in the slowest hundredth of the requests."""
    invocation_errors: Annotated[int, Field(ge=1)] | None = None
    """So many requests without a 2XX (InvocationModelErrors), those with a fault of the caller's included."""

    @model_validator(mode="after")
    def _watches_something(self) -> Self:
        """AutoRollbackConfiguration takes 1 to 10 alarms (API_AutoRollbackConfig)."""
        if self.server_errors is self.latency_milliseconds is self.invocation_errors is None:
            raise ValueError("name at least one of server_errors, latency_milliseconds, invocation_errors")
        return self


class StrategySettings(Section):
    """All at once, in steps under alarms, or two releases side by side."""

    kind: Kind = "all-at-once"
    """`canary`: a part of the new fleet first, then the rest. `linear`: the new fleet in equal steps. `rolling`: old
    instances make room for new ones, batch by batch. `ab`: the release before goes on serving beside the new one."""
    canary_percent: Annotated[int, Field(ge=1, le=50)] | None = None
    """Of the instances; 50 when neither this nor `canary_instances` is given."""
    canary_instances: Annotated[int, Field(ge=1)] | None = None
    linear_percent: Annotated[int, Field(ge=10, le=50)] | None = None
    """Of the instances, a step; 50 when neither this nor `linear_instances` is given."""
    linear_instances: Annotated[int, Field(ge=1)] | None = None
    batch_percent: Annotated[int, Field(ge=5, le=50)] | None = None
    """Of the instances, a batch; 50 when neither this nor `batch_instances` is given."""
    batch_instances: Annotated[int, Field(ge=1)] | None = None
    rollback_batch_percent: Annotated[int, Field(ge=5, le=100)] = 100
    """Of the instances, when batches are taken back: all at once is the quickest (API_RollingUpdatePolicy)."""
    wait_seconds: Wait = 300
    """So long each step is watched before the next."""
    termination_wait_seconds: Wait = 300
    """So long the old fleet is kept after the last step; an alarm in that time still takes the release back."""
    maximum_seconds: Annotated[int, Field(ge=600, le=10_800)] = 7_200
    """SageMaker takes a deployment back that is not done by then. Starting instances counts too. SageMaker would wait
    for eight hours; `deploy-stack` ends after four, and the way back takes its time."""
    rollback: RollbackAlarms | None = None
    """The usual alarms where steps are watched; `all-at-once` is unguarded until this is given."""
    weight: Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)] = 0.1
    """The newcomer's share of the requests in `ab`; the release before answers the others."""

    @property
    def alarms(self) -> RollbackAlarms | None:
        """What a deployment is watched by."""
        return self.rollback or (RollbackAlarms() if self.kind in _STEPWISE else None)

    @property
    def guarded(self) -> bool:
        """Whether alarms take a release back by themselves."""
        return self.alarms is not None

    @property
    def step_instances(self) -> int | None:
        """The size of a canary, step or batch where it is given as a number of instances."""
        value: int | None = getattr(self, f"{_STEP[self.kind]}_instances") if self.kind in _STEP else None
        return value

    @property
    def step_percent(self) -> int | None:
        """The same where it is a share of the instances."""
        if self.kind not in _STEP or self.step_instances is not None:
            return None
        value: int | None = getattr(self, f"{_STEP[self.kind]}_percent")
        return 50 if value is None else value

    @model_validator(mode="after")
    def _fields_are_the_kinds(self) -> Self:
        """A step is one size or the other (API_CapacitySize); AWS knows no field of another kind.

        `ab` has no rollback alarms: "your new endpoint configuration must have the same variant name as the old"
        (dg/deployment-guardrails-exclusions.html), and `ab` adds and drops variants; nor can it roll, which excludes
        several variants (same page).
        """
        known = _FIELDS[self.kind]
        strange = sorted(self.model_fields_set - set(known))
        if self.kind == "ab" and {"rollback", "wait_seconds", "termination_wait_seconds"} & set(strange):
            raise ValueError(
                f'`{strange[0]}` cannot be with `kind = "ab"`: SageMaker\'s guard rails want the same variants '
                "before and after, and `ab` changes them"
            )
        if strange:
            raise ValueError(f'`{strange[0]}` is not for `kind = "{self.kind}"`, which knows {", ".join(known)}')
        if not self.guarded and self.kind != "ab" and self.model_fields_set - {"kind"}:
            name = min(self.model_fields_set - {"kind"})
            raise ValueError(f"`{name}` is for deployments that alarms watch: give `rollback` too")
        if self.kind in _STEP:
            sizes = {f"{_STEP[self.kind]}_{unit}" for unit in ("percent", "instances")}
            if sizes <= self.model_fields_set:
                raise ValueError(f"give one of {' and '.join(f'`{each}`' for each in sorted(sizes))}, not both")
        return self

    @model_validator(mode="after")
    def _is_watched_until_alarms_can_sound(self) -> Self:
        """The old fleet comes back "if any of your alarms trip during the specified monitoring period"
        (dg/deployment-guardrails-configuration.html); an alarm after that period comes too late.
        """
        last = "wait_seconds" if self.kind == "rolling" else "termination_wait_seconds"
        if self.guarded and getattr(self, last) < WATCHED_SECONDS:
            raise ValueError(
                f"`{last}` is below {WATCHED_SECONDS}: so long it takes until an alarm can sound, and then nothing can "
                "be taken back any more"
            )
        return self

    def faults_with(self, instances: int, minimum: int, maximum: int, instance_type: str) -> Iterator[str]:
        """Why SageMaker would not deploy on so many instances, scaled between `minimum` and `maximum`.

        - Inf1 instances fall back to all at once without a word (dg/deployment-guardrails-exclusions.html).
        - A step is a part of the fleet that "turns on to receive traffic" (dg/deployment-guardrails-blue-green-canary
          .html), so it is whole instances. What becomes of a share in between is not documented: not written here.
        - A number of instances must lie within the limits (API_TrafficRoutingConfig, API_RollingUpdatePolicy) of "the
          variant's total instance count", which scaling changes and a release keeps.
        - "The timeout value should be larger than the total waiting time" (API_BlueGreenUpdatePolicy).
        """
        if self.guarded and instance_type.startswith("ml.inf1."):
            yield f"{instance_type} cannot have guard rails: SageMaker would deploy all at once and take nothing back"
        if self.kind not in _STEP:
            return
        least, most = _STEP_LIMITS[self.kind]
        name = f"{_STEP[self.kind]}_instances"
        if self.step_percent is not None and self.step_percent * instances % 100:
            yield (
                f"{self.step_percent} % of {instances} instances is no whole instance: give another share, or `{name}`"
            )
        if self.step_instances is not None and 100 * self.step_instances > most * minimum:
            yield f"`{name}` is more than {most} % of the {minimum} instances that scaling goes down to"
        if self.step_instances is not None and 100 * self.step_instances < least * maximum:
            yield f"`{name}` is less than {least} % of the {maximum} instances that scaling goes up to"
        if self.rollback_batch_percent * instances % 100 and self.kind == "rolling":
            yield f"`rollback_batch_percent` of {instances} instances is no whole instance"
        waits = self.waits(maximum)
        if self.maximum_seconds <= waits:
            yield f"`maximum_seconds` is {self.maximum_seconds}, and waiting alone may come to {waits}"

    def waits(self, instances: int) -> int:
        """Seconds that a deployment on so many instances is watched for, all steps together.

        Each batch of `rolling` starts instances of its own; the other kinds start one fleet before the first step.
        """
        if self.kind == "canary":
            return self.wait_seconds + self.termination_wait_seconds
        if self.kind == "all-at-once":
            return self.termination_wait_seconds if self.guarded else 0
        if self.kind == "ab":
            return 0
        each, whole = (
            (self.step_instances, instances) if self.step_instances is not None else (self.step_percent or 50, 100)
        )
        steps = -(-whole // each)
        if self.kind == "rolling":
            return steps * (self.wait_seconds + START_SECONDS)
        return steps * self.wait_seconds + self.termination_wait_seconds

    def resolved(self) -> dict[str, Any]:
        """The section as a run carries it: what the kind reads, with `guarded` and the size of a step."""
        given = self.model_dump(mode="json", include=set(_FIELDS[self.kind]), exclude_none=True)
        if not self.guarded:
            return {name: given[name] for name in ("kind", "weight") if name in given} | {"guarded": False}
        if self.step_percent is not None:
            given[f"{_STEP[self.kind]}_percent"] = self.step_percent
        alarms = self.alarms.resolved() if self.alarms else {}
        return {**given, "guarded": True, "rollback": {name: value for name, value in alarms.items() if value}}
