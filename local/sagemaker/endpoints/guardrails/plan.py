"""The steps of an update, from its DeploymentConfig and the sizes of the old (blue) and the new (green) fleet. Pure.

Step sizes are those of https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_TrafficRoutingConfig.html and
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_RollingUpdatePolicy.html. How AWS rounds a percentage to
instances is not documented: here it is rounded down, to one at least [unverified].
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from local.sagemaker.json_rpc import Json

BakeSetting = Literal["WaitIntervalInSeconds", "TerminationWaitInSeconds"]


@dataclass(frozen=True)
class Stage:
    """One step. Counts are instances; ``bake_seconds`` of the cloud's time pass before the next one."""

    green_instances: int
    """Of the new fleet that run."""
    green_active: int
    """Of those that take traffic."""
    blue_instances: int
    """Of the old fleet that run until the step is over."""
    blue_active: int
    """Of those that take traffic: "SageMaker deactivates the same size portion of the blue fleet"
    (https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-blue-green-linear.html)."""
    bake_seconds: float
    bake_setting: BakeSetting


@dataclass(frozen=True)
class Plan:
    """All steps of an update. After the last one the old fleet ends."""

    green_size: int
    stages: tuple[Stage, ...]
    alarms: tuple[str, ...]
    """Names of the alarms that roll the update back."""
    timeout_seconds: float | None
    """From the start of the update on; None is without limit."""
    rollback_batch: int
    """How many instances of the old fleet are started again at a time."""

    def share(self, stage: Stage) -> float:
        """The part of the traffic that the new fleet gets: that of its instances that are active."""
        return stage.green_active / self.green_size


def make_plan(config: Json | None, blue: int, green: int) -> Plan:
    """Of a DeploymentConfig that has been checked; ``blue`` and ``green`` are the instances of the fleets.

    "If no update policy is specified, SageMaker uses a blue/green deployment strategy with all at once traffic
    shifting by default": https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DeploymentConfig.html
    """
    given = config or {}
    rolling = given.get("RollingUpdatePolicy")
    policy = rolling or given.get("BlueGreenUpdatePolicy", {})
    return Plan(
        green_size=green,
        stages=tuple(_rolling(rolling, blue, green) if rolling else _blue_green(policy, blue, green)),
        alarms=alarm_names(config),
        timeout_seconds=policy.get("MaximumExecutionTimeoutInSeconds"),
        # "If this field is absent, the default value will be set to 100% of total capacity" (RollingUpdatePolicy).
        rollback_batch=instances(policy["RollbackMaximumBatchSize"], blue)
        if "RollbackMaximumBatchSize" in policy
        else blue,
    )


def alarm_names(config: Json | None) -> tuple[str, ...]:
    """Of the alarms of a DeploymentConfig's AutoRollbackConfiguration."""
    return tuple(alarm["AlarmName"] for alarm in (config or {}).get("AutoRollbackConfiguration", {}).get("Alarms", ()))


def instances(size: Json, total: int) -> int:
    """A CapacitySize as a number of instances, of a fleet of ``total``."""
    value = int(size["Value"])
    return value if size["Type"] == "INSTANCE_COUNT" else max(1, total * value // 100)


def _blue_green(policy: Json, blue: int, green: int) -> Iterator[Stage]:
    """The whole new fleet runs before it takes traffic.

    The wait before the old fleet is ended is the last bake: EventBridge's example says "Baking for X seconds
    (TerminationWaitInSeconds) with traffic enabled on full capacity of Y instance(s)"
    (https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html).
    """
    routing = policy.get("TrafficRoutingConfiguration", {"Type": "ALL_AT_ONCE"})
    for active in _partial(routing, green):
        remaining = _remaining(blue, active, green)
        yield Stage(green, active, blue, remaining, float(routing["WaitIntervalInSeconds"]), "WaitIntervalInSeconds")
    yield Stage(green, green, blue, 0, float(policy.get("TerminationWaitInSeconds", 0)), "TerminationWaitInSeconds")


def _partial(routing: Json, green: int) -> range:
    """How many instances are active in each step before the last."""
    if routing["Type"] == "CANARY":
        size = instances(routing["CanarySize"], green)
        return range(size, min(size + 1, green))
    if routing["Type"] == "LINEAR":
        step = instances(routing["LinearStepSize"], green)
        return range(step, green, step)
    return range(0)


def _rolling(policy: Json, blue: int, green: int) -> Iterator[Stage]:
    """Batch by batch: start new instances, turn their traffic on, bake, end as large a part of the old ones."""
    batch, wait = instances(policy["MaximumBatchSize"], green), float(policy["WaitIntervalInSeconds"])
    before = 0
    while before < green:
        running = min(before + batch, green)
        kept, active = _remaining(blue, before, green), _remaining(blue, running, green)
        yield Stage(running, running, kept, active, wait, "WaitIntervalInSeconds")
        before = running


def _remaining(blue: int, active: int, green: int) -> int:
    """What is left of the old fleet beside ``active`` of the new one: rounded up, so that capacity is never short."""
    return -(-blue * (green - active) // green)
