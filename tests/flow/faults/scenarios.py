"""How each Task state is reached: the way through a release, and what leads off it.

A scenario begins by making everything that must be there before; then it calls `begin`, from where on faults may
happen; then it goes on to its end and checks that everything is as it would be without them.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from commands.audit import read_audit
from tests.flow.faults.planning import Plan, refusal
from tests.flow.faults.results import released_once, told_once
from tests.flow.product import Product, Run, until
from tests.flow.releases import (
    HOLD,
    NEW,
    NEWER,
    OLD,
    OLDER,
    is_champion,
    lease_comes_free,
    one_endpoint_each,
    released_before,
)
from tests.flow.test_stack_statuses import UNSOUND, Stack, rollback_failed, template

Begin = Callable[[], None]


@dataclass
class Stage:
    """What a scenario works with; every name in it is its own."""

    product: Product
    plan: Plan
    model: str
    iris: str

    def stack(self) -> Stack:
        return Stack(self.product, self.model)

    def released_before(self) -> Run:
        return released_before(self.product, self.model, self.iris)


def approved(stage: Stage, begin: Begin) -> None:
    """From the drop to Model Deployed."""
    stage.product.model(stage.model)
    begin()
    run = stage.product.drop(stage.model, stage.iris)
    run.approve()
    released_once(stage.product, run)


def training_found(stage: Stage, begin: Begin) -> None:
    """The reply about the new training job gets lost, so the job is found and waited for."""
    stage.product.model(stage.model)
    begin()
    stage.plan.add({"action": "sagemaker:CreateTrainingJob", "effect": "lost-reply"})
    run = stage.product.drop(stage.model, stage.iris)
    run.approve()
    assert "Look At Training" in run.states()
    released_once(stage.product, run)


def superseded(stage: Stage, begin: Begin) -> None:
    """A newer run withdraws the question of an older one, waits, and is released."""
    product = stage.product
    product.model(stage.model)
    older = product.start(stage.model, stage.iris, OLD).reaches("Request Approval")
    older.mail()
    begin()
    newer = product.start(stage.model, stage.iris, NEW)
    older.ends_in("Superseded")
    newer.approve()
    released_once(product, newer, number=2, runs=2)
    told_once(older)
    assert product.packages(stage.model)[1] == "Rejected"


def dead_holder(stage: Stage, begin: Begin, meanwhile: Callable[[Run], None] = lambda _: None) -> None:
    """The lease belongs to an execution that Step Functions has forgotten; a run takes it over after a long wait.

    `meanwhile` is called when that wait is over.
    """
    product, model = stage.product, stage.model
    product.model(model)
    held_by_the_dead(product, model, "newest")
    begin()
    run = product.start(model, stage.iris, NEW).reaches("Wait For Release Lease")
    product.advance(901)
    meanwhile(run)
    run.reaches("Close Holder")
    run.approve()
    released_once(product, run)


def held_by_the_dead(product: Product, model: str, policy: str) -> Run:
    """A run that Step Functions has forgotten, whose lease nobody has closed."""
    dead = product.run_named(f"0-forgotten-{model}")
    lease = {"execution_arn": dead.arn, "priority": OLDER, "policy": policy, "phase": "production"}
    item = {"pk": {"S": f"model#{model}"}, "sk": {"S": "lease"}, "arrivals": {"N": "0"}}
    product.client("dynamodb").put_item(
        TableName="mlops-ledger", Item={**item, **{name: {"S": text} for name, text in lease.items()}}
    )
    return dead


def champion_changed(stage: Stage, begin: Begin) -> None:
    """Another run is released while this one waits, so this one trains and compares again."""
    product = stage.product
    product.model(stage.model, HOLD)
    first = product.start(stage.model, stage.iris, OLD).reaches("Request Approval")
    second = product.start(stage.model, stage.iris, NEW).reaches("Wait For Release Lease")
    begin()
    first.approve()
    second.approve()
    lease_comes_free(product, stage.model)
    assert second.states().count("Train Model") == 2
    assert product.packages(stage.model) == {1: "Approved", 2: "Rejected", 3: "Approved"}
    assert product.champion(stage.model) == f"{stage.model}-3"
    one_endpoint_each(product, stage.model)


def champion_kept(stage: Stage, first: Run, second: Run) -> None:
    """The second run has changed nothing for good, and people know."""
    product = stage.product
    lease_comes_free(product, stage.model)
    is_champion(product, stage.model, first)
    assert product.packages(stage.model)[2] == "Rejected"
    one_endpoint_each(product, stage.model)
    until("the mail about the end", second.outcome_mails)
    told_once(second)


def refuse(stage: Stage, **where: str | int) -> None:
    """Such a call is refused however often it is made."""
    stage.plan.add(refusal(**where))


def taken_back(stage: Stage, begin: Begin, **refused: str) -> Run:
    """The second release reaches production, where such a call is refused, and the champion comes back."""
    first = stage.released_before()
    refuse(stage, **refused)
    second = stage.product.start(stage.model, stage.iris, NEW)
    begin()
    second.decide("approve")
    second.ends_in("Production Restored")
    champion_kept(stage, first, second)
    return second


def restored(stage: Stage, begin: Begin) -> None:
    """The second release cannot be verified in production, and is taken back."""
    taken_back(stage, begin, action="sagemaker:DescribeEndpoint", principal="VerifyProduction")


def unrecorded(stage: Stage, begin: Begin) -> None:
    """The second release cannot be recorded, and is taken back."""
    second = taken_back(stage, begin, action="dynamodb:TransactWriteItems", state="Record Release")
    assert "Look At Record" in second.states()


def stopped(stage: Stage, begin: Begin) -> None:
    """Somebody stops the second run while it deploys to production; close-run puts all in order."""
    first = stage.released_before()
    second = stage.product.start(stage.model, stage.iris, NEW)
    second.mail()
    begin()
    second.decide("approve")
    second.reaches("Deploy Production")
    stage.product.stepfunctions.stop_execution(executionArn=second.arn)
    assert second.ends()["status"] == "ABORTED"
    champion_kept(stage, first, second)


def closed_again(stage: Stage, begin: Begin) -> None:
    """close-run has restored the champion and cannot pass the lease on; it is started once more."""
    first = stage.released_before()
    second = stage.product.start(stage.model, stage.iris, NEW)
    second.mail()
    refuse(stage, action="lambda:InvokeFunction", state="Pass Lease")
    second.decide("approve")
    until("production to be deployed", lambda: stage.product.lease_phase(stage.model) == "production")
    stage.product.stepfunctions.stop_execution(executionArn=second.arn)
    until("the end of close-run", lambda: second.closing_statuses() == ["FAILED"])
    stage.plan.clear()
    begin()
    second.close_again()
    champion_kept(stage, first, second)


def undone(stage: Stage, begin: Begin) -> None:
    """A run had begun to change production when it lost its lease; having it back, it begins with the champion."""
    stage.released_before()
    second = stage.product.start(stage.model, stage.iris, NEW).reaches("Request Approval")
    opened_and_closed(stage.product, stage.model)
    begin()
    second.decide("approve")
    second.approve_from_the_terminal()
    assert second.states()[-1] == "Model Deployed"
    is_champion(stage.product, stage.model, second)
    lease_comes_free(stage.product, stage.model)
    one_endpoint_each(stage.product, stage.model)


def opened_and_closed(product: Product, model: str) -> None:
    """The model's lease, as a deployment to production and close-run leave it."""
    product.client("dynamodb").update_item(
        TableName="mlops-ledger",
        Key={"pk": {"S": f"model#{model}"}, "sk": {"S": "lease"}},
        UpdateExpression="SET production_open = :open, closed_by = :somebody",
        ExpressionAttributeValues={":open": {"S": "production"}, ":somebody": {"S": "somebody"}},
    )


