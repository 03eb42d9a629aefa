"""Carries a plan out on two fleets, and back."""

from collections.abc import Callable

from local.sagemaker.endpoints.fleet import Fleet
from local.sagemaker.endpoints.guardrails import progress
from local.sagemaker.endpoints.guardrails.plan import Plan
from local.sagemaker.endpoints.guardrails.progress import Progress
from local.sagemaker.endpoints.guardrails.watch import Watch
from local.sagemaker.endpoints.specification import FleetSpecification
from local.sagemaker.endpoints.traffic import Traffic


class Rollout:
    """Of one endpoint, from its old fleet (blue) to its new one (green)."""

    def __init__(
        self, plan: Plan, traffic: Traffic, live: FleetSpecification, watch: Watch, tell: Callable[[Progress], None]
    ) -> None:
        """``live`` is what the old fleet is to be again after a roll back; ``tell`` notes how far it is."""
        self._plan = plan
        self._traffic = traffic
        self._live = live
        self._watch = watch
        self._tell = tell

    def forward(self, green: Fleet, wanted: FleetSpecification) -> None:
        """Until the new fleet has baked with all traffic. Raises DeploymentHalted, FleetFault, FleetAbandoned."""
        blue, running = self._traffic.serving, 0
        for stage in self._plan.stages:
            if stage.blue_instances < self._plan.stages[0].blue_instances:
                blue.apply(self._live.sized(stage.blue_instances))
            if stage.green_instances > running:
                self._tell(progress.creating(stage.green_instances - running))
                green.apply(wanted.sized(stage.green_instances))
                running = stage.green_instances
            self._tell(progress.activating(self._plan, stage))
            self._traffic.shift(green, stage.green_active, stage.blue_active, self._plan.share(stage))
            end = self._watch.after(stage.bake_seconds)
            self._tell(progress.baking(self._plan, stage))
            self._watch.bake(end)

    def back(self, green: Fleet) -> None:
        """Give all traffic to the old fleet, which first gets back what was ended of it. Raises FleetFault.

        "Each rolling step to provision capacity and turn on traffic on the old endpoint fleet, and terminate capacity
        on the new endpoint fleet": https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_RollingUpdatePolicy.html
        """
        blue, size = self._traffic.serving, self._plan.stages[0].blue_instances
        running = blue.specification.instance_count
        while running < size:
            running = min(running + self._plan.rollback_batch, size)
            blue.apply(self._live.sized(running))
            active = (size - running) * self._plan.green_size // size  # rounded down: the old fleet is to be trusted
            if active:
                self._traffic.shift(green, active, running, active / self._plan.green_size)
                green.apply(green.specification.sized(active))
        self._traffic.settle(blue)
