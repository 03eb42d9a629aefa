"""The two endpoints of a model: `[development]` and `[production]`."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from contracts.scaling import ScalingSettings
from contracts.section import InstanceType, Section
from contracts.strategy import StrategySettings


class AlarmSettings(Section):
    """When the operators hear of the production endpoint. Both are looked at in spans of five minutes."""

    server_errors: Annotated[int, Field(ge=1)] = 5
    """So many requests answered with a 5XX."""
    latency_milliseconds: Annotated[float, Field(gt=0)] = 1_000.0
    """The model's own time for a request, in the slowest hundredth of them, three spans in a row."""


class ServerlessSettings(Section):
    """No instance: memory for as long as a request takes. Requests after a pause wait for a start.

    SageMaker's limits: docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariantServerlessConfig.html
    """

    memory_mb: Literal[1024, 2048, 3072, 4096, 5120, 6144] = 2048
    max_concurrency: Annotated[int, Field(ge=1, le=200)] = 5
    """So many requests at once; more are refused."""


class DevelopmentSettings(Section):
    """The endpoint that a candidate proves itself on: one instance, or none."""

    instance_type: InstanceType = "ml.m5.large"
    instance_count: Literal[1] = 1
    capture_percent: Annotated[int, Field(ge=0, le=100)] = 100
    """0 where the endpoint is serverless, which captures nothing."""
    serverless: ServerlessSettings | None = None
    expires_after_seconds: Annotated[int, Field(ge=3_600)] | None = None
    """The endpoint is to be removed so long after it was last deployed, and comes again with the next candidate.
    Unset: it stays."""

    @model_validator(mode="before")
    @classmethod
    def _captures_nothing_without_instance(cls, table: object) -> object:
        if isinstance(table, dict) and table.get("serverless") is not None:
            return {"capture_percent": 0, **table}
        return table

    @model_validator(mode="after")
    def _serverless_can_do_less(self) -> Self:
        """What serverless endpoints do not have: data capture, several variants, a VPC, network isolation
        (docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html, "Feature exclusions").
        """
        if self.serverless is None:
            return self
        if self.capture_percent:
            raise ValueError("`capture_percent` is above 0, and a serverless endpoint captures nothing")
        given = sorted({"instance_type", "instance_count"} & self.model_fields_set)
        if given:
            raise ValueError(f"`{given[0]}` and `serverless` exclude each other: a serverless endpoint has no instance")
        return self

    def resolved(self) -> dict[str, Any]:
        """The section as a run carries it: without what is not asked for, nor instances where there are none."""
        absent = {"instance_type", "instance_count"} if self.serverless else set()
        return self.model_dump(mode="json", exclude_none=True, exclude=absent)


class ProductionSettings(Section):
    """The endpoint that users call."""

    instance_type: InstanceType = "ml.c5.large"
    instance_count: Annotated[int, Field(ge=2)] = 2
    """At least two, so that one instance or zone may fail. Of each variant, where there are two."""
    capture_percent: Annotated[int, Field(ge=0, le=100)] = 100
    strategy: StrategySettings = StrategySettings()
    scaling: ScalingSettings = ScalingSettings()
    alarms: AlarmSettings = AlarmSettings()

    @property
    def variants(self) -> int:
        """How many may serve at once."""
        return 2 if self.strategy.kind == "ab" else 1

    @model_validator(mode="after")
    def _starts_within_scaling_limits(self) -> Self:
        if not self.scaling.minimum <= self.instance_count <= self.scaling.maximum:
            raise ValueError("`instance_count` lies outside `scaling.minimum` … `scaling.maximum`")
        return self

    @model_validator(mode="after")
    def _can_be_deployed(self) -> Self:
        """Where the rules come from stands in `StrategySettings.faults_with`."""
        scaling = self.scaling
        for fault in self.strategy.faults_with(self.instance_count, scaling.least, scaling.most, self.instance_type):
            raise ValueError(f"`strategy`: {fault}")
        return self

    def resolved(self) -> dict[str, Any]:
        """The section as a run carries it."""
        return {**super().resolved(), "strategy": self.strategy.resolved(), "scaling": self.scaling.resolved()}
