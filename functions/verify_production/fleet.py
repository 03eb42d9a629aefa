"""Decides whether an endpoint, as SageMaker describes it, serves a release."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Fleet:
    """One production variant of an endpoint. Counts are of instances."""

    status: str
    failure_reason: str
    variant: str
    instances: int
    instances_wanted: int
    model_data_url: str

    @classmethod
    def from_descriptions(cls, endpoint: Mapping[str, Any], variant: str, model: Mapping[str, Any]) -> "Fleet":
        """From DescribeEndpoint and the DescribeModel of that variant; what they leave out is empty or 0."""
        found = named(endpoint.get("ProductionVariants") or [], variant)
        containers = [model.get("PrimaryContainer") or {}, *(model.get("Containers") or [])]
        return cls(
            status=endpoint["EndpointStatus"],
            failure_reason=endpoint.get("FailureReason", ""),
            variant=variant,
            instances=found.get("CurrentInstanceCount", 0),
            instances_wanted=found.get("DesiredInstanceCount", 0),
            model_data_url=next((url for c in containers if (url := c.get("ModelDataUrl"))), ""),
        )


def named(variants: Sequence[Mapping[str, Any]], variant: str) -> Mapping[str, Any]:
    """The variant of that name; empty when there is none."""
    return next((each for each in variants if each["VariantName"] == variant), {})


def faults(fleet: Fleet, model_data_url: str, instance_count: int) -> list[str]:
    """Everything that keeps `fleet` from serving the artefact on the instances it needs, as sentences.

    Autoscaling may already have changed the count that was deployed: more instances are fine, and so are
    fewer where fewer are wanted.
    """
    found = []
    if fleet.status != "InService":
        found.append(f"Its status is {fleet.status}{f': {fleet.failure_reason}' if fleet.failure_reason else ''}.")
    if fleet.model_data_url != model_data_url:
        found.append(f"It serves {fleet.model_data_url or 'no artefact'} instead of {model_data_url}.")
    needed = max(1, min(instance_count, fleet.instances_wanted))
    if fleet.instances < needed:
        found.append(f"Instances that serve: {fleet.instances}; needed: {needed}.")
    return found
