"""Scheduled actions: they set a target's limits at their times, and bring the capacity within them.

https://docs.aws.amazon.com/autoscaling/application/userguide/scheduled-scaling-policy-overview.html
"""

import logging
import threading
import uuid

from local.clock import Clock
from local.cloudwatch.agenda import Agenda
from local.sagemaker.autoscaling.activities import Activities
from local.sagemaker.autoscaling.capacity import Capacity, limits
from local.sagemaker.autoscaling.records import SCHEDULED, TARGET, ScaledVariant, policy_key
from local.sagemaker.faults import ServiceFault, invalid
from local.sagemaker.json_rpc import Json
from local.sagemaker.listing import picked
from local.sagemaker.resource_names import ResourceNames
from local.sagemaker.store import Record, Store
from scaling.schedules import InvalidSchedule, Schedule

log = logging.getLogger(__name__)

_MEMBERS = ("Schedule", "Timezone", "StartTime", "EndTime", "ScalableTargetAction")
_SHOWN = (
    "ScheduledActionName",
    "ScheduledActionARN",
    "ServiceNamespace",
    "ResourceId",
    "ScalableDimension",
    "CreationTime",
    *_MEMBERS,
)


class ScheduledActions:
    """The records, and a thread that waits for the next of their times; without actions it waits for one."""

    def __init__(
        self, store: Store, clock: Clock, names: ResourceNames, capacity: Capacity, activities: Activities
    ) -> None:
        self._store = store
        self._clock = clock
        self._names = names
        self._capacity = capacity
        self._activities = activities
        self._agenda: Agenda[str] = Agenda(clock)
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="scheduled-scaling", daemon=True)

    def start(self) -> None:
        """What came due while the cloud was down takes place now, once."""
        for action in self._store.all(SCHEDULED):
            self._plan(_key(action), action)
        self._thread.start()

    def close(self) -> None:
        """Nothing takes place any more."""
        self._closed = True
        self._agenda.wake()
        if self._thread.is_alive():
            self._thread.join()

    def put(self, scaled: ScaledVariant, request: Json) -> None:
        """New or changed. Raises ValidationException.

        "If you don't specify start and end times, the old values are deleted"; other members that are left out stay.
        https://docs.aws.amazon.com/autoscaling/application/APIReference/API_PutScheduledAction.html
        """
        key, now = policy_key(scaled.resource_id, request["ScheduledActionName"]), self._clock.now()
        with self._store.transaction():
            action = self._store.get(SCHEDULED, key) or self._new(scaled, request["ScheduledActionName"])
            former = {key: value for key, value in action.items() if key not in ("StartTime", "EndTime")}
            action = former | picked(request, _MEMBERS) | {"Since": now}
            _check(action)
            self._store.put(SCHEDULED, key, action)
        self._plan(key, action)

    def delete(self, scaled: ScaledVariant, name: str) -> bool:
        """Whether there was one."""
        return self._store.delete(SCHEDULED, policy_key(scaled.resource_id, name)) is not None

    def described(self, request: Json) -> list[Record]:
        """All, or those with the names given."""
        names = request.get("ScheduledActionNames")
        return [
            picked(action, _SHOWN)
            for action in self._store.all(SCHEDULED)
            if not names or action["ScheduledActionName"] in names
        ]

    def _new(self, scaled: ScaledVariant, name: str) -> Record:
        arn = self._names.scheduled_action(str(uuid.uuid4()), scaled.resource_id, name)
        return {
            "ScheduledActionName": name,
            "ScheduledActionARN": arn,
            "ServiceNamespace": "sagemaker",
            "ResourceId": scaled.resource_id,
            "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
            "CreationTime": self._clock.now(),
        }

    def _plan(self, key: str, action: Record) -> None:
        moment = _schedule(action).next_after(action["Since"])
        if moment is not None:
            self._agenda.add(key, moment)

    def _run(self) -> None:
        while not self._closed:
            for key in self._agenda.next_keys():
                if self._closed:
                    return
                try:
                    self._take_place(key)
                except Exception:
                    log.exception("The scheduled action %s failed", key)

    def _take_place(self, key: str) -> None:
        now = self._clock.now()
        with self._store.transaction():
            action = self._store.get(SCHEDULED, key)
            if action is None:
                return
            moment = _schedule(action).next_after(action["Since"])
            if moment is None or moment > now:  # it was changed meanwhile
                self._plan(key, action)
                return
            action["Since"] = now
            self._store.put(SCHEDULED, key, action)
            scaled = ScaledVariant.parse(action["ResourceId"])
            assert scaled is not None  # it was checked when the action was put
            self._set_limits(scaled, action)
        self._plan(key, action)
        self._capacity.keep_within_limits(scaled)

    def _set_limits(self, scaled: ScaledVariant, action: Record) -> None:
        target = self._store.get(TARGET, scaled.resource_id)
        if target is None or limits(target).schedule_suspended:
            return
        changed = target | picked(action.get("ScalableTargetAction", {}), ("MinCapacity", "MaxCapacity"))
        name = action["ScheduledActionName"]
        if changed["MinCapacity"] > changed["MaxCapacity"]:
            self._activities.limits_refused(scaled, name, "Maximum capacity cannot be less than minimum capacity")
            return
        self._store.put(TARGET, scaled.resource_id, changed)
        self._activities.limits_set(scaled, changed, name)


def _schedule(action: Record) -> Schedule:
    return Schedule(
        action["Schedule"],
        action["CreationTime"],
        action.get("Timezone", "UTC"),
        action.get("StartTime"),
        action.get("EndTime"),
    )


def _check(action: Record) -> None:
    if "Schedule" not in action:
        raise invalid("Schedule is required when creating a new scheduled action.")
    try:
        _schedule(action)
    except InvalidSchedule as fault:
        raise invalid(str(fault)) from fault
    limits_ = action.get("ScalableTargetAction", {})
    if not limits_.keys() & {"MinCapacity", "MaxCapacity"}:
        raise invalid("At least one of MinCapacity and MaxCapacity is required in ScalableTargetAction.")
    if limits_.get("MinCapacity", 1) < 1:
        raise invalid("MinCapacity must be at least 1: only inference components scale to zero.")
    if limits_.get("MinCapacity", 1) > limits_.get("MaxCapacity", float("inf")):
        raise invalid("Maximum capacity cannot be less than minimum capacity")


def _key(action: Record) -> str:
    return policy_key(action["ResourceId"], action["ScheduledActionName"])


def no_scheduled_action(scaled: ScaledVariant, name: str) -> ServiceFault:
    """In AWS's words for other kinds."""
    return ServiceFault(
        "ObjectNotFoundException",
        f"No scheduled action found for service namespace: sagemaker, resource ID: {scaled.resource_id}, scalable "
        f"dimension: sagemaker:variant:DesiredInstanceCount, scheduled action name: {name}",
    )
