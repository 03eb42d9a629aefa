"""CreateEndpointConfig, DescribeEndpointConfig, ListEndpointConfigs, DeleteEndpointConfig."""

from local.clock import Clock
from local.sagemaker.endpoints.record import KIND as ENDPOINT_KIND
from local.sagemaker.endpoints.record import configs_in_use
from local.sagemaker.faults import already_exists, could_not_find, invalid, not_in_embedded_cloud
from local.sagemaker.json_rpc import Json, Operation
from local.sagemaker.listing import matching, page, picked
from local.sagemaker.models import Models
from local.sagemaker.objects import S3Uri
from local.sagemaker.resource_names import ResourceNames
from local.sagemaker.serverless import check_model, check_variants
from local.sagemaker.store import Record, Store
from local.sagemaker.tags import set_tags

KIND = "endpoint-config"
_SUMMARY = ("EndpointConfigName", "EndpointConfigArn", "CreationTime")
_SORT_KEYS = {"CreationTime": "CreationTime", "Name": "EndpointConfigName"}
_ECHOED = ("EndpointConfigName", "ProductionVariants", "DataCaptureConfig", "KmsKeyId", "ExecutionRoleArn")
_NOT_OBEYED = ("AsyncInferenceConfig", "ExplainerConfig", "ShadowProductionVariants", "VpcConfig")
_NOT_OBEYED_OF_VARIANTS = ("AcceleratorType", "ManagedInstanceScaling", "InstancePools")


class EndpointConfigs:
    """What endpoints may serve: variants with their models, and data capture."""

    def __init__(self, store: Store, models: Models, names: ResourceNames, clock: Clock) -> None:
        self._store = store
        self._models = models
        self._names = names
        self._clock = clock

    def operations(self) -> dict[str, Operation]:
        """By the API's names."""
        return {
            "CreateEndpointConfig": self.create,
            "DescribeEndpointConfig": self.describe,
            "ListEndpointConfigs": self.list,
            "DeleteEndpointConfig": self.delete,
        }

    def create(self, request: Json) -> Json:
        """Its models must exist."""
        _check(request)
        name = request["EndpointConfigName"]
        arn = self._names.endpoint_config(name)
        for variant in request["ProductionVariants"]:
            check_model(variant, self._models.existing(variant["ModelName"]))
            variant.setdefault("InitialVariantWeight", 1.0)
        config: Record = picked(request, _ECHOED) | {
            "EndpointConfigArn": arn,
            "CreationTime": self._clock.now(),
            "EnableNetworkIsolation": request.get("EnableNetworkIsolation", False),
        }
        with self._store.transaction():
            if not self._store.insert(KIND, name, config):
                raise already_exists("endpoint configuration", arn)
            set_tags(self._store, arn, request.get("Tags"))
        return {"EndpointConfigArn": arn}

    def describe(self, request: Json) -> Json:
        """As it was asked for."""
        return self.existing(request["EndpointConfigName"])

    def list(self, request: Json) -> Json:
        """Newest first."""
        found = matching(self._store.all(KIND), request, "EndpointConfigName")
        return page(found, request, _SORT_KEYS, lambda config: picked(config, _SUMMARY), "EndpointConfigs")

    def delete(self, request: Json) -> Json:
        """Refused while an endpoint serves it or is about to."""
        name = request["EndpointConfigName"]
        with self._store.transaction():
            config = self.existing(name)
            self._check_unused(config)
            self._store.delete(KIND, name)
            self._store.untag(config["EndpointConfigArn"])
        return {}

    def existing(self, name: str) -> Record:
        """Raises ValidationException "Could not find endpoint configuration"."""
        config = self._store.get(KIND, name)
        if config is None:
            raise could_not_find("endpoint configuration", self._names.endpoint_config(name))
        return config

    def _check_unused(self, config: Record) -> None:
        # AWS asks its users not to do this and then cannot restart the endpoint's instances; here it is refused.
        for endpoint in self._store.all(ENDPOINT_KIND):
            if config["EndpointConfigName"] in configs_in_use(endpoint):
                raise invalid(
                    f'Cannot delete endpoint configuration "{config["EndpointConfigArn"]}": it is in use by endpoint '
                    f'"{endpoint["EndpointArn"]}".'
                )


def _check(request: Json) -> None:
    """The rules that the service model does not state. Raises ServiceFault."""
    for member in _NOT_OBEYED:
        if request.get(member):
            raise not_in_embedded_cloud(f"{member} for endpoints")
    names = [variant["VariantName"] for variant in request["ProductionVariants"]]
    if len(set(names)) != len(names):
        raise invalid(f"Production variant names must be unique, but are {names}.")
    for variant in request["ProductionVariants"]:
        _check_variant(variant)
    check_variants(request)
    if capture := request.get("DataCaptureConfig"):
        try:
            S3Uri.parse(capture["DestinationS3Uri"])
        except ValueError as fault:
            raise invalid(f"Invalid DestinationS3Uri: {fault}") from fault


def _check_variant(variant: Json) -> None:
    for member in _NOT_OBEYED_OF_VARIANTS:
        if member in variant:
            raise not_in_embedded_cloud(f"{member} for production variants")
    instances = () if "ServerlessConfig" in variant else ("InitialInstanceCount", "InstanceType")
    for member in ("ModelName", *instances):
        if member not in variant:
            raise invalid(f"{member} is required for production variant {variant['VariantName']}.")
