"""The record of an endpoint and what is told of it. Pure: times are handed in."""

from collections.abc import Mapping
from dataclasses import dataclass

from local.sagemaker.endpoints.guardrails.progress import Progress
from local.sagemaker.endpoints.specification import FleetSpecification, VariantSpecification
from local.sagemaker.json_rpc import Json
from local.sagemaker.listing import picked
from local.sagemaker.store import Record

KIND = "endpoint"

# What a restarted cloud says of an endpoint until it serves again; AWS says so during maintenance.
RETURNING = "SystemUpdating"
# While one of these, nothing else may be started on the endpoint.
IN_PROGRESS = frozenset({"Creating", "Updating", RETURNING, "RollingBack", "Deleting"})

_PLAIN = (
    "EndpointName",
    "EndpointArn",
    "EndpointStatus",
    "FailureReason",
    "CreationTime",
    "LastModifiedTime",
    "LastDeploymentConfig",
)


@dataclass(frozen=True)
class VariantState:
    """What runs of a variant now."""

    weight: float
    instance_count: int


def new_endpoint(request: Json, arn: str, fleet: FleetSpecification, now: float) -> Record:
    """``Live`` is the fleet that serves, ``Pending`` one that is being started."""
    return {
        "EndpointName": request["EndpointName"],
        "EndpointArn": arn,
        "EndpointStatus": "Creating",
        "CreationTime": now,
        "LastModifiedTime": now,
        "Live": None,
        "Pending": fleet.to_json(),
    } | ({"LastDeploymentConfig": request["DeploymentConfig"]} if "DeploymentConfig" in request else {})


def set_status(endpoint: Record, status: str, now: float, failure: str | None = None) -> None:
    """A failure reason that is not given again is forgotten."""
    endpoint["EndpointStatus"] = status
    endpoint["LastModifiedTime"] = now
    endpoint.pop("FailureReason", None)
    if failure:
        endpoint["FailureReason"] = failure


def begin_update(endpoint: Record, fleet: FleetSpecification, deployment: Json | None) -> None:
    """``deployment`` is the DeploymentConfig that holds for this update. Its last one stays described without one."""
    endpoint["Pending"] = fleet.to_json()
    endpoint["Rollout"] = {"Config": deployment}
    if deployment is not None:
        endpoint["LastDeploymentConfig"] = deployment


def deployment(endpoint: Record) -> Json | None:
    """The DeploymentConfig of the update that goes on."""
    config: Json | None = endpoint.get("Rollout", {}).get("Config")
    return config


def set_progress(endpoint: Record, step: Progress, now: float) -> None:
    """How far the update is that goes on."""
    endpoint.setdefault("Rollout", {})["Progress"] = {
        "Status": step.status,
        "StatusMessage": step.message,
        "StartTime": now,
    }


def begin_roll_back(endpoint: Record, reason: str) -> None:
    """The update that goes on ends with the old fleet."""
    endpoint.setdefault("Rollout", {})["RollBackReason"] = reason


def roll_back_reason(endpoint: Record) -> str | None:
    """Why the update that goes on is being rolled back; None when it is not."""
    reason: str | None = endpoint.get("Rollout", {}).get("RollBackReason")
    return reason


def live(endpoint: Record) -> FleetSpecification | None:
    """The fleet that serves."""
    return FleetSpecification.from_json(endpoint["Live"]) if endpoint["Live"] else None


def pending(endpoint: Record) -> FleetSpecification | None:
    """The fleet that is being started."""
    return FleetSpecification.from_json(endpoint["Pending"]) if endpoint["Pending"] else None


def configs_in_use(endpoint: Record) -> set[str]:
    """Names of the endpoint configurations that the endpoint serves or is about to serve."""
    if endpoint["EndpointStatus"] in ("Failed", "Deleting"):
        return set()
    return {fleet["config_name"] for fleet in (endpoint["Live"], endpoint["Pending"]) if fleet}


def description(
    endpoint: Record, running: Mapping[str, VariantState], pending_running: Mapping[str, VariantState]
) -> Json:
    """The answer of DescribeEndpoint.

    ``running`` has the variants of the fleet that serves, ``pending_running`` those of the one that is to replace it.
    """
    answer = picked(endpoint, _PLAIN)
    served, started = live(endpoint), pending(endpoint)
    shown = served or started
    assert shown is not None  # an endpoint is one or the other
    answer["EndpointConfigName"] = shown.config_name
    if served:
        answer["ProductionVariants"] = [_variant(served, variant, running) for variant in served.variants]
        if served.capture:
            answer["DataCaptureConfig"] = {
                "EnableCapture": True,
                "CaptureStatus": "Started",
                "CurrentSamplingPercentage": served.capture.sampling_percentage,
                "DestinationS3Uri": served.capture.destination,
                "KmsKeyId": served.capture.kms_key or "",
            }
    if started:
        progress = endpoint.get("Rollout", {}).get("Progress")
        status = {"VariantStatus": [progress]} if progress else {}
        answer["PendingDeploymentSummary"] = {
            "EndpointConfigName": started.config_name,
            "StartTime": started.deployed_at,
            "ProductionVariants": [
                _variant(started, variant, pending_running) | _instance_type(variant) | status
                for variant in started.variants
            ],
        }
    return answer


def _variant(fleet: FleetSpecification, variant: VariantSpecification, running: Mapping[str, VariantState]) -> Json:
    state = running.get(variant.name, VariantState(0.0, 0))
    image = {"SpecifiedImage": variant.image, "ResolvedImage": variant.image, "ResolutionTime": fleet.deployed_at}
    shown = {
        "VariantName": variant.name,
        "DeployedImages": [image],
        "CurrentWeight": state.weight,
        "DesiredWeight": variant.weight,
    }
    if variant.serverless:
        # As AWS answers for an endpoint that takes requests: no instance, and none desired.
        return shown | {"CurrentInstanceCount": 0, "CurrentServerlessConfig": variant.serverless}
    return shown | {"CurrentInstanceCount": state.instance_count, "DesiredInstanceCount": variant.instance_count}


def _instance_type(variant: VariantSpecification) -> Json:
    return {} if variant.serverless else {"InstanceType": variant.instance_type}
