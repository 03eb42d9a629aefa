"""Sets the instance counts of production variants on behalf of Application Auto Scaling, and follows the change."""

import logging
import threading
from collections.abc import Callable

from local.clock import Clock
from local.sagemaker.autoscaling.activities import Activities
from local.sagemaker.autoscaling.course import Course
from local.sagemaker.autoscaling.policies import cooldown_seconds
from local.sagemaker.autoscaling.records import POLICY, TARGET, ScaledVariant
from local.sagemaker.endpoints import record as endpoints
from local.sagemaker.faults import ServiceFault
from local.sagemaker.json_rpc import Json
from local.sagemaker.store import Record, Store
from scaling.targets import Target

log = logging.getLogger(__name__)

_POLL_SECONDS = 1.0
# An endpoint that is being changed for longer than this is left alone.
_MOST_WAIT_SECONDS = 3600.0
# Statuses of an endpoint whose instances are still being changed.
_CHANGING = frozenset({"Updating", "SystemUpdating", "Creating", "RollingBack", endpoints.RETURNING})


class Capacity:
    """``set_capacity`` is UpdateEndpointWeightsAndCapacities; ``settled`` is called when a change was fulfilled."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        set_capacity: Callable[[Json], Json],
        activities: Activities,
        course: Course,
        settled: Callable[[ScaledVariant], None],
    ) -> None:
        self._store = store
        self._clock = clock
        self._set_capacity = set_capacity
        self._activities = activities
        self._course = course
        self._settled = settled
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._threads: set[threading.Thread] = set()

    def exists(self, scaled: ScaledVariant) -> bool:
        """Whether the endpoint has the variant, or is about to."""
        return self.desired_count(scaled) is not None

    def desired_count(self, scaled: ScaledVariant) -> int | None:
        """None when there is no such variant."""
        endpoint = self._store.get(endpoints.KIND, scaled.endpoint)
        fleet = (endpoints.live(endpoint) or endpoints.pending(endpoint)) if endpoint else None
        variant = fleet.variant(scaled.variant) if fleet else None
        return variant.instance_count if variant else None

    def is_scalable(self, scaled: ScaledVariant) -> bool:
        """Whether the endpoint takes a change now."""
        endpoint = self._store.get(endpoints.KIND, scaled.endpoint)
        return endpoint is not None and endpoint["EndpointStatus"] == "InService" and not self._in_progress(scaled)

    def keep_within_limits(self, scaled: ScaledVariant) -> None:
        """In the background: scale out to the target's minimum, or in to its maximum, as registering one does."""
        self._in_background(self._keep, scaled)

    def resume(self) -> None:
        """After a start of the server: what was to be done for the targets that are registered."""
        for activity in self._activities.unfinished():
            if scaled := ScaledVariant.parse(activity["ResourceId"]):
                self._in_background(self._follow, scaled, activity)
        for target in self._store.all(TARGET):
            if scaled := ScaledVariant.parse(target["ResourceId"]):
                self.keep_within_limits(scaled)

    def scale(self, scaled: ScaledVariant, count: int, cause: str, policy: str | None = None) -> bool:
        """Set the desired instance count; False while the endpoint is being changed.

        ``cause`` is told with the activity; ``policy`` is the record name of the policy whose cooldown follows.
        Raises ServiceFault when the endpoint refuses for another reason.
        """
        with self._store.transaction():
            before = self.desired_count(scaled)
            if before is None or not self.is_scalable(scaled):
                return False
            desired = {"VariantName": scaled.variant, "DesiredInstanceCount": count}
            self._set_capacity({"EndpointName": scaled.endpoint, "DesiredWeightsAndCapacities": [desired]})
            self._course.seen(scaled, before, self._clock.now())
            activity = self._activities.begin(scaled, count, before, cause, policy)
        self._in_background(self._follow, scaled, activity)
        return True

    def close(self) -> None:
        """Give up what has not been scaled yet; `resume` begins it again."""
        self._closing.set()
        with self._lock:
            threads = list(self._threads)
        for thread in threads:
            thread.join()

    def _in_background(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, name="scaling", daemon=True)
        with self._lock:
            self._threads = {each for each in self._threads if each.is_alive()} | {thread}
            thread.start()

    def _keep(self, scaled: ScaledVariant) -> None:
        deadline = self._clock.now() + _MOST_WAIT_SECONDS
        while self._clock.now() < deadline and not self._closing.is_set():
            target, count = self._store.get(TARGET, scaled.resource_id), self.desired_count(scaled)
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

    def _follow(self, scaled: ScaledVariant, activity: Record) -> None:
        """Until the endpoint is as asked for; on AWS cooldowns begin then, too."""
        while not self._closing.is_set():
            endpoint = self._store.get(endpoints.KIND, scaled.endpoint)
            if endpoint is None or endpoint["EndpointStatus"] not in _CHANGING:
                break
            self._clock.wait(self._closing, _POLL_SECONDS)
        else:
            return
        with self._store.transaction():
            self._end(scaled, activity)
        self._settled(scaled)

    def _end(self, scaled: ScaledVariant, activity: Record) -> None:
        now, count = self._clock.now(), self.desired_count(scaled)
        if count is None or count != activity["Count"]:
            endpoint = self._store.get(endpoints.KIND, scaled.endpoint) or {}
            self._activities.fail(activity, endpoint.get("FailureReason", "The endpoint has another instance count."))
            return
        self._activities.fulfil(activity)
        if self._store.get(TARGET, scaled.resource_id) is None:
            return
        self._course.seen(scaled, count, now)
        policy = self._store.get(POLICY, activity["Policy"]) if activity["Policy"] else None
        if policy is not None:
            before = int(activity["Before"])
            seconds = cooldown_seconds(policy, outwards=count > before)
            self._course.cool(scaled, self._course.cooldowns(scaled).after(before, count, seconds, now))

    def _in_progress(self, scaled: ScaledVariant) -> bool:
        return any(activity["ResourceId"] == scaled.resource_id for activity in self._activities.unfinished())


def limits(target: Record) -> Target:
    """As registered."""
    suspended = target["SuspendedState"]
    return Target(
        target["MinCapacity"],
        target["MaxCapacity"],
        out_suspended=suspended["DynamicScalingOutSuspended"],
        in_suspended=suspended["DynamicScalingInSuspended"],
        schedule_suspended=suspended["ScheduledScalingSuspended"],
    )


def _limit(target: Record, count: int) -> tuple[str | None, int]:
    """Which limit the count breaks, in AWS's words, and the count that it asks for."""
    wanted = limits(target).clamped(count)
    if wanted == count:
        return None, count
    return ("minimum" if wanted > count else "maximum"), wanted
