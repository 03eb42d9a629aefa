"""What AWS refuses of serverless variants beyond its service model. Pure. AWS's wording is not known [unverified].

The rules, where nothing else is said:
https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html, "Feature exclusions" and "Memory size".
"""

from local.sagemaker.faults import invalid, not_in_embedded_cloud
from local.sagemaker.json_rpc import Json

_MEMORY_STEP_MB = 1024
# API_ProductionVariant: a variant has either instances or this.
_OF_INSTANCES = (
    "InstanceType",
    "InitialInstanceCount",
    "VolumeSizeInGB",
    "ContainerStartupHealthCheckTimeoutInSeconds",
)


def check_variants(config: Json) -> None:
    """Of a CreateEndpointConfig request. Sizes out of range are refused by the service model. Raises ServiceFault."""
    serverless = [variant for variant in config["ProductionVariants"] if "ServerlessConfig" in variant]
    for variant in serverless:
        _check_variant(variant)
    if not serverless:
        return
    if len(config["ProductionVariants"]) > 1:
        raise invalid("Serverless Inference does not support multiple production variants.")
    if config.get("DataCaptureConfig", {}).get("EnableCapture", "DataCaptureConfig" in config):
        raise invalid("Serverless Inference does not support data capture.")


def check_model(variant: Json, model: Json) -> None:
    """What a serverless variant's model, as it was created, may not ask for. Raises ServiceFault."""
    if "ServerlessConfig" not in variant:
        return
    if model.get("EnableNetworkIsolation"):
        raise invalid("Serverless Inference does not support network isolation.")
    if model.get("VpcConfig"):
        raise invalid("Serverless Inference does not support VPC configuration.")


def check_conversion(*, served: bool, wanted: bool) -> None:
    """Whether the endpoint is serverless, and whether it is to be. Raises ServiceFault.

    "You cannot convert your instance-based, real-time endpoint to a serverless endpoint. If you try to update your
    real-time endpoint to serverless, you receive a ValidationError message. You can convert a serverless endpoint to
    real-time, but once you make the update, you cannot roll it back to serverless."
    """
    if wanted and not served:
        raise invalid("An endpoint with instances cannot be updated to a serverless endpoint.")


def _check_variant(variant: Json) -> None:
    name, config = variant["VariantName"], variant["ServerlessConfig"]
    for member in _OF_INSTANCES:
        if member in variant:
            raise invalid(f"{member} and ServerlessConfig cannot both be specified for production variant {name}.")
    if config["MemorySizeInMB"] % _MEMORY_STEP_MB:
        raise invalid(f"MemorySizeInMB {config['MemorySizeInMB']} of production variant {name} is not in 1 GB steps.")
    if "ProvisionedConcurrency" in config:
        raise not_in_embedded_cloud("ProvisionedConcurrency for serverless production variants")
