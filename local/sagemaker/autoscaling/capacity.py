"""Sets the instance counts of production variants on behalf of Application Auto Scaling, and keeps the activities."""

import logging
import threading
import uuid
from collections.abc import Callable

from local.clock import Clock
from local.sagemaker.autoscaling.records import ACTIVITY, DIMENSION, TARGET, ScaledVariant
from local.sagemaker.endpoints import record as endpoints
from local.sagemaker.faults import ServiceFault
from local.sagemaker.json_rpc import Json
from local.sagemaker.store import Record, Store

log = logging.getLogger(__name__)

_POLL_SECONDS = 1.0
# An endpoint that is being changed for longer than this is left alone.
_MOST_WAIT_SECONDS = 3600.0


class Capacity:
    """``set_capacity`` is UpdateEndpointWeightsAndCapacities."""

    def __init__(self, store: Store, clock: Clock, set_capacity: Callable[[Json], Json]) -> None:
        self._store = store
        self._clock = clock
        self._set_capacity = set_capacity
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._keepers: set[threading.Thread] = set()

    def exists(self, scaled: ScaledVariant) -> bool:
        """Whether the endpoint has the variant, or is about to."""
        return self._desired_count(scaled) is not None

    def keep_within_limits(self, scaled: ScaledVariant) -> None:
        """In the background: scale out to the target's minimum, or in to its maximum, as registering one does."""
        thread = threading.Thread(target=self._keep, args=(scaled,), name="scaling-limits", daemon=True)
        with self._lock:
            self._keepers = {keeper for keeper in self._keepers if keeper.is_alive()} | {thread}
        thread.start()

    def resume(self) -> None:
        """After a start of the server: what was to be done for the targets that are registered."""
        for target in self._store.all(TARGET):
            if scaled := ScaledVariant.parse(target["ResourceId"]):
                self.keep_within_limits(scaled)

    def scale(self, scaled: ScaledVariant, count: int, cause: str) -> bool:
        """Set the desired instance count; False while the endpoint is being changed.

        ``cause`` is told with the activity. Raises ServiceFault when the endpoint refuses for another reason.
        """
        with self._store.transaction():
            if not self._is_ready(scaled):
                return False
            desired = {"VariantName": scaled.variant, "DesiredInstanceCount": count}
            self._set_capacity({"EndpointName": scaled.endpoint, "DesiredWeightsAndCapacities": [desired]})
        self._note(scaled, count, cause)
        return True

    def close(self) -> None:
        """Give up what has not been scaled yet; `resume` begins it again."""
        self._closing.set()
        with self._lock:
            keepers = list(self._keepers)
        for keeper in keepers:
            keeper.join()

    def _keep(self, scaled: ScaledVariant) -> None:
        deadline = self._clock.now() + _MOST_WAIT_SECONDS
        while self._clock.now() < deadline and not self._closing.is_set():
            target, count = self._store.get(TARGET, scaled.resource_id), self._desired_count(scaled)
            if target is None or count is None:
                return
            limit, wanted = _limit(target, count)
            if limit is None:
                return
            try:
                if self.scale(scaled, wanted, f"{limit} capacity was set to {wanted}"):
                    return
            except ServiceFault as fault:
                log.warning("%s is not scaled: %s", scaled.resource_id, fault)
                return
            self._clock.wait(self._closing, _POLL_SECONDS)

    def _desired_count(self, scaled: ScaledVariant) -> int | None:
        """None when there is no such variant."""
        endpoint = self._store.get(endpoints.KIND, scaled.endpoint)
        fleet = (endpoints.live(endpoint) or endpoints.pending(endpoint)) if endpoint else None
        variant = fleet.variant(scaled.variant) if fleet else None
        return variant.instance_count if variant else None

    def _is_ready(self, scaled: ScaledVariant) -> bool:
        endpoint = self._store.get(endpoints.KIND, scaled.endpoint)
        return endpoint is not None and endpoint["EndpointStatus"] == "InService"

    def _note(self, scaled: ScaledVariant, count: int, cause: str) -> None:
        now, activity_id = self._clock.now(), str(uuid.uuid4())
        activity: Record = {
            "ActivityId": activity_id,
            "ServiceNamespace": "sagemaker",
            "ResourceId": scaled.resource_id,
            "ScalableDimension": DIMENSION,
            "Description": f"Setting desired instance count to {count}.",
            "Cause": cause,
            "StartTime": now,
            "EndTime": now,
            "StatusCode": "Successful",
            "StatusMessage": f"Successfully set desired instance count to {count}. Change successfully fulfilled by "
            "sagemaker.",
        }
        self._store.insert(ACTIVITY, activity_id, activity)


def _limit(target: Record, count: int) -> tuple[str | None, int]:
    """Which limit the count breaks, in AWS's words, and the count that it asks for."""
    if count < target["MinCapacity"]:
        return "minimum", target["MinCapacity"]
    if count > target["MaxCapacity"]:
        return "maximum", target["MaxCapacity"]
    return None, count
