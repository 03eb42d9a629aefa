"""The operations on endpoints: create, update, resize, describe, list, delete."""

import secrets
import time

from local.clock import Clock
from local.sagemaker.autoscaling.records import forget_scaling, scaled_variants
from local.sagemaker.endpoint_configs import EndpointConfigs
from local.sagemaker.endpoints import record as records
from local.sagemaker.endpoints.endpoints import Endpoints
from local.sagemaker.endpoints.guardrails.alarms import AlarmsUnreadable, RollbackAlarms
from local.sagemaker.endpoints.guardrails.plan import alarm_names
from local.sagemaker.endpoints.guardrails.validation import check_form, check_update
from local.sagemaker.endpoints.specification import (
    FleetSpecification,
    capture_specification,
    variant_specification,
)
from local.sagemaker.faults import already_exists, could_not_find, invalid
from local.sagemaker.json_rpc import Json, Operation
from local.sagemaker.listing import matching, page, picked
from local.sagemaker.models import Models
from local.sagemaker.resource_names import ResourceNames
from local.sagemaker.serverless import check_conversion
from local.sagemaker.store import Record, Store
from local.sagemaker.tags import set_tags

# Containers take real seconds to start, however fast the cloud's clock is.
_RETURN_SECONDS = 60.0
_LOOK_SECONDS = 0.05
_SUMMARY = ("EndpointName", "EndpointArn", "CreationTime", "LastModifiedTime", "EndpointStatus")
_SORT_KEYS = {"CreationTime": "CreationTime", "Name": "EndpointName", "Status": "EndpointStatus"}


