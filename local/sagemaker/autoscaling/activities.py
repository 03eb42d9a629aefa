"""Scaling activities: what was changed, why, and how it went, in Application Auto Scaling's words.

https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-scaling-activities.html
"""

import uuid

from local.clock import Clock
from local.sagemaker.autoscaling.records import ACTIVITY, DIMENSION, NOT_SCALED, ScaledVariant
from local.sagemaker.json_rpc import Json
from local.sagemaker.store import Record, Store
from scaling.targets import NotScaled, Target

# "You can look up scaling activities from the last six weeks."
RETENTION_SECONDS = 6 * 7 * 86_400
_DOCUMENTED = frozenset({NotScaled.AT_DESIRED, NotScaled.AT_MAXIMUM, NotScaled.AT_MINIMUM, NotScaled.UNSCALABLE})
_SHOWN = (
    "ActivityId",
    "ServiceNamespace",
    "ResourceId",
    "ScalableDimension",
    "Description",
    "Cause",
    "StartTime",
    "EndTime",
    "StatusCode",
    "StatusMessage",
    "NotScaledReasons",
)


class Activities:
    """The activities in the store; those of the last six weeks are kept."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def begin(self, scaled: ScaledVariant, count: int, before: int, cause: str, policy: str | None) -> Record:
        """A change of the desired instance count that SageMaker has accepted."""
        activity = self._new(scaled, f"Setting desired instance count to {count}.", cause) | {
            "StatusCode": "InProgress",
            "StatusMessage": f"Successfully set desired instance count to {count}. Waiting for change to be fulfilled "
            "by sagemaker.",
            "Count": count,
            "Before": before,
            "Policy": policy,
        }
        self._forget_old()
        self._store.insert(ACTIVITY, activity["ActivityId"], activity)
        return activity

    def fulfil(self, activity: Record) -> None:
        """The instances are there, or gone."""
        self._end(
            activity,
            "Successful",
            f"Successfully set desired instance count to {activity['Count']}. Change successfully fulfilled by "
            "sagemaker.",
        )

    def fail(self, activity: Record, reason: str) -> None:
        """SageMaker could not do it."""
        self._end(
            activity,
            "Unfulfilled",
            f"Successfully set desired instance count to {activity['Count']}. Change unfulfilled by sagemaker: "
            f"{reason}",
        )

    def limits_set(self, scaled: ScaledVariant, target: Record, action: str) -> None:
        """A scheduled action has set the limits."""
        limits = f"min capacity to {target['MinCapacity']} and max capacity to {target['MaxCapacity']}"
        activity = self._new(scaled, f"Setting {limits}", f"scheduled action name {action} was triggered")
        activity |= {
            "EndTime": self._clock.now(),
            "StatusCode": "Successful",
            "StatusMessage": f"Successfully set {limits}",
        }
        self._store.insert(ACTIVITY, activity["ActivityId"], activity)

    def limits_refused(self, scaled: ScaledVariant, action: str, reason: str) -> None:
        """A scheduled action whose limits do not fit."""
        activity = self._new(scaled, "Setting min and max capacity", f"scheduled action name {action} was triggered")
        activity |= {"EndTime": self._clock.now(), "StatusCode": "Failed", "StatusMessage": reason}
        self._store.insert(ACTIVITY, activity["ActivityId"], activity)

    def note_not_scaled(
        self, scaled: ScaledVariant, cause: str, reason: NotScaled, target: Target, capacity: int
    ) -> None:
        """The latest of each cause, for those who ask; only reasons that AWS has a code for."""
        if reason not in _DOCUMENTED:
            return
        details: Json = {"Code": reason.value}
        if reason is NotScaled.AT_MAXIMUM:
            details["MaxCapacity"] = target.maximum
        elif reason is NotScaled.AT_MINIMUM:
            details["MinCapacity"] = target.minimum
        else:
            details["CurrentCapacity"] = capacity
        activity = self._new(scaled, "Attempting to scale due to alarm triggered", cause)
        activity |= {"EndTime": self._clock.now(), "StatusCode": "Failed", "NotScaledReasons": [details]}
        self._store.put(NOT_SCALED, f"{scaled.resource_id}|{cause}", activity)

    def unfinished(self) -> list[Record]:
        """Those that SageMaker was still fulfilling."""
        return [activity for activity in self._store.all(ACTIVITY) if activity["StatusCode"] == "InProgress"]

    def listed(self, request: Json) -> list[Record]:
        """What DescribeScalingActivities chooses from."""
        kinds = (ACTIVITY, NOT_SCALED) if request.get("IncludeNotScaledActivities") else (ACTIVITY,)
        since = self._clock.now() - RETENTION_SECONDS
        found = [activity for kind in kinds for activity in self._store.all(kind) if activity["StartTime"] >= since]
        return sorted(found, key=lambda activity: float(activity["StartTime"]))

    def _new(self, scaled: ScaledVariant, description: str, cause: str) -> Record:
        return {
            "ActivityId": str(uuid.uuid4()),
            "ServiceNamespace": "sagemaker",
            "ResourceId": scaled.resource_id,
            "ScalableDimension": DIMENSION,
            "Description": description,
            "Cause": cause,
            "StartTime": self._clock.now(),
        }

    def _end(self, activity: Record, status: str, message: str) -> None:
        def change(record: Record) -> None:
            record |= {"EndTime": self._clock.now(), "StatusCode": status, "StatusMessage": message}

        self._store.update(ACTIVITY, activity["ActivityId"], change)

    def _forget_old(self) -> None:
        since = self._clock.now() - RETENTION_SECONDS
        for activity in self._store.all(ACTIVITY):
            if activity["StartTime"] < since:
                self._store.delete(ACTIVITY, activity["ActivityId"])


def shown(activity: Record) -> Json:
    """What DescribeScalingActivities answers."""
    return {key: activity[key] for key in _SHOWN if key in activity}
