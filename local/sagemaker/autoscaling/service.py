"""Puts Application Auto Scaling together, and what it does when the cloud starts and stops."""

import logging
from collections.abc import Callable
from typing import Any

from local.clock import Clock
from local.cloudwatch.ports import AlarmPorts, Dimensions
from local.sagemaker.autoscaling.activities import Activities
from local.sagemaker.autoscaling.alarms import PolicyAlarms
from local.sagemaker.autoscaling.capacity import Capacity
from local.sagemaker.autoscaling.course import Course
from local.sagemaker.autoscaling.operations import AutoscalingOperations
from local.sagemaker.autoscaling.policies import alarm_names, tracking_of
from local.sagemaker.autoscaling.policy_operations import PolicyOperations
from local.sagemaker.autoscaling.records import POLICY, ScaledVariant, policies_of, policy_key
from local.sagemaker.autoscaling.scaler import Scaler
from local.sagemaker.autoscaling.scheduled import ScheduledActions
from local.sagemaker.endpoints import record as endpoints
from local.sagemaker.json_rpc import Json, Operation
from local.sagemaker.resource_names import ResourceNames
from local.sagemaker.store import Record, Store

log = logging.getLogger(__name__)

# "If a variant's traffic becomes zero … SageMaker emits metrics with a value of zero."
# https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-edit.html
_ZERO_WHEN_IDLE = frozenset({"Invocations", "InvocationsPerInstance", "ConcurrentRequestsPerModel"})


class Autoscaling:
    """``set_capacity`` is UpdateEndpointWeightsAndCapacities, ``cloudwatch`` makes a client of the service itself."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        names: ResourceNames,
        set_capacity: Callable[[Json], Json],
        cloudwatch: Callable[[], Any],
        ports: AlarmPorts,
    ) -> None:
        self._store = store
        self._names = names
        activities, course = Activities(store, clock), Course(store)
        self._alarms = PolicyAlarms(cloudwatch, ports, clock)
        self._capacity = Capacity(store, clock, set_capacity, activities, course, self._settled)
        self._scheduled = ScheduledActions(store, clock, names, self._capacity, activities)
        self.scaler = Scaler(store, clock, self._capacity, self._alarms, activities, course)
        self._operations = AutoscalingOperations(
            store, self._capacity, names, clock, self._alarms, activities, self._scheduled
        )
        self._policies = PolicyOperations(store, names, clock, self._alarms)
        ports.scale = self.scaler.called
        ports.zeros_since = self._zeros_since

    def operations(self) -> dict[str, Operation]:
        """Application Auto Scaling's, by the API's names."""
        return self._operations.operations() | self._policies.operations()

    def tidying(self, operation: Operation) -> Operation:
        """One of SageMaker's that may take scaled variants away: their alarms go with them."""

        def perform(request: Json) -> Json:
            answer = operation(request)
            self._alarms.tidy(self._store)
            return answer

        return perform

    def start(self) -> None:
        """Take up what was going on when the server stopped. The front door must be open."""
        self._capacity.resume()
        self._scheduled.start()
        try:
            self._alarms.tidy(self._store)
            for policy in self._store.all(POLICY):
                self._restore_alarms(policy)
        except Exception:
            log.exception("The alarms of scaling policies were not looked at")

    def close(self) -> None:
        """Begin nothing more."""
        self._scheduled.close()
        self._capacity.close()

    def _restore_alarms(self, policy: Record) -> None:
        tracking = tracking_of(policy)
        if tracking is None:
            return
        names = alarm_names(policy, tracking)
        policy["Alarms"] = [{"AlarmName": name, "AlarmARN": self._names.alarm(name)} for name in names.values()]
        self._store.put(POLICY, policy_key(policy["ResourceId"], policy["PolicyName"]), policy)
        self._alarms.restore(policy, tracking, names)

    def _settled(self, scaled: ScaledVariant) -> None:
        self._alarms.attend(policies_of(self._store, scaled.resource_id))

    def _zeros_since(self, namespace: str, metric: str, dimensions: Dimensions) -> float | None:
        """Asked on the event loop: no transaction may wait for the front door."""
        if namespace != "AWS/SageMaker" or metric not in _ZERO_WHEN_IDLE:
            return None
        endpoint = self._store.get(endpoints.KIND, dimensions.get("EndpointName", ""))
        fleet = endpoints.live(endpoint) if endpoint else None
        if endpoint is None or fleet is None or fleet.variant(dimensions.get("VariantName", "")) is None:
            return None
        return float(endpoint["CreationTime"])