def ask(stage: Stage, purpose: str, to: int, asked_at: str) -> Run:
    """A run that is asked for such a release."""
    event = stage.product.event(stage.model, stage.iris, asked_at)
    event["detail"]["ask"] = {"for": purpose, "to": f"{stage.model}-{to}", "requester": "", "reason": ""}
    return stage.product.start_from(event)


def brought_back(stage: Stage, begin: Begin) -> None:
    """The first of two releases serves again."""
    product, model = stage.product, stage.model
    first = stage.released_before()
    product.start(model, stage.iris, NEW).approve()
    lease_comes_free(product, model)
    begin()
    back = ask(stage, "rollback", 1, NEWER)
    back.approve()
    lease_comes_free(product, model)
    is_champion(product, model, back)
    assert back.model_data_url() == first.model_data_url()
    assert product.packages(model) == {1: "Approved", 2: "Approved"}
    made = [key for key in product.ledger(model) if key.startswith("release#")]
    assert len(made) == 3
    one_endpoint_each(product, model)
    told_once(back)


SIDE_BY_SIDE = "[production.strategy]\nkind = 'ab'\n"


def traffic_moved(stage: Stage, begin: Begin) -> None:
    """The newer of two releases that share production gets all requests."""
    product, model = stage.product, stage.model
    released_before(product, model, stage.iris, SIDE_BY_SIDE)
    product.start(model, stage.iris, NEW).approve()
    lease_comes_free(product, model)
    begin()
    shifted = ask(stage, "traffic", 2, NEWER)
    shifted.ends_in("Traffic Shifted")
    lease_comes_free(product, model)
    described = product.sagemaker.describe_endpoint(EndpointName=f"{model}-production")["ProductionVariants"]
    assert {each["VariantName"]: each["CurrentWeight"] for each in described} == {"model-a": 0.0, "model-b": 1.0}
    assert {each["release"]: each["weight"] for each in product.release(model)["variants"]} == {
        f"{model}-1": 0,
        f"{model}-2": 1,
    }
    assert [entry.event for entry in read_audit(product.deployment, model)].count("traffic") == 1
    told_once(shifted)


