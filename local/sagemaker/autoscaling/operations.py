"""Application Auto Scaling's API, for SageMaker's production variants."""

import secrets
import uuid

from local.clock import Clock
from local.sagemaker.autoscaling.activities import Activities, shown
from local.sagemaker.autoscaling.alarms import PolicyAlarms
from local.sagemaker.autoscaling.capacity import Capacity
from local.sagemaker.autoscaling.policies import alarm_names, check_policy, tracking_of
from local.sagemaker.autoscaling.records import (
    DIMENSION,
    ORPHAN,
    POLICY,
    TARGET,
    ScaledVariant,
    forget_policy,
    forget_target,
    policies_of,
    policy_key,
)
from local.sagemaker.autoscaling.scheduled import ScheduledActions, no_scheduled_action
from local.sagemaker.faults import ServiceFault, invalid, not_in_embedded_cloud
from local.sagemaker.json_rpc import Json, Operation
from local.sagemaker.listing import page, picked
from local.sagemaker.resource_names import ResourceNames
from local.sagemaker.store import Record, Store

_NAMESPACE = "sagemaker"
_POLICY_MEMBERS = ("PolicyType", "TargetTrackingScalingPolicyConfiguration", "StepScalingPolicyConfiguration")
_ALWAYS_ON = {
    "DynamicScalingInSuspended": False,
    "DynamicScalingOutSuspended": False,
    "ScheduledScalingSuspended": False,
}


