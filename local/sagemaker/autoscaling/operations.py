"""Application Auto Scaling's API, for SageMaker's production variants."""

import secrets

from local.clock import Clock
from local.sagemaker.autoscaling.activities import Activities, shown
from local.sagemaker.autoscaling.alarms import PolicyAlarms
from local.sagemaker.autoscaling.capacity import Capacity
from local.sagemaker.autoscaling.records import DIMENSION, TARGET, ScaledVariant, forget_target, policies_of
from local.sagemaker.autoscaling.requests import (
    NAMESPACE,
    first_page,
    no_target,
    of_request,
    registered,
    scaled_variant,
)
from local.sagemaker.autoscaling.scheduled import ScheduledActions, no_scheduled_action
from local.sagemaker.faults import ServiceFault, invalid
from local.sagemaker.json_rpc import Json, Operation
from local.sagemaker.listing import picked
from local.sagemaker.resource_names import ResourceNames
from local.sagemaker.store import Record, Store

_ALWAYS_ON = {
    "DynamicScalingInSuspended": False,
    "DynamicScalingOutSuspended": False,
    "ScheduledScalingSuspended": False,
}


class AutoscalingOperations:
    """Targets, scheduled actions and activities."""

    def __init__(
        self,
        store: Store,
        capacity: Capacity,
        names: ResourceNames,
        clock: Clock,
        alarms: PolicyAlarms,
        activities: Activities,
        scheduled: ScheduledActions,
    ) -> None:
        self._store = store
        self._capacity = capacity
        self._names = names
        self._clock = clock
        self._alarms = alarms
        self._activities = activities
        self._scheduled = scheduled

    def operations(self) -> dict[str, Operation]:
        """By the API's names."""
        return {
            "RegisterScalableTarget": self.register_target,
            "DescribeScalableTargets": self.describe_targets,
            "DeregisterScalableTarget": self.deregister_target,
            "DescribeScalingActivities": self.describe_activities,
            "PutScheduledAction": self.put_scheduled_action,
            "DescribeScheduledActions": self.describe_scheduled_actions,
            "DeleteScheduledAction": self.delete_scheduled_action,
            "ListTagsForResource": self.list_tags,
            "TagResource": self.tag,
            "UntagResource": self.untag,
        }

    def register_target(self, request: Json) -> Json:
        """New or changed; capacity outside the limits is brought inside at once, as on AWS."""
        scaled = scaled_variant(request)
        with self._store.transaction():
            target = self._store.get(TARGET, scaled.resource_id) or self._new_target(request, scaled)
            target |= picked(request, ("MinCapacity", "MaxCapacity", "RoleARN"))
            target["SuspendedState"] |= request.get("SuspendedState", {})
            if target["MinCapacity"] > target["MaxCapacity"]:
                raise invalid("Maximum capacity cannot be less than minimum capacity")
            if target["MinCapacity"] < 1:
                raise invalid("MinCapacity must be at least 1: only inference components scale to zero.")
            self._store.put(TARGET, scaled.resource_id, target)
            self._store.tag(target["ScalableTargetARN"], request.get("Tags", {}))
        self._capacity.keep_within_limits(scaled)
        self._alarms.attend(policies_of(self._store, scaled.resource_id))
        return {"ScalableTargetARN": target["ScalableTargetARN"]}

    def describe_targets(self, request: Json) -> Json:
        """All, or those with the resource ids given."""
        targets = of_request(self._store.all(TARGET), request)
        if resource_ids := request.get("ResourceIds"):
            targets = [target for target in targets if target["ResourceId"] in resource_ids]
        return first_page(targets, request, "ScalableTargets")

    def deregister_target(self, request: Json) -> Json:
        """With its policies and scheduled actions."""
        scaled = scaled_variant(request)
        if forget_target(self._store, scaled.resource_id) is None:
            raise no_target(scaled)
        self._alarms.tidy(self._store)
        return {}

    def put_scheduled_action(self, request: Json) -> Json:
        """New or changed."""
        scaled = scaled_variant(request)
        registered(self._store, scaled)
        self._scheduled.put(scaled, request)
        return {}

    def describe_scheduled_actions(self, request: Json) -> Json:
        """All, or those with the names given."""
        return first_page(of_request(self._scheduled.described(request), request), request, "ScheduledActions")

    def delete_scheduled_action(self, request: Json) -> Json:
        """Raises ObjectNotFoundException."""
        scaled = scaled_variant(request)
        if not self._scheduled.delete(scaled, request["ScheduledActionName"]):
            raise no_scheduled_action(scaled, request["ScheduledActionName"])
        return {}

    def describe_activities(self, request: Json) -> Json:
        """Newest first."""
        activities = of_request(self._activities.listed(request), request)
        answer = first_page(activities, request, "ScalingActivities", "StartTime")
        answer["ScalingActivities"] = [shown(activity) for activity in answer["ScalingActivities"]]
        return answer

    def list_tags(self, request: Json) -> Json:
        """Of a scalable target."""
        return {"Tags": self._store.tags(self._tagged(request))}

    def tag(self, request: Json) -> Json:
        """A scalable target."""
        self._store.tag(self._tagged(request), request["Tags"])
        return {}

    def untag(self, request: Json) -> Json:
        """A scalable target."""
        self._store.untag(self._tagged(request), request["TagKeys"])
        return {}

    def _new_target(self, request: Json, scaled: ScaledVariant) -> Record:
        if not self._capacity.exists(scaled):
            # The wording for SageMaker is not documented [unverified]; the code is.
            raise invalid(f"SageMaker production variant doesn't exist: {scaled.resource_id}")
        for member in ("MinCapacity", "MaxCapacity"):
            if member not in request:
                raise invalid(f"{member} is required when registering a new scalable target.")
        role = "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
        path = f"aws-service-role/sagemaker.application-autoscaling.amazonaws.com/{role}"
        return {
            "ServiceNamespace": NAMESPACE,
            "ResourceId": scaled.resource_id,
            "ScalableDimension": DIMENSION,
            "RoleARN": f"arn:aws:iam::{self._names.account}:role/{path}",
            "CreationTime": self._clock.now(),
            "SuspendedState": dict(_ALWAYS_ON),
            "ScalableTargetARN": self._names.scalable_target(secrets.token_hex(16)),
        }

    def _tagged(self, request: Json) -> str:
        arn: str = request["ResourceARN"]
        if not any(target["ScalableTargetARN"] == arn for target in self._store.all(TARGET)):
            raise ServiceFault("ResourceNotFoundException", f"The scalable target {arn} does not exist.")
        return arn
