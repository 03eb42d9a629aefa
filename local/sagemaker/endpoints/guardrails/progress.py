"""How far an update is, as DescribeEndpoint tells it in VariantStatus of PendingDeploymentSummary. Pure.

Statuses and messages: https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html
"""

from dataclasses import dataclass
from typing import Literal

from local.sagemaker.endpoints.guardrails.plan import Plan, Stage

Step = Literal["Creating", "ActivatingTraffic", "Baking"]


@dataclass(frozen=True)
class Progress:
    """One entry of VariantStatus, without its time."""

    status: Step
    message: str


def creating(instances: int) -> Progress:
    """Instances of the new fleet start."""
    return Progress("Creating", f"Launching {instances} instance(s).")


def activating(plan: Plan, stage: Stage) -> Progress:
    """Traffic of a step is turned on."""
    return Progress("ActivatingTraffic", f"Activating traffic on {_capacity(plan, stage)}.")


def baking(plan: Plan, stage: Stage) -> Progress:
    """A step is watched."""
    bake = f"Baking for {stage.bake_seconds:.0f} seconds ({stage.bake_setting})"
    return Progress("Baking", f"{bake} with traffic enabled on {_capacity(plan, stage)}.")


def _capacity(plan: Plan, stage: Stage) -> str:
    """AWS's examples have full and canary capacity; what it calls the steps between is not documented."""
    full = stage.green_active == plan.green_size
    return f"{'full' if full else 'canary'} capacity of {stage.green_active} instance(s)"
