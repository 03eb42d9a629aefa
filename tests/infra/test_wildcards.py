"""Nothing is granted on everything, or in whole families of actions, without a written reason beside it.

Roles carry their reasons in the template. Policies of keys, buckets, queues and topics cannot: theirs stand here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.infra.template import Template

# (type of the resource, effect, actions with a wildcard or on everything) → why. Each must still be there.
RESOURCE_POLICIES = {
    ("AWS::KMS::Key", "Allow", "kms:*"): "the key is the policy's only resource; the account's own policies decide",
    ("AWS::KMS::Key", "Allow", "kms:Decrypt kms:GenerateDataKey*"): "the key is the policy's only resource",
    ("AWS::S3::BucketPolicy", "Deny", "s3:*"): "refuses whatever comes without TLS",
    ("AWS::SQS::QueuePolicy", "Deny", "sqs:*"): "refuses whatever comes without TLS",
}


@dataclass(frozen=True)
class Wide:
    """A statement with a wildcard, and the reason that its template gives."""

    stack: str
    kind: str
    name: str
    effect: str
    actions: tuple[str, ...]
    reason: str


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def documents(value: Any) -> Iterator[dict[str, Any]]:
    """Every policy document in a resource, wherever its type puts it."""
    if isinstance(value, dict):
        if "Statement" in value:
            yield value
        for item in value.values():
            yield from documents(item)
    elif isinstance(value, list):
        for item in value:
            yield from documents(item)


def wide(templates: dict[str, Template]) -> Iterator[Wide]:
    for stack, template in templates.items():
        for name, resource in template.all["Resources"].items():
            reasons = resource.get("Metadata", {}).get("Reasons", {})
            for document in documents(resource["Properties"]):
                for each in listed(document["Statement"]):
                    actions = tuple(sorted(map(str, listed(each.get("Action", [])))))
                    everything = "*" in listed(each.get("Resource", []))
                    if everything or "NotAction" in each or any("*" in action for action in actions):
                        reason = reasons.get(each.get("Sid", ""), "")
                        yield Wide(stack, resource["Type"], name, each["Effect"], actions, reason)


@pytest.fixture(scope="module")
def found(templates: dict[str, Template], endpoints: dict[str, Template]) -> list[Wide]:
    return list(wide({**templates, **endpoints}))


def test_every_wildcard_has_its_reason(found: list[Wide]) -> None:
    assert found
    unexplained = [
        each
        for each in found
        if not each.reason and (each.kind, each.effect, " ".join(each.actions)) not in RESOURCE_POLICIES
    ]
    assert not unexplained


def test_no_role_is_granted_a_family_of_actions(found: list[Wide]) -> None:
    assert not [
        each for each in found if each.kind == "AWS::IAM::Role" and any("*" in action for action in each.actions)
    ]


def test_every_reason_is_needed(found: list[Wide]) -> None:
    needed = {(each.kind, each.effect, " ".join(each.actions)) for each in found if not each.reason}
    assert set(RESOURCE_POLICIES) == needed


def test_a_wildcard_without_a_reason_is_seen() -> None:
    statement = {"Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::b"}
    role = {"Type": "AWS::IAM::Role", "Properties": {"Policies": [{"PolicyDocument": {"Statement": statement}}]}}
    (seen,) = wide({"s": Template({"Resources": {"R": role}}, {})})
    assert (seen.actions, seen.reason) == (("s3:Get*",), "")


def test_endpoint_templates_grant_nothing(endpoints: dict[str, Template]) -> None:
    for template in endpoints.values():
        assert not [document for resource in template.all["Resources"].values() for document in documents(resource)]
