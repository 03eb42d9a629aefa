"""What an endpoint is to run: its configuration and models, resolved and frozen when the deployment begins.

An endpoint keeps this snapshot, so that models and artefacts may be deleted while it serves, also over a restart.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

from local.sagemaker.json_rpc import Json

# "If the container does not pass health checks … during the first 8 minutes after startup, the new instance launch
# fails": https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html
_HEALTH_CHECK_SECONDS = 480


@dataclass(frozen=True)
class VariantSpecification:
    """One production variant. ``weight`` is its share of the traffic, relative to the others'."""

    name: str
    instance_type: str
    instance_count: int
    weight: float
    image: str
    model_data_url: str | None
    role_arn: str
    environment: dict[str, str]
    isolated: bool
    health_check_seconds: int
    serverless: Json | None = None
    """The ServerlessConfig that it has in the place of instances. One process serves it, from the deployment on."""


@dataclass(frozen=True)
class CaptureSpecification:
    """Data capture: which share of the requests, which side of them, and where to."""

    destination: str
    sampling_percentage: int
    captures_input: bool
    captures_output: bool
    csv_content_types: tuple[str, ...]
    json_content_types: tuple[str, ...]
    kms_key: str | None


@dataclass(frozen=True)
class FleetSpecification:
    """All variants of an endpoint. ``fleet_id`` names the folder with its artefacts."""

    fleet_id: str
    config_name: str
    deployed_at: float
    variants: tuple[VariantSpecification, ...]
    capture: CaptureSpecification | None

    def to_json(self) -> Json:
        """For the endpoint's record."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Json) -> "FleetSpecification":
        """The inverse of `to_json`."""
        capture = document["capture"]
        return cls(
            fleet_id=document["fleet_id"],
            config_name=document["config_name"],
            deployed_at=document["deployed_at"],
            variants=tuple(VariantSpecification(**variant) for variant in document["variants"]),
            capture=CaptureSpecification(**capture | _tuples(capture)) if capture else None,
        )

    @property
    def is_serverless(self) -> bool:
        """Such an endpoint has one variant."""
        return any(variant.serverless for variant in self.variants)

    @property
    def instance_count(self) -> int:
        """Of all variants."""
        return sum(variant.instance_count for variant in self.variants)

    def sized(self, instance_count: int) -> "FleetSpecification":
        """With so many instances of the only variant; a fleet of several is started and ended as a whole."""
        if len(self.variants) > 1:
            return self
        return self.resized(self.variants[0].name, weight=None, instance_count=instance_count)

    def variant(self, name: str) -> VariantSpecification | None:
        """None when there is none of that name."""
        return next((variant for variant in self.variants if variant.name == name), None)

    def resized(self, name: str, *, weight: float | None, instance_count: int | None) -> "FleetSpecification":
        """With another weight or size of one variant, where given."""
        changes: dict[str, Any] = {}
        if weight is not None:
            changes["weight"] = weight
        if instance_count is not None:
            changes["instance_count"] = instance_count
        return replace(self, variants=tuple(replace(v, **changes) if v.name == name else v for v in self.variants))

    def retaining(self, live: "FleetSpecification", excluded: Iterable[str]) -> "FleetSpecification":
        """With the live fleet's variant properties, for UpdateEndpoint's RetainAllVariantProperties.

        ``excluded`` are ExcludeRetainedVariantProperties: DesiredInstanceCount, DesiredWeight, DataCaptureConfig.
        """
        given_up = set(excluded)
        kept = self if "DataCaptureConfig" in given_up else replace(self, capture=live.capture)
        for variant in live.variants:
            kept = kept.resized(
                variant.name,
                weight=None if "DesiredWeight" in given_up else variant.weight,
                instance_count=None
                if "DesiredInstanceCount" in given_up or variant.serverless
                else variant.instance_count,
            )
        return kept


def _tuples(capture: Json) -> Json:
    return {key: tuple(capture[key]) for key in ("csv_content_types", "json_content_types")}


def variant_specification(variant: Json, model: Json) -> VariantSpecification:
    """From a ProductionVariant and its model's record."""
    container = model["PrimaryContainer"]
    return VariantSpecification(
        name=variant["VariantName"],
        instance_type=variant.get("InstanceType", ""),
        instance_count=variant.get("InitialInstanceCount", 1),
        weight=float(variant["InitialVariantWeight"]),
        image=container["Image"],
        model_data_url=container.get("ModelDataUrl"),
        role_arn=model["ExecutionRoleArn"],
        environment=container.get("Environment", {}),
        isolated=model["EnableNetworkIsolation"],
        health_check_seconds=variant.get("ContainerStartupHealthCheckTimeoutInSeconds", _HEALTH_CHECK_SECONDS),
        serverless=variant.get("ServerlessConfig"),
    )


def capture_specification(config: Json | None) -> CaptureSpecification | None:
    """From a DataCaptureConfig; None when nothing is captured."""
    if config is None or not config.get("EnableCapture", True):
        return None
    modes = {option["CaptureMode"] for option in config["CaptureOptions"]}
    content_types = config.get("CaptureContentTypeHeader", {})
    return CaptureSpecification(
        destination=config["DestinationS3Uri"],
        sampling_percentage=config["InitialSamplingPercentage"],
        captures_input=bool(modes & {"Input", "InputAndOutput"}),
        captures_output=bool(modes & {"Output", "InputAndOutput"}),
        csv_content_types=tuple(content_types.get("CsvContentTypes", ())),
        json_content_types=tuple(content_types.get("JsonContentTypes", ())),
        kms_key=config.get("KmsKeyId"),
    )
