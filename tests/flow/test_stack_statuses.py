"""deploy-stack against every status that a CloudFormation stack can have, each reached through real operations."""

import json
from typing import Any

import pytest

from commands.history import entered, read_events
from tests.flow.product import Product, until

HOLDER = "arn:aws:states:us-east-1:123456789012:execution:promote-model:stack-statuses"
SOUND, UNSOUND = "123456789012.dkr.ecr.us-east-1.amazonaws.com/mlops-image:latest", "not an image"
STABLE = ("COMPLETE", "FAILED")


def template(description: str = "One", *, more_tags: bool = False) -> dict[str, Any]:
    """Two models, the second after the first. Only the second's image can be unsound."""

    def model(image: Any) -> dict[str, Any]:
        return {"ExecutionRoleArn": {"Ref": "ExecutionRoleArn"}, "PrimaryContainer": {"Image": image}}

    tags = [{"Key": "mlops:first", "Value": description}, *([{"Key": "mlops:more", "Value": "x"}] if more_tags else [])]
    return {
        "Description": description,
        "Parameters": {name: {"Type": "String"} for name in ("Image", "ExecutionRoleArn")},
        "Resources": {
            "First": {"Type": "AWS::SageMaker::Model", "Properties": {**model(SOUND), "Tags": tags}},
            "Second": {"Type": "AWS::SageMaker::Model", "DependsOn": "First", "Properties": model({"Ref": "Image"})},
        },
        "Outputs": {"Image": {"Value": {"Ref": "Image"}}},
    }


class Stack:
    """One stack, and executions of deploy-stack that bring it up."""

    def __init__(self, product: Product, name: str) -> None:
        self.product = product
        self.name = f"mlops-deploy-{name}"
        self.model = name
        self.cloudformation = product.client("cloudformation")
        machines = product.stepfunctions.list_state_machines()["stateMachines"]
        self.machine = next(each["stateMachineArn"] for each in machines if each["name"] == "deploy-stack")
        self.roles = {kind: product.role(kind) for kind in ("DeploymentRole", "EndpointRole")}
        self.holds(HOLDER)

    def holds(self, holder: str, **marks: str) -> None:
        item = {"pk": f"model#{self.model}", "sk": "lease", "execution_arn": holder, "phase": "development", **marks}
        self.product.client("dynamodb").put_item(
            TableName="mlops-ledger", Item={name: {"S": text} for name, text in item.items()}
        )

    def url(self, document: dict[str, Any]) -> str:
        pointer = json.loads(self.product._parameter("iris-model"))
        stored = self.product._store(json.dumps(document))
        url = pointer["production"]["template_url"]
        return url.replace(url.rsplit("/", 1)[-1], stored["key"])

    def parameters(self, image: str) -> list[dict[str, str]]:
        values = {"Image": image, "ExecutionRoleArn": self.roles["EndpointRole"]}
        return [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()]

    def deploy(
        self,
        document: dict[str, Any] | None = None,
        image: str = SOUND,
        scaled_shape: str = "",
        named: str = "",
        **lease: str,
    ) -> "Deployment":
        """Start a deployment; with a name, the same one again."""
        given = {
            "stack": self.name,
            "template_url": self.url(document or template()),
            "scaled_shape": scaled_shape,
            "parameters": self.parameters(image),
            "tags": [{"Key": "mlops:model", "Value": self.model}],
            "lease": {"model": self.model, "holder": HOLDER, "phase": "development", **lease},
        }
        started = self.product.stepfunctions.start_execution(
            stateMachineArn=self.machine, input=json.dumps(given), **({"name": named} if named else {})
        )
        return Deployment(self.product, started["executionArn"])

    def change(self, kind: str, name: str, document: dict[str, Any] | None = None, image: str = SOUND) -> None:
        """A change set of somebody else's."""
        self.cloudformation.create_change_set(
            StackName=self.name,
            ChangeSetName=name,
            ChangeSetType=kind,
            TemplateURL=self.url(document or template()),
            Parameters=self.parameters(image),
            RoleARN=self.roles["DeploymentRole"],
        )
        until(
            "the change set",
            lambda: (
                self.cloudformation.describe_change_set(StackName=self.name, ChangeSetName=name)["Status"]
                in ("CREATE_COMPLETE", "FAILED")
            ),
        )

    def status(self) -> str:
        try:
            return str(self.cloudformation.describe_stacks(StackName=self.name)["Stacks"][0]["StackStatus"])
        except self.cloudformation.exceptions.ClientError:
            return "NONE"

    def comes_to(self, status: str) -> None:
        until(f"{self.name} to be {status}", lambda: self.status() == status, 30)

    def deny(self, *actions: str) -> None:
        """The deployment role may not do this any more; `allow` takes it back."""
        self.product.deny(self.roles["DeploymentRole"], *actions)

    def allow(self) -> None:
        self.product.allow(self.roles["DeploymentRole"])