# deploy-stack alone, with a stack of two models.


def failed_creation(stage: Stage, begin: Begin) -> None:
    """A first creation that failed is removed, and the stack is created."""
    stack = stage.stack()
    stack.deploy(image=UNSOUND).ends_in("Deployment Failed")
    begin()
    stack.deploy().ends_in("Stack Deployed")
    assert stack.status() == "CREATE_COMPLETE"


def rollback_stuck(stage: Stage, begin: Begin) -> None:
    """A roll back that stopped half way is finished first."""
    stack = stage.stack()
    try:
        rollback_failed(stack)
    finally:
        stack.allow()
    begin()
    stack.deploy(template("Three")).ends_in("Stack Deployed")
    assert stack.status() == "UPDATE_COMPLETE"


def nothing_to_do(stage: Stage, begin: Begin) -> None:
    """The stack is as it should be."""
    stack = stage.stack()
    stack.deploy().ends_in("Stack Deployed")
    begin()
    assert json.loads(stack.deploy().ends_in("Stack Deployed")["output"])["changed"] is False
    left = stack.cloudformation.list_change_sets(StackName=stack.name)["Summaries"]
    assert not [each for each in left if each["Status"] == "FAILED"]


def overtaken(stage: Stage, begin: Begin) -> None:
    """The stack is as it should be, but another deployment was about to change it."""
    stack = stage.stack()
    stack.deploy().ends_in("Stack Deployed")
    stack.change("UPDATE", "deploy-1-overtaken", template("Two"))
    begin()
    stack.deploy().ends_in("Stack Deployed")
    left = stack.cloudformation.list_change_sets(StackName=stack.name)["Summaries"]
    assert not [each for each in left if each["ExecutionStatus"] == "AVAILABLE"]


def rolled_back(stage: Stage, begin: Begin) -> None:
    """CloudFormation rolls back, and the first cause is told."""
    stack = stage.stack()
    stack.deploy().ends_in("Stack Deployed")
    begin()
    cause = stack.deploy(image=UNSOUND).ends_in("Deployment Failed")["cause"]
    assert "Second (AWS::SageMaker::Model)" in cause
    assert stack.status() == "UPDATE_ROLLBACK_COMPLETE"


def scaled(shape: str) -> dict[str, Any]:
    """The two models, and a third that stands for a scalable target."""
    document = template("Scaled")
    document["Parameters"]["Autoscaled"] = {"Type": "String", "Default": "false"}
    document["Conditions"] = {"Scaled": {"Fn::Equals": [{"Ref": "Autoscaled"}, "true"]}}
    document["Resources"]["Third"] = {**document["Resources"]["First"], "Condition": "Scaled"}
    document["Outputs"]["ScaledShape"] = {"Value": shape, "Condition": "Scaled"}
    return document


def scaled_shape(stack: Stack) -> str:
    """What the stack says is scaled."""
    outputs = stack.cloudformation.describe_stacks(StackName=stack.name)["Stacks"][0]["Outputs"]
    return next((each["OutputValue"] for each in outputs if each["OutputKey"] == "ScaledShape"), "")