class AutoscalingOperations:
    """Targets, policies, scheduled actions and activities. What scales by the policies asks the store for them."""

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
            "PutScalingPolicy": self.put_policy,
            "DescribeScalingPolicies": self.describe_policies,
            "DeleteScalingPolicy": self.delete_policy,
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
        scaled = _scaled_variant(request)
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
        targets = _of_request(self._store.all(TARGET), request)
        if resource_ids := request.get("ResourceIds"):
            targets = [target for target in targets if target["ResourceId"] in resource_ids]
        return _page(targets, request, "ScalableTargets")

    def deregister_target(self, request: Json) -> Json:
        """With its policies and scheduled actions."""
        scaled = _scaled_variant(request)
        if forget_target(self._store, scaled.resource_id) is None:
            raise _no_target(scaled)
        self._delete_orphans()
        return {}

    def put_policy(self, request: Json) -> Json:
        """New or changed. Target tracking gets its alarms; a step policy is called by those that name its ARN."""
        scaled = _scaled_variant(request)
        with self._store.transaction():
            self._registered(scaled)
            key = policy_key(scaled.resource_id, request["PolicyName"])
            policy = self._store.get(POLICY, key) or self._new_policy(request, scaled)
            policy |= picked(request, _POLICY_MEMBERS)
            check_policy(request, policy)
            tracking = tracking_of(policy)
            names = alarm_names(policy, tracking) if tracking else {}
            for alarm in policy["Alarms"]:
                if alarm["AlarmName"] not in names.values():
                    self._store.put(ORPHAN, alarm["AlarmName"], alarm)
            policy["Alarms"] = [{"AlarmName": name, "AlarmARN": self._names.alarm(name)} for name in names.values()]
            self._store.put(POLICY, key, policy)
        if tracking is not None:
            self._alarms.put(policy, tracking, names)
        self._delete_orphans()
        return {"PolicyARN": policy["PolicyARN"], "Alarms": policy["Alarms"]}

    def describe_policies(self, request: Json) -> Json:
        """All, or those with the names given."""
        policies = _of_request(self._store.all(POLICY), request)
        if names := request.get("PolicyNames"):
            policies = [policy for policy in policies if policy["PolicyName"] in names]
        answer = _page(policies, request, "ScalingPolicies")
        for policy in answer["ScalingPolicies"]:
            if policy["PolicyType"] == "StepScaling":
                policy["Alarms"] = self._alarms.calling(policy["PolicyARN"])
        return answer

    def delete_policy(self, request: Json) -> Json:
        """With its alarms. Raises ObjectNotFoundException."""
        scaled = _scaled_variant(request)
        if forget_policy(self._store, scaled.resource_id, request["PolicyName"]) is None:
            raise ServiceFault(
                "ObjectNotFoundException",
                f"No scaling policy found for service namespace: {_NAMESPACE}, resource ID: {scaled.resource_id}, "
                f"scalable dimension: {DIMENSION}, policy name: {request['PolicyName']}",
            )
        self._delete_orphans()
        return {}

    def put_scheduled_action(self, request: Json) -> Json:
        """New or changed."""
        scaled = _scaled_variant(request)
        self._registered(scaled)
        self._scheduled.put(scaled, request)
        return {}

    def describe_scheduled_actions(self, request: Json) -> Json:
        """All, or those with the names given."""
        return _page(_of_request(self._scheduled.described(request), request), request, "ScheduledActions")

    def delete_scheduled_action(self, request: Json) -> Json:
        """Raises ObjectNotFoundException."""
        scaled = _scaled_variant(request)
        if not self._scheduled.delete(scaled, request["ScheduledActionName"]):
            raise no_scheduled_action(scaled, request["ScheduledActionName"])
        return {}

    def describe_activities(self, request: Json) -> Json:
        """Newest first."""
        activities = _of_request(self._activities.listed(request), request)
        answer = _page(activities, request, "ScalingActivities", "StartTime")
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
            "ServiceNamespace": _NAMESPACE,
            "ResourceId": scaled.resource_id,
            "ScalableDimension": DIMENSION,
            "RoleARN": f"arn:aws:iam::{self._names.account}:role/{path}",
            "CreationTime": self._clock.now(),
            "SuspendedState": dict(_ALWAYS_ON),
            "ScalableTargetARN": self._names.scalable_target(secrets.token_hex(16)),
        }

    def _new_policy(self, request: Json, scaled: ScaledVariant) -> Record:
        return {
            "PolicyARN": self._names.scaling_policy(str(uuid.uuid4()), scaled.resource_id, request["PolicyName"]),
            "PolicyName": request["PolicyName"],
            "ServiceNamespace": _NAMESPACE,
            "ResourceId": scaled.resource_id,
            "ScalableDimension": DIMENSION,
            "PolicyType": "StepScaling",  # AWS's default
            "Alarms": [],
            "CreationTime": self._clock.now(),
        }

    def _delete_orphans(self) -> None:
        self._alarms.delete(orphan["AlarmName"] for orphan in self._store.all(ORPHAN))
        for orphan in self._store.all(ORPHAN):
            self._store.delete(ORPHAN, orphan["AlarmName"])

    def _registered(self, scaled: ScaledVariant) -> Record:
        target = self._store.get(TARGET, scaled.resource_id)
        if target is None:
            raise _no_target(scaled)
        return target

    def _tagged(self, request: Json) -> str:
        arn: str = request["ResourceARN"]
        if not any(target["ScalableTargetARN"] == arn for target in self._store.all(TARGET)):
            raise ServiceFault("ResourceNotFoundException", f"The scalable target {arn} does not exist.")
        return arn


def _scaled_variant(request: Json) -> ScaledVariant:
    """Raises ValidationException for anything but the instance count of a production variant."""
    if request["ServiceNamespace"] != _NAMESPACE or request["ScalableDimension"] != DIMENSION:
        raise not_in_embedded_cloud(f"scaling of other than {DIMENSION}")
    scaled = ScaledVariant.parse(request["ResourceId"])
    if scaled is None:
        raise invalid("Unsupported service namespace, resource type or scalable dimension")
    return scaled


def _of_request(records: list[Record], request: Json) -> list[Record]:
    """Those of the request's namespace and, where given, resource and dimension."""
    return [
        record
        for record in records
        if all(
            record[member] == request.get(member, record[member])
            for member in ("ServiceNamespace", "ResourceId", "ScalableDimension")
        )
    ]


def _page(records: list[Record], request: Json, key: str, time_key: str = "CreationTime") -> Json:
    # 50 unless asked for more: https://docs.aws.amazon.com/autoscaling/application/APIReference
    return page(records, {"MaxResults": 50} | request, {"": time_key}, dict, key)


def _no_target(scaled: ScaledVariant) -> ServiceFault:
    return ServiceFault(
        "ObjectNotFoundException",
        f"No scalable target found for service namespace: {_NAMESPACE}, resource ID: {scaled.resource_id}, scalable "
        f"dimension: {DIMENSION}",
    )