class Deployment:
    """One execution of deploy-stack."""

    def __init__(self, product: Product, arn: str) -> None:
        self.product, self.arn = product, arn

    def states(self) -> list[str]:
        return [step.state for step in entered(read_events(self.product.stepfunctions, self.arn))]

    def reaches(self, state: str) -> "Deployment":
        until(state, lambda: state in self.states())
        return self

    def ends_in(self, state: str) -> dict[str, Any]:
        until(
            "its end",
            lambda: self.product.stepfunctions.describe_execution(executionArn=self.arn)["status"] != "RUNNING",
        )
        ended = self.product.stepfunctions.describe_execution(executionArn=self.arn)
        assert self.states()[-1] == state, f"{self.states()}: {ended.get('cause')}"
        return ended


@pytest.fixture
def stack(product, request):
    made = Stack(product, request.node.name.removeprefix("test_").replace("_", "-")[:40].strip("-"))
    yield made
    made.allow()


def test_none(stack):
    assert stack.status() == "NONE"
    output = json.loads(stack.deploy().ends_in("Stack Deployed")["output"])
    assert output == {"stack": stack.name, "changed": True, "outputs": {"Image": SOUND}}
    assert stack.status() == "CREATE_COMPLETE"


def test_create_complete_then_update_complete(stack):
    stack.deploy().ends_in("Stack Deployed")
    assert stack.status() == "CREATE_COMPLETE"
    stack.deploy(template("Two")).ends_in("Stack Deployed")
    assert stack.status() == "UPDATE_COMPLETE"
    stack.deploy(template("Three")).ends_in("Stack Deployed")


def test_an_empty_change_set_is_a_success_and_is_deleted(stack):
    stack.deploy().ends_in("Stack Deployed")
    again = stack.deploy()
    assert json.loads(again.ends_in("Stack Deployed")["output"])["changed"] is False
    assert "Delete Empty Change Set" in again.states()
    left = stack.cloudformation.list_change_sets(StackName=stack.name)["Summaries"]
    assert not [each for each in left if each["Status"] == "FAILED"]


def test_rollback_complete_is_deleted_and_created_anew(stack):
    failed = stack.deploy(image=UNSOUND)
    cause = failed.ends_in("Deployment Failed")["cause"]
    assert "Second (AWS::SageMaker::Model)" in cause
    assert stack.status() == "ROLLBACK_COMPLETE"
    repaired = stack.deploy()
    repaired.ends_in("Stack Deployed")
    assert "Delete Failed Creation" in repaired.states()


def test_review_in_progress(stack):
    stack.change("CREATE", "never-executed")
    assert stack.status() == "REVIEW_IN_PROGRESS"
    stack.deploy().ends_in("Stack Deployed")


def test_another_update_in_progress_is_waited_for(stack):
    stack.deploy().ends_in("Stack Deployed")
    stack.change("UPDATE", "somebody-elses", template("Somebody else's"))
    stack.cloudformation.execute_change_set(StackName=stack.name, ChangeSetName="somebody-elses")
    stack.deploy(template("Ours")).ends_in("Stack Deployed")
    served = stack.cloudformation.get_template(StackName=stack.name)["TemplateBody"]
    assert (served if isinstance(served, dict) else json.loads(served))["Description"] == "Ours"


