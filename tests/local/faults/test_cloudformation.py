"""Passing faults of what CloudFormation's handlers call: the stack comes up as without them, as on AWS."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from tests.local.cloud_process import CloudProcess, allow, until
from tests.local.faults.conftest import Planned

Plan = Callable[..., Planned]
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/mlops-image:latest"
THROTTLED = {"code": "ThrottlingException", "status": 400, "message": "Rate exceeded"}
BROKEN = {"code": "InternalFailure", "status": 500, "message": "An unknown error."}


class Stack:
    """A stack of one model, changed through change sets under a role of its own."""

    def __init__(self, cloud: CloudProcess) -> None:
        self.name = f"faults-{uuid.uuid4().hex[:8]}"
        self.client = cloud.client("cloudformation")
        self.sagemaker = cloud.client("sagemaker")
        self.role_name = f"{self.name}-role"
        rights = [allow(["sagemaker:*", "iam:PassRole"])]
        self.role = cloud.role(self.role_name, "cloudformation.amazonaws.com", rights)
        self.model_role = cloud.role(f"{self.name}-model", "sagemaker.amazonaws.com")

    def create(self, token: str) -> str:
        model = {
            "Type": "AWS::SageMaker::Model",
            "Properties": {"ExecutionRoleArn": self.model_role, "PrimaryContainer": {"Image": IMAGE}},
        }
        change_set = self.client.create_change_set(
            StackName=self.name,
            ChangeSetName="create",
            ChangeSetType="CREATE",
            TemplateBody=json.dumps({"Resources": {"Model": model}}),
            RoleARN=self.role,
        )["Id"]
        self.execute(change_set, token)
        return change_set

    def execute(self, change_set: str, token: str) -> None:
        self.client.execute_change_set(ChangeSetName=change_set, ClientRequestToken=token)

    def comes_to(self, status: str) -> None:
        def found() -> bool:
            return self.client.describe_stacks(StackName=self.name)["Stacks"][0]["StackStatus"] == status

        until(f"{self.name} to be {status}", found)

    def models(self) -> int:
        return len(self.sagemaker.list_models(NameContains=self.name)["Models"])


@pytest.fixture
def stack(shared_cloud: CloudProcess) -> Stack:
    return Stack(shared_cloud)


@pytest.mark.parametrize(
    "fault",
    [
        {"effect": "error", "error": THROTTLED, "hits": 3},
        {"effect": "error", "error": BROKEN},
        {"effect": "lost-call"},
        {"effect": "lost-reply"},
    ],
    ids=["throttled", "broken", "lost call", "lost reply"],
)
def test_a_handler_tries_again_and_makes_one_resource(stack: Stack, plan: Plan, fault: dict[str, Any]) -> None:
    plan(action="sagemaker:CreateModel", principal=stack.role_name, **fault)
    stack.create("once")
    stack.comes_to("CREATE_COMPLETE")
    assert stack.models() == 1
    assert [each["met"] for each in plan()] == [fault.get("hits", 1)]


def test_a_limit_is_no_passing_fault(stack: Stack, plan: Plan) -> None:
    limit = {"code": "ResourceLimitExceeded", "status": 400, "message": "The account-level service limit is 0."}
    plan(action="sagemaker:CreateModel", principal=stack.role_name, effect="error", error=limit, hits=9)
    stack.create("once")
    stack.comes_to("ROLLBACK_COMPLETE")
    assert [each["met"] for each in plan()] == [1]
    events = stack.client.describe_stack_events(StackName=stack.name)["StackEvents"]
    assert any("HandlerErrorCode: ServiceLimitExceeded" in event.get("ResourceStatusReason", "") for event in events)


def test_throttling_without_an_end_fails_the_stack(stack: Stack, plan: Plan) -> None:
    plan(action="sagemaker:CreateModel", principal=stack.role_name, effect="error", error=THROTTLED, hits=99)
    stack.create("once")
    stack.comes_to("ROLLBACK_COMPLETE")


def test_an_execution_that_is_asked_for_again_with_its_token_goes_on(stack: Stack) -> None:
    change_set = stack.create("token-1")
    stack.execute(change_set, "token-1")
    with pytest.raises(stack.client.exceptions.InvalidChangeSetStatusException):
        stack.execute(change_set, "token-2")
    stack.comes_to("CREATE_COMPLETE")
    stack.execute(change_set, "token-1")
    assert stack.models() == 1
