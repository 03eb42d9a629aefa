"""Two deployments, or two runs, under one lease: the one that began later has the stack in hand."""

import json

import pytest

from tests.flow.faults.planning import refusal
from tests.flow.faults.scenarios import Stage, closed_again, held_by_the_dead
from tests.flow.product import Product, Run, until
from tests.flow.releases import HOLD, NEW, OLD, is_champion, lease_comes_free, released_before
from tests.flow.test_stack_statuses import UNSOUND, Stack, template

pytestmark = [pytest.mark.long(2), pytest.mark.timeout(300)]


def served(stack: Stack) -> str:
    """The description of the template that the stack was made from."""
    body = stack.cloudformation.get_template(StackName=stack.name)["TemplateBody"]
    return str((body if isinstance(body, dict) else json.loads(body))["Description"])


@pytest.mark.parametrize(
    ("action", "state"),
    [("dynamodb:UpdateItem", "Hold Lease"), ("cloudformation:DescribeChangeSet", "Look At Change Set")],
)
def test_a_deployment_that_was_overtaken_under_its_lease_executes_nothing(product, plan, action, state):
    stack = Stack(product, f"fences-overtaken-{state.split()[0].lower()}")
    stack.deploy().ends_in("Stack Deployed")
    plan.add({"action": action, "state": state, "effect": "hang"})
    former = stack.deploy(template("Of the former"))
    until(f"its call in {state}", lambda: plan.met() == 1)
    stack.deploy(template("Of the later")).ends_in("Stack Deployed")
    plan.clear()
    former.ends_in("Lease Lost")
    assert "Execute Change Set" not in former.states()
    assert served(stack) == "Of the later"


def test_what_an_overtaken_deployment_executes_too_late_is_gone(product, plan):
    stack = Stack(product, "fences-late")
    stack.deploy(template("Of the champion")).ends_in("Stack Deployed")
    plan.add({"action": "cloudformation:ExecuteChangeSet", "state": "Execute Change Set", "effect": "hang"})
    former = stack.deploy(template("Of the former"))
    until("its last step", lambda: plan.met() == 1)
    later = stack.deploy(template("Of the champion"))
    later.ends_in("Stack Deployed")
    assert "Delete Overtaken Change Set" in later.states()
    # The call is made again, as its caller would: what it would have executed is not there.
    product.advance(61)
    former.ends_in("Lease Lost")
    assert served(stack) == "Of the champion"


def test_a_stack_that_has_just_begun_to_change_is_waited_for(product, plan):
    stack = Stack(product, "fences-busy")
    stack.deploy().ends_in("Stack Deployed")
    busy = {
        "code": "ValidationError",
        "status": 400,
        "message": "Stack is in UPDATE_IN_PROGRESS state and can not be updated.",
    }
    refused = {
        "action": "cloudformation:CreateChangeSet",
        "state": "Create Change Set",
        "effect": "error",
        "error": busy,
    }
    # As often as one visit to the state tries.
    plan.add({**refused, "hits": 4})
    deployment = stack.deploy(template("Two"))
    deployment.ends_in("Stack Deployed")
    assert "Stack Busy?" in deployment.states()


def test_a_roll_back_that_nobody_can_look_at_is_not_told_as_done(product, plan):
    stack = Stack(product, "fences-roll-back")
    stack.deploy().ends_in("Stack Deployed")
    plan.add(refusal(action="cloudformation:DescribeStacks", state="Look At Stack", pass_first=1))
    stack.deploy(image=UNSOUND).ends_in("Deployment Unseen")


def test_a_failed_creation_is_deleted_by_its_id(product, plan):
    stack = Stack(product, "fences-creation")
    stack.deploy(image=UNSOUND).ends_in("Deployment Failed")
    former_id = stack.cloudformation.describe_stacks(StackName=stack.name)["Stacks"][0]["StackId"]
    plan.add({"action": "cloudformation:DeleteStack", "state": "Delete Failed Creation", "effect": "hang"})
    former = stack.deploy()
    until("its deletion", lambda: plan.met() == 1)
    stack.cloudformation.delete_stack(StackName=former_id)
    until("the stack to be gone", lambda: stack.status() == "NONE")
    stack.deploy(template("Of the later")).ends_in("Stack Deployed")
    product.advance(61)
    until("its deletion, again", lambda: former.states()[-1] not in ("Delete Failed Creation", "Wait For Repair"))
    assert stack.status() != "NONE"
    former.ends_in("Lease Lost")
    assert served(stack) == "Of the later"


