"""`kill -9` of the embedded cloud while a stack is found in another state than usual, or an ended run is closed."""

import json

import pytest

from tests.flow.faults.planning import refusal
from tests.flow.kills.story import Story
from tests.flow.kills.telling import Tale, tell, told_in_turn
from tests.flow.product import Run
from tests.flow.releases import is_champion
from tests.flow.test_stack_statuses import HOLDER, UNSOUND, Stack, template

pytestmark = [pytest.mark.full, pytest.mark.long(6), pytest.mark.timeout(900)]


def stack_of(story: Story) -> Stack:
    """A stack of two models, which serve nobody."""
    story.released = False
    story.deploys()
    return story.surely(lambda: Stack(story.product, story.model))


def deployed(story: Story, stack: Stack, number: int, state: str, description: str = "One") -> None:
    """A deployment of the template, and its end."""
    deployment = story.surely(lambda: stack.deploy(template(description), named=f"{story.model}-{number}"))
    describe = story.product.stepfunctions.describe_execution
    story.waits_for(
        f"the end of deployment {number}",
        lambda: describe(executionArn=deployment.arn)["status"] != "RUNNING",
    )
    story.surely(lambda: deployment.ends_in(state))


def stuck(story: Story, _: str) -> None:
    """A roll back stopped half way: it is continued three times in vain, and then to its end."""
    stack = stack_of(story)
    deployed(story, stack, 1, "Stack Deployed")
    story.surely(lambda: stack.deny("sagemaker:DeleteTags"))
    story.surely(lambda: stack.change("UPDATE", "half-way", template(more_tags=True), UNSOUND))
    story.surely(lambda: stack.cloudformation.execute_change_set(StackName=stack.name, ChangeSetName="half-way"))
    story.waits_for("the roll back to stop", lambda: stack.status() == "UPDATE_ROLLBACK_FAILED")
    deployed(story, stack, 2, "Stack Needs A Person", "Three")
    story.surely(stack.allow)
    deployed(story, stack, 3, "Stack Deployed", "Three")


def nothing_to_do(story: Story, _: str) -> None:
    """The stack is as it should be; and again, while another deployment was about to change it."""
    stack = stack_of(story)
    deployed(story, stack, 1, "Stack Deployed")
    deployed(story, stack, 2, "Stack Deployed")
    story.surely(lambda: stack.change("UPDATE", "deploy-1-overtaken", template("Two")))
    deployed(story, stack, 3, "Stack Deployed")
    left = story.surely(lambda: stack.cloudformation.list_change_sets(StackName=stack.name)["Summaries"])
    assert not [each for each in left if each["ExecutionStatus"] == "AVAILABLE"]


def unseen(story: Story, _: str) -> None:
    """Another run holds the lease; CloudFormation has no time; nobody knows whether it has heard; the stack is busy."""
    stack = stack_of(story)
    story.surely(lambda: stack.holds("another"))
    deployed(story, stack, 1, "Lease Lost")
    story.surely(lambda: stack.holds(HOLDER))
    # As often as the call is tried before the machine itself waits.
    throttled = {"code": "Throttling", "status": 400, "message": "Rate exceeded"}
    look = {"action": "cloudformation:DescribeStacks", "state": "Look At Stack"}
    with story.failing({**look, "effect": "error", "error": throttled, "hits": 7}):
        deployed(story, stack, 2, "Stack Deployed")
    unclear = {"code": "InsufficientCapabilitiesException", "status": 400, "message": "No."}
    execute = {"action": "cloudformation:ExecuteChangeSet", "effect": "error", "error": unclear, "hits": 99}
    with story.failing(execute):
        deployed(story, stack, 3, "Deployment Unseen", "Two")
    deployed(story, stack, 4, "Stack Deployed", "Two")
    busy = {
        **unclear,
        "code": "ValidationError",
        "message": "Stack is in UPDATE_IN_PROGRESS state and can not be updated.",
    }
    create = {"action": "cloudformation:CreateChangeSet", "effect": "error", "error": busy, "hits": 4}
    with story.failing(create):
        deployed(story, stack, 5, "Stack Deployed", "Three")


def closed_again(story: Story, iris: str) -> None:
    """close-run finds a run that lives; restores the champion of a stopped one and cannot pass its lease on; and can."""
    story.deploys()
    first = story.begins(iris, 1)
    story.ends(first, "Model Deployed")
    with story.failing(refusal(action="lambda:InvokeFunction", state="Pass Lease")):
        second = story.begins(iris, 2)
        story.asks(second)
        close(story, second, "early")
        story.waits_for("a closing of nothing", lambda: second.closing_statuses() == ["SUCCEEDED"])
        story.goes_on("production", second, lambda: story.product.lease_phase(story.model) == "production")
        story.surely(lambda: story.product.stepfunctions.stop_execution(executionArn=second.arn))
        story.waits_for("a closing in vain", lambda: sorted(second.closing_statuses()) == ["FAILED", "SUCCEEDED"])
    close(story, second, "again")
    story.waits_for("the free lease", lambda: story.product.lease_is_free(story.model))
    assert story.surely(second.describe)["status"] == "ABORTED"
    story.surely(lambda: is_champion(story.product, story.model, first))


def close(story: Story, run: Run, name: str) -> None:
    """Start close-run as a run does that waits for this one."""
    machine = story.product.deployment.promote_model_arn.replace(":promote-model", ":close-run")
    about = json.dumps({"model": story.model, "detail": {"executionArn": run.arn}})
    named = {"stateMachineArn": machine, "name": f"{story.model}-{name}", "input": about}
    story.surely(lambda: story.product.stepfunctions.start_execution(**named))


DIES_AT: dict[Tale, tuple[str, ...]] = {
    stuck: (
        "DeployStackRole/cloudformation:ContinueUpdateRollback",
        "DeploymentRole/sagemaker:DeleteTags",
        "deploy-stack/Wait For Alarms",
        "deploy-stack/Continue Rollback",
        "deploy-stack/Stack Needs A Person",
    ),
    nothing_to_do: (
        "DeployStackRole/cloudformation:DeleteChangeSet",
        "DeployStackRole/cloudformation:ListChangeSets",
        "deploy-stack/Delete Empty Change Set",
        "deploy-stack/List Change Sets",
        "deploy-stack/Change Sets Left?",
        "deploy-stack/Delete Overtaken Change Set",
        "deploy-stack/Try Again?",
    ),
    unseen: (
        "deploy-stack/Lease Lost",
        "deploy-stack/Wait For Other Operation",
        "deploy-stack/Deployment Unseen",
        "deploy-stack/Stack Busy?",
    ),
    closed_again: (
        "close-run/Wait For Status",
        "close-run/Run Goes On",
        "close-run/Not Closed",
        "close-run/Look At Restoration",
        "close-run/Restoration Overtaken?",
    ),
}


@pytest.mark.parametrize("tale", told_in_turn(DIES_AT, first=2))
def test_a_stack_comes_to_rest_whenever_the_cloud_dies(cloud, iris, tale):
    tell(cloud, tale, DIES_AT[tale], iris)