def test_a_failure_is_rolled_back(stack):
    stack.deploy().ends_in("Stack Deployed")
    cause = stack.deploy(image=UNSOUND).ends_in("Deployment Failed")["cause"]
    assert "UPDATE_ROLLBACK_COMPLETE" in cause
    assert "Second (AWS::SageMaker::Model)" in cause
    assert stack.status() == "UPDATE_ROLLBACK_COMPLETE"
    stack.deploy(template("Three")).ends_in("Stack Deployed")


def rollback_failed(stack: Stack) -> None:
    """What an update has added cannot be taken away again."""
    stack.deploy().ends_in("Stack Deployed")
    stack.deny("sagemaker:DeleteTags")
    stack.change("UPDATE", "half-way", template(more_tags=True), UNSOUND)
    stack.cloudformation.execute_change_set(StackName=stack.name, ChangeSetName="half-way")
    stack.comes_to("UPDATE_ROLLBACK_FAILED")


def test_update_rollback_failed_is_continued(stack):
    rollback_failed(stack)
    stack.allow()
    repaired = stack.deploy(template("Three"))
    repaired.ends_in("Stack Deployed")
    assert "Continue Rollback" in repaired.states()


def test_update_rollback_failed_for_good_needs_a_person(stack):
    rollback_failed(stack)
    stuck = stack.deploy(template("Three"))
    ended = stuck.ends_in("Stack Needs A Person")
    assert stuck.states().count("Continue Rollback") == 3
    assert ended["error"] == "StackBroken"
    assert stack.status() == "UPDATE_ROLLBACK_FAILED"


def test_delete_in_progress_is_waited_for(stack):
    stack.deploy().ends_in("Stack Deployed")
    stack.cloudformation.delete_stack(StackName=stack.name)
    stack.deploy().ends_in("Stack Deployed")
    assert stack.status() == "CREATE_COMPLETE"


def test_delete_failed_of_a_stack_that_served_is_left_to_people(stack):
    stack.deploy().ends_in("Stack Deployed")
    stack.deny("sagemaker:DeleteModel")
    stack.cloudformation.delete_stack(StackName=stack.name, RoleARN=stack.roles["DeploymentRole"])
    stack.comes_to("DELETE_FAILED")
    stack.allow()
    refused = stack.deploy()
    assert "DELETE_FAILED" in refused.ends_in("Stack Needs A Person")["cause"]
    assert "Delete Failed Creation" not in refused.states()
    assert stack.status() == "DELETE_FAILED"


def test_delete_failed_of_a_creation_that_failed_is_tried_again(stack):
    stack.deploy(image=UNSOUND).ends_in("Deployment Failed")
    stack.deny("cloudformation:DeleteStack", "sagemaker:DeleteModel")
    repairing = stack.deploy()
    repairing.reaches("Delete Failed Creation")
    stack.allow()
    repairing.ends_in("Stack Deployed")


def test_a_stack_that_served_is_never_deleted():
    from statemachine.loader import DEPLOY_STACK, read_definition

    choices = read_definition(DEPLOY_STACK)["States"]["Stack Ready?"]["Choices"]
    deleting = [choice["Condition"] for choice in choices if choice["Next"] == "Delete Failed Creation"]
    assert deleting == [
        "{% $status in ['ROLLBACK_COMPLETE', 'ROLLBACK_FAILED', 'CREATE_FAILED'] and $repairs < 3 %}",
        "{% $status = 'DELETE_FAILED' and $deleting and $repairs < 3 %}",
    ]


def test_a_run_without_the_lease_touches_nothing(stack):
    stack.holds("arn:aws:states:us-east-1:123456789012:execution:promote-model:another")
    assert stack.deploy().ends_in("Lease Lost")["error"] == "LeaseLost"
    assert stack.status() == "NONE"


def test_under_the_closed_lease_of_an_ended_run_only_its_closing_deploys(stack):
    stack.holds(HOLDER, closed_by="the-run-closed-0")
    assert stack.deploy().ends_in("Lease Lost")["error"] == "LeaseLost"
    assert stack.deploy(closing="another-closed-0").ends_in("Lease Lost")["error"] == "LeaseLost"
    assert stack.status() == "NONE"
    stack.deploy(closing="the-run-closed-0").ends_in("Stack Deployed")