def shape_changed(stage: Stage, begin: Begin) -> None:
    """What is scaled changes its shape: off, changed, on again."""
    stack = stage.stack()
    stack.deploy(scaled("small"), scaled_shape="small").ends_in("Stack Deployed")
    begin()
    stack.deploy(scaled("large"), scaled_shape="large").ends_in("Stack Deployed")
    assert scaled_shape(stack) == "large"


def shape_broken(stage: Stage, begin: Begin) -> None:
    """The change of shape fails after the scaling was taken off, which is put back."""
    stack = stage.stack()
    stack.deploy(scaled("small"), scaled_shape="small").ends_in("Stack Deployed")
    begin()
    failed = stack.deploy(scaled("large"), UNSOUND, scaled_shape="large")
    assert "Second (AWS::SageMaker::Model)" in failed.ends_in("Deployment Failed")["cause"]
    assert scaled_shape(stack) == "small"


Scenario = Callable[[Stage, Begin], None]

# Every Task state once, in the scenario that is its own.
REACHED_BY: dict[Scenario, tuple[str, ...]] = {
    approved: (
        "promote-model/Claim Dataset",
        "promote-model/Find Settings",
        "promote-model/Load Settings",
        "promote-model/Find Image",
        "promote-model/Freeze Dataset",
        "promote-model/Validate Dataset",
        "promote-model/Find Champion",
        "promote-model/Train Model",
        "promote-model/Register Candidate",
        "promote-model/Take Release Lease",
        "promote-model/Check Champion",
        "promote-model/Deploy Development",
        "promote-model/Smoke Test",
        "promote-model/Request Approval",
        "promote-model/Deploy Production",
        "promote-model/Verify Production",
        "promote-model/Record Release",
        "promote-model/Approve Package",
        "promote-model/Announce Outcome",
        "deploy-stack/Hold Lease",
        "deploy-stack/Look At Stack",
        "deploy-stack/Create Change Set",
        "deploy-stack/Look At Change Set",
        "deploy-stack/Confirm Lease",
        "deploy-stack/Execute Change Set",
        "deploy-stack/Look At Deployment",
        "deploy-stack/Read Outputs",
        "close-run/Look At Run",
        "close-run/Pass Lease",
    ),
    training_found: ("promote-model/Look At Training",),
    superseded: (
        "promote-model/Look At Lease",
        "promote-model/Supersede Holder",
        "promote-model/Withdraw Question",
        "promote-model/Wait For Release Lease",
    ),
    dead_holder: ("promote-model/Look At Holder", "promote-model/Close Holder"),
    champion_changed: ("promote-model/Retire Stale Package",),
    restored: ("promote-model/Restore Champion", "promote-model/Reject Package"),
    unrecorded: ("promote-model/Look At Record",),
    stopped: (
        "close-run/Close Lease",
        "close-run/Look At Champion",
        "close-run/Find Settings",
        "close-run/Load Settings",
        "close-run/Stop Deployment",
        "close-run/Withdraw Question",
        "close-run/Restore Champion",
        "close-run/Reject Package",
        "close-run/Announce Outcome",
        "close-run/Look Again",
    ),
    undone: ("promote-model/Undo Production",),
    brought_back: ("promote-model/Find Release",),
    traffic_moved: ("promote-model/Look At Traffic", "promote-model/Shift Traffic", "promote-model/Record Traffic"),
    closed_again: ("close-run/Look At Restoration",),
    failed_creation: ("deploy-stack/Delete Failed Creation",),
    rollback_stuck: ("deploy-stack/Continue Rollback",),
    nothing_to_do: ("deploy-stack/Delete Empty Change Set", "deploy-stack/List Change Sets"),
    overtaken: ("deploy-stack/Delete Overtaken Change Set",),
    rolled_back: ("deploy-stack/Explain Failure",),
    shape_changed: ("deploy-stack/Take Scaling Off",),
    shape_broken: ("deploy-stack/Put Scaling Back",),
}
# Each deployment, to development and to production, enters these once.
TWICE = tuple(
    f"deploy-stack/{state}" for state in ("Hold Lease", "Create Change Set", "Confirm Lease", "Execute Change Set")
)
