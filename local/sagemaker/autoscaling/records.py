"""What the store keeps of scaling: targets, policies, scheduled actions, activities, each under a variant."""

import re
from dataclasses import dataclass

from local.sagemaker.store import Record, Store

TARGET = "scalable-target"
POLICY = "scaling-policy"
ACTIVITY = "scaling-activity"
NOT_SCALED = "scaling-not-scaled"
SCHEDULED = "scheduled-action"
COURSE = "scaling-course"
# Alarms of policies that are no more, by name, until CloudWatch has deleted them.
ORPHAN = "scaling-orphan-alarm"

DIMENSION = "sagemaker:variant:DesiredInstanceCount"

_RESOURCE_ID = re.compile(r"endpoint/([^/]+)/variant/([^/]+)")


@dataclass(frozen=True)
class ScaledVariant:
    """A production variant whose instance count is scaled."""

    endpoint: str
    variant: str

    @property
    def resource_id(self) -> str:
        """As Application Auto Scaling names it."""
        return f"endpoint/{self.endpoint}/variant/{self.variant}"

    @classmethod
    def parse(cls, resource_id: str) -> "ScaledVariant | None":
        """None when it is not the id of a production variant."""
        match = _RESOURCE_ID.fullmatch(resource_id)
        return cls(match[1], match[2]) if match else None


def policies_of(store: Store, resource_id: str) -> list[Record]:
    """The target's policies."""
    return [policy for policy in store.all(POLICY) if policy["ResourceId"].lower() == resource_id.lower()]


def policy_key(resource_id: str, policy_name: str) -> str:
    """The name of a policy's record, or of a scheduled action's."""
    return f"{resource_id}|{policy_name}"


def scheduled_actions_of(store: Store, resource_id: str) -> list[Record]:
    """The target's scheduled actions."""
    return [action for action in store.all(SCHEDULED) if action["ResourceId"].lower() == resource_id.lower()]


def forget_policy(store: Store, resource_id: str, policy_name: str) -> Record | None:
    """Remove a policy, its alarms once `ORPHAN` is seen to; the policy, or None when there was none."""
    with store.transaction():
        policy = store.delete(POLICY, policy_key(resource_id, policy_name))
        for alarm in policy["Alarms"] if policy else ():
            store.put(ORPHAN, alarm["AlarmName"], alarm)
        return policy


def scaled_variants(store: Store, endpoint: str) -> set[str]:
    """Names of the endpoint's variants that are registered as scalable targets."""
    variants = (ScaledVariant.parse(target["ResourceId"]) for target in store.all(TARGET))
    return {scaled.variant for scaled in variants if scaled and scaled.endpoint.lower() == endpoint.lower()}


def forget_target(store: Store, resource_id: str) -> Record | None:
    """Remove a target with its policies and scheduled actions; the target, or None when there was none."""
    with store.transaction():
        for policy in policies_of(store, resource_id):
            forget_policy(store, resource_id, policy["PolicyName"])
        for action in scheduled_actions_of(store, resource_id):
            store.delete(SCHEDULED, policy_key(resource_id, action["ScheduledActionName"]))
        store.delete(COURSE, resource_id)
        target = store.delete(TARGET, resource_id)
        if target is not None:
            store.untag(target["ScalableTargetARN"])
        return target


def forget_scaling(store: Store, endpoint: str) -> None:
    """AWS deregisters an endpoint's variants when the endpoint is deleted."""
    for variant in scaled_variants(store, endpoint):
        forget_target(store, ScaledVariant(endpoint, variant).resource_id)
