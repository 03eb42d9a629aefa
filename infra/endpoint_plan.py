"""Which endpoints a model has, and what `deploy-stack` has to know of them."""

from dataclasses import dataclass

from contracts.scaling import ScalingSettings
from contracts.serving import AlarmSettings, DevelopmentSettings, ProductionSettings, ServerlessSettings
from contracts.settings import ModelSettings
from contracts.strategy import StrategySettings

# Canary and linear updates ask for the same variant name in old and new configuration.
VARIANT = "model-a"
OTHER_VARIANT = "model-b"
"""Serves beside the first where two releases do. Either may have the newer one."""


@dataclass(frozen=True)
class EndpointPlan:
    """One endpoint to make a template for. `stage` is its short name in stacks and capture keys."""

    endpoint: str
    stage: str
    description: str
    serving: DevelopmentSettings | ProductionSettings
    scaling: ScalingSettings | None
    alarms: AlarmSettings | None
    strategy: StrategySettings

    @property
    def serverless(self) -> ServerlessSettings | None:
        """Memory in the place of instances."""
        return self.serving.serverless if isinstance(self.serving, DevelopmentSettings) else None

    @property
    def expires_after_seconds(self) -> int | None:
        """How long after its last deployment it is removed; None: it stays."""
        return self.serving.expires_after_seconds if isinstance(self.serving, DevelopmentSettings) else None

    @property
    def side_by_side(self) -> bool:
        """Whether the template has a place for a second release."""
        return self.strategy.kind == "ab"

    @property
    def scaled_shape(self) -> str:
        """Variants that are scaled and their instance types; empty when nothing is. Of one release.

        SageMaker refuses to change the instance type of a scaled variant, and to remove one: when this text changes,
        `deploy-stack` takes the scaling off first.
        """
        return self._shape(VARIANT)

    @property
    def scaled_shape_two(self) -> str:
        """The same while two releases serve."""
        return self._shape(VARIANT, OTHER_VARIANT)

    def _shape(self, *variants: str) -> str:
        if self.scaling is None:
            return ""
        return ",".join(f"{variant}={self.serving.instance_type}" for variant in variants)

    def pointer(self) -> dict[str, object]:
        """What a run is told of it beside its stack and template; what is not the usual case only."""
        told: dict[str, object] = {"scaled_shape": self.scaled_shape}
        if self.side_by_side:
            told["scaled_shape_two"] = self.scaled_shape_two
        if self.side_by_side or self.strategy.guarded:
            told |= {"strategy": self.strategy.kind, "guarded": self.strategy.guarded}
        if self.expires_after_seconds is not None:
            told["expires_after_seconds"] = self.expires_after_seconds
        return told


def plans(settings: ModelSettings) -> tuple[EndpointPlan, EndpointPlan]:
    """A model's endpoints: development, then production."""
    return (
        EndpointPlan(
            settings.development_endpoint,
            "dev",
            f"Development endpoint of {settings.name}.",
            settings.development,
            None,
            None,
            StrategySettings(),
        ),
        EndpointPlan(
            settings.production_endpoint,
            "prd",
            f"Production endpoint of {settings.name}.",
            settings.production,
            settings.production.scaling,
            settings.production.alarms,
            settings.production.strategy,
        ),
    )