class EndpointOperations:
    """Checks and records what is asked for; `Endpoints` then does it."""

    def __init__(
        self,
        store: Store,
        endpoints: Endpoints,
        configs: EndpointConfigs,
        models: Models,
        alarms: RollbackAlarms,
        names: ResourceNames,
        clock: Clock,
    ) -> None:
        self._store = store
        self._endpoints = endpoints
        self._configs = configs
        self._models = models
        self._alarms = alarms
        self._names = names
        self._clock = clock

    def operations(self) -> dict[str, Operation]:
        """By the API's names."""
        return {
            "CreateEndpoint": self.create,
            "UpdateEndpoint": self.update,
            "UpdateEndpointWeightsAndCapacities": self.update_weights_and_capacities,
            "DescribeEndpoint": self.describe,
            "ListEndpoints": self.list,
            "DeleteEndpoint": self.delete,
        }

    def create(self, request: Json) -> Json:
        """Creating, until every instance answers.

        "You can optionally specify a deployment configuration to reuse for future endpoint updates. … There are no
        changes to the CreateEndpoint API behavior":
        https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-blue-green-canary.html
        """
        name = request["EndpointName"]
        check_form(request.get("DeploymentConfig"))
        arn = self._names.endpoint(name)
        with self._store.transaction():
            fleet = self._fleet(request["EndpointConfigName"])
            record = records.new_endpoint(request, arn, fleet, self._clock.now())
            if not self._store.insert(records.KIND, name, record):
                raise already_exists("endpoint", arn)
            set_tags(self._store, arn, request.get("Tags"))
        self._endpoints.create(name)
        return {"EndpointArn": arn}

    def update(self, request: Json) -> Json:
        """Updating; the old configuration serves until the new one does, and on if that fails."""
        name = request["EndpointName"]
        self._await_return(name)
        self._check_alarms(_deployment(request, self._ready(name)), self._fleet(request["EndpointConfigName"]))
        with self._store.transaction():
            endpoint = self._ready(name)
            served = records.live(endpoint)
            assert served is not None  # it is in service
            fleet = self._fleet(request["EndpointConfigName"])
            check_conversion(served=served.is_serverless, wanted=fleet.is_serverless)
            self._check_scaled_variants(name, served, fleet)
            if request.get("RetainAllVariantProperties", False):
                excluded = request.get("ExcludeRetainedVariantProperties", [])
                fleet = fleet.retaining(served, (prop["VariantPropertyType"] for prop in excluded))
            deployment = _deployment(request, endpoint)
            check_update(deployment, served, fleet)
            records.begin_update(endpoint, fleet, deployment)
            records.set_status(endpoint, "Updating", self._clock.now())
            self._store.put(records.KIND, name, endpoint)
        self._endpoints.update(name)
        return {"EndpointArn": endpoint["EndpointArn"]}

    def update_weights_and_capacities(self, request: Json) -> Json:
        """Updating; weights hold at once."""
        name = request["EndpointName"]
        self._await_return(name)
        with self._store.transaction():
            endpoint = self._ready(name)
            fleet = records.live(endpoint)
            assert fleet is not None  # it is in service
            for desired in request["DesiredWeightsAndCapacities"]:
                fleet = _resized(fleet, desired)
            endpoint["Live"] = fleet.to_json()
            records.set_status(endpoint, "Updating", self._clock.now())
            self._store.put(records.KIND, name, endpoint)
        self._endpoints.resize(name)
        return {"EndpointArn": endpoint["EndpointArn"]}

    def describe(self, request: Json) -> Json:
        """What is asked for, and what runs."""
        name = request["EndpointName"]
        endpoint = self.existing(name)
        return records.description(endpoint, self._endpoints.states(name), self._endpoints.pending_states(name))

    def list(self, request: Json) -> Json:
        """Newest first."""
        found = matching(self._store.all(records.KIND), request, "EndpointName", "EndpointStatus")
        return page(found, request, _SORT_KEYS, lambda endpoint: picked(endpoint, _SUMMARY), "Endpoints")

    def delete(self, request: Json) -> Json:
        """Refused while it is being changed. Its scalable targets are deregistered."""
        name = request["EndpointName"]
        self._await_return(name)
        with self._store.transaction():
            endpoint = self.existing(name)
            if endpoint["EndpointStatus"] in records.IN_PROGRESS:
                raise _in_progress(endpoint)
            forget_scaling(self._store, name)
            records.set_status(endpoint, "Deleting", self._clock.now())
            self._store.put(records.KIND, name, endpoint)
        self._endpoints.delete(name)
        return {}

    def _await_return(self, name: str) -> None:
        """After a restart of the cloud its containers start again, for which nobody would have to wait on AWS."""
        deadline = time.monotonic() + _RETURN_SECONDS
        while self.existing(name)["EndpointStatus"] == records.RETURNING and time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS)

    def existing(self, name: str) -> Record:
        """Raises ValidationException "Could not find endpoint"."""
        endpoint = self._store.get(records.KIND, name)
        if endpoint is None:
            raise could_not_find("endpoint", self._names.endpoint(name))
        return endpoint

    def _ready(self, name: str) -> Record:
        """An endpoint that can be changed."""
        endpoint = self.existing(name)
        if endpoint["EndpointStatus"] in records.IN_PROGRESS:
            raise _in_progress(endpoint)
        if endpoint["EndpointStatus"] == "Failed":
            raise invalid(f'Cannot update endpoint "{endpoint["EndpointArn"]}" with status "Failed".')
        return endpoint

    def _fleet(self, config_name: str) -> FleetSpecification:
        config = self._configs.existing(config_name)
        return FleetSpecification(
            fleet_id=secrets.token_hex(8),
            config_name=config["EndpointConfigName"],
            deployed_at=self._clock.now(),
            variants=tuple(
                variant_specification(variant, self._models.existing(variant["ModelName"]))
                for variant in config["ProductionVariants"]
            ),
            capture=capture_specification(config.get("DataCaptureConfig")),
        )

    def _check_alarms(self, deployment: Json | None, fleet: FleetSpecification) -> None:
        """They exist and the model's role may read them. When AWS looks is not documented [unverified]."""
        try:
            self._alarms.sounding(alarm_names(deployment), fleet.variants[0].role_arn)
        except AlarmsUnreadable as fault:
            raise invalid(str(fault)) from fault

    def _check_scaled_variants(self, name: str, served: FleetSpecification, wanted: FleetSpecification) -> None:
        """A scaled variant may change its model, not its instance type, and may not go away.

        https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-scaling-update.html
        """
        changed = []
        for variant in served.variants:
            successor = wanted.variant(variant.name)
            if successor is None or successor.instance_type != variant.instance_type:
                changed.append(variant.name)
        if scaled := sorted(scaled_variants(self._store, name).intersection(changed)):
            # The wording is from memory of AWS's answer [unverified].
            raise invalid(
                f"The variant(s) {scaled} must be deregistered as scalable targets with AWS Auto Scaling before they "
                "can be removed or have their instance type updated."
            )


def _deployment(request: Json, endpoint: Record) -> Json | None:
    """The DeploymentConfig that holds for an update. A retained one goes before another that is given [unverified]."""
    if request.get("RetainDeploymentConfig", False):
        last: Json | None = endpoint.get("LastDeploymentConfig")
        return last
    given: Json | None = request.get("DeploymentConfig")
    return given


def _resized(fleet: FleetSpecification, desired: Json) -> FleetSpecification:
    name = desired["VariantName"]
    variant = fleet.variant(name)
    if variant is None:
        raise invalid(f'Could not find production variant "{name}" in endpoint configuration "{fleet.config_name}".')
    count = desired.get("DesiredInstanceCount")
    if variant.serverless and count is not None:
        raise invalid(f"DesiredInstanceCount cannot be specified for serverless production variant {name}.")
    if count == 0:
        raise invalid("DesiredInstanceCount must be at least 1: only inference components scale to zero.")
    return fleet.resized(name, weight=desired.get("DesiredWeight"), instance_count=count)


def _in_progress(endpoint: Record) -> Exception:
    return invalid(f'Cannot update in-progress endpoint "{endpoint["EndpointArn"]}".')