def test_a_newer_run_that_is_stopped_leaves_the_older_one_as_it_was(product: Product, plan, iris):
    product.model("fences-mark")
    plan.add({"action": "lambda:InvokeFunction", "state": "Smoke Test", "effect": "hang"})
    older = product.start("fences-mark", iris, OLD)
    until("the older run to have the lease", lambda: plan.met() == 1)
    newer = product.start("fences-mark", iris, NEW).reaches("Wait For Release Lease")
    assert "superseded_by" in product.ledger("fences-mark")["lease"]
    product.stepfunctions.stop_execution(executionArn=newer.arn)
    until("the mark to be taken back", lambda: "superseded_by" not in product.ledger("fences-mark")["lease"])
    plan.clear()
    older.approve()
    lease_comes_free(product, "fences-mark")
    is_champion(product, "fences-mark", older)


def test_two_runs_that_wait_for_the_same_dead_holder_each_have_it_closed(product: Product, plan, iris):
    """The first one's close-run comes to nothing."""
    model = "fences-holder"
    product.model(model, HOLD)
    dead = held_by_the_dead(product, model, "hold")
    plan.add(refusal(action="lambda:InvokeFunction", state="Pass Lease"))
    older = product.start(model, iris, OLD).reaches("Wait For Release Lease")
    product.advance(901)
    older.reaches("Close Holder")
    until("its close-run to fail", lambda: dead.closing_statuses() == ["FAILED"])
    plan.clear()
    newer = product.start(model, iris, NEW).reaches("Wait For Release Lease")
    product.advance(901)
    newer.reaches("Close Holder")
    newer.approve()
    older.ends_in("Superseded")


def test_a_run_that_was_redriven_overtakes_the_restoration_of_its_champion(product: Product, plan, iris):
    """It puts the champion back itself before it begins again."""
    model = "fences-redriven"
    released_before(product, model, iris)
    run = product.start(model, iris, NEW).reaches("Request Approval")
    look = {"action": "cloudformation:DescribeStacks", "state": "Look At Deployment", "body": f"{model}-prd"}
    restore = {"action": "states:StartExecution", "state_machine": "close-run", "state": "Restore Champion"}
    plan.add({**look, "effect": "hang"}, {**restore, "effect": "hang"})
    run.decide("approve")
    until("the deployment to be on its way", lambda: plan.met() == 1)
    product.stepfunctions.stop_execution(executionArn=run.arn)
    until("the restoration to begin", lambda: plan.met() == 2)
    product.stepfunctions.redrive_execution(executionArn=run.arn)
    run.approve_from_the_terminal()
    assert run.states()[-1] == "Model Deployed"
    assert "Undo Production" in run.states()
    plan.clear()
    until("close-run to end", lambda: run.closings()[-1]["status"] != "RUNNING")
    closed = Run(product, run.closings()[-1]["executionArn"]).states()
    assert "Restoration Overtaken?" in closed
    assert "Announce Outcome" not in closed
    lease_comes_free(product, model)
    is_champion(product, model, run)


def test_close_run_that_begins_again_finds_the_champion_restored(product: Product, plan, iris):
    closed_again(Stage(product, plan, "fences-again", iris), lambda: None)


def test_a_run_that_goes_on_is_looked_at_three_times_before_it_is_believed(product: Product, iris):
    product.model("fences-stale")
    run = product.start("fences-stale", iris, NEW).reaches("Request Approval")
    machine = product.deployment.promote_model_arn.replace(":promote-model", ":close-run")
    told = json.dumps({"detail": {"executionArn": run.arn}})
    early = product.stepfunctions.start_execution(stateMachineArn=machine, input=told)["executionArn"]
    believed = Run(product, early).reaches("Run Goes On")
    assert believed.states().count("Look At Run") == 3
    run.approve()
