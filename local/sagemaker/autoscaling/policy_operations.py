"""Scaling policies: kept here, called by alarms."""

import uuid

from local.clock import Clock
from local.sagemaker.autoscaling.alarms import PolicyAlarms
from local.sagemaker.autoscaling.policies import alarm_names, check_policy, tracking_of
from local.sagemaker.autoscaling.records import DIMENSION, ORPHAN, POLICY, ScaledVariant, forget_policy, policy_key
from local.sagemaker.autoscaling.requests import NAMESPACE, first_page, of_request, registered, scaled_variant
from local.sagemaker.faults import ServiceFault
from local.sagemaker.json_rpc import Json, Operation
from local.sagemaker.listing import picked
from local.sagemaker.resource_names import ResourceNames
from local.sagemaker.store import Record, Store

_MEMBERS = ("PolicyType", "TargetTrackingScalingPolicyConfiguration", "StepScalingPolicyConfiguration")


class PolicyOperations:
    """The operations on scaling policies."""

    def __init__(self, store: Store, names: ResourceNames, clock: Clock, alarms: PolicyAlarms) -> None:
        self._store = store
        self._names = names
        self._clock = clock
        self._alarms = alarms

    def operations(self) -> dict[str, Operation]:
        """By the API's names."""
        return {
            "PutScalingPolicy": self.put_policy,
            "DescribeScalingPolicies": self.describe_policies,
            "DeleteScalingPolicy": self.delete_policy,
        }

    def put_policy(self, request: Json) -> Json:
        """New or changed. Target tracking gets its alarms; a step policy is called by those that name its ARN."""
        scaled = scaled_variant(request)
        with self._store.transaction():
            registered(self._store, scaled)
            key = policy_key(scaled.resource_id, request["PolicyName"])
            policy = self._store.get(POLICY, key) or self._new_policy(request, scaled)
            policy |= picked(request, _MEMBERS)
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
        self._alarms.tidy(self._store)
        return {"PolicyARN": policy["PolicyARN"], "Alarms": policy["Alarms"]}

    def describe_policies(self, request: Json) -> Json:
        """All, or those with the names given."""
        policies = of_request(self._store.all(POLICY), request)
        if names := request.get("PolicyNames"):
            policies = [policy for policy in policies if policy["PolicyName"] in names]
        answer = first_page(policies, request, "ScalingPolicies")
        for policy in answer["ScalingPolicies"]:
            if policy["PolicyType"] == "StepScaling":
                policy["Alarms"] = self._alarms.calling(policy["PolicyARN"])
        return answer

    def delete_policy(self, request: Json) -> Json:
        """With its alarms. Raises ObjectNotFoundException."""
        scaled = scaled_variant(request)
        if forget_policy(self._store, scaled.resource_id, request["PolicyName"]) is None:
            raise ServiceFault(
                "ObjectNotFoundException",
                f"No scaling policy found for service namespace: {NAMESPACE}, resource ID: {scaled.resource_id}, "
                f"scalable dimension: {DIMENSION}, policy name: {request['PolicyName']}",
            )
        self._alarms.tidy(self._store)
        return {}

    def _new_policy(self, request: Json, scaled: ScaledVariant) -> Record:
        return {
            "PolicyARN": self._names.scaling_policy(str(uuid.uuid4()), scaled.resource_id, request["PolicyName"]),
            "PolicyName": request["PolicyName"],
            "ServiceNamespace": NAMESPACE,
            "ResourceId": scaled.resource_id,
            "ScalableDimension": DIMENSION,
            "PolicyType": "StepScaling",  # AWS's default
            "Alarms": [],
            "CreationTime": self._clock.now(),
        }
