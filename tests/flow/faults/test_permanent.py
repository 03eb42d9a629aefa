"""Faults that do not pass, at every Task state: the run ends in the state that names it, or goes on where it can.

Each time people are told once, the lease is given back, and the champion serves as before.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from commands.rerun import rerun
from tests.flow.faults import scenarios
from tests.flow.faults.planning import Order
from tests.flow.faults.results import OPERATORS, OWNERS, told_once
from tests.flow.faults.scenarios import Stage, scaled
from tests.flow.product import Product, Run, until
from tests.flow.releases import HOLD, NEW, OLD, lease_comes_free, one_endpoint_each
from tests.flow.test_stack_statuses import UNSOUND, Deployment, Stack, rollback_failed, template
from tests.transient_faults import TaskState, task_states

TASKS = {task.id: task for task in task_states()}
ALWAYS = 1_000
NOT_AUTHORISED = "not authorized to perform"
MODEL = "fault-permanent"

pytestmark = [
    pytest.mark.full,
    pytest.mark.long(6),
    pytest.mark.timeout(300),
    pytest.mark.portioned("tests of permanent faults"),
]

# The end of a run of a model that has a champion, when the state's call is refused each time. Model Deployed: what the
# state does is not needed for a release.
ENDS = {
    "Claim Dataset": "Run Failed",
    "Find Settings": "Run Failed",
    "Load Settings": "Run Failed",
    "Find Image": "Run Failed",
    "Freeze Dataset": "Run Failed",
    "Validate Dataset": "Run Failed",
    "Find Champion": "Run Failed",
    "Train Model": "Training Failed",
    "Register Candidate": "Run Failed",
    "Take Release Lease": "Run Failed",
    "Check Champion": "Run Failed",
    "Deploy Development": "Deployment Failed",
    "Smoke Test": "Run Failed",
    "Request Approval": "Run Failed",
    "Deploy Production": "Deployment Failed",
    "Verify Production": "Production Restored",
    "Record Release": "Production Restored",
    "Approve Package": "Model Deployed",
    "Announce Outcome": "Model Deployed",
}
# Before a run has read its settings it knows the operators only.
OWNERS_UNKNOWN = ("Claim Dataset", "Find Settings", "Load Settings")
DECIDED = ("Deploy Production", "Verify Production", "Record Release", "Approve Package", "Announce Outcome")
# Those that need another way to be reached: see the tests further down.
OFF_THE_PATH = {
    "Look At Training",
    "Look At Lease",
    "Supersede Holder",
    "Withdraw Question",
    "Wait For Release Lease",
    "Look At Holder",
    "Close Holder",
    "Retire Stale Package",
    "Restore Champion",
    "Undo Production",
    "Look At Record",
    "Reject Package",
    "Find Release",
    "Look At Traffic",
    "Shift Traffic",
    "Record Traffic",
}
CLOSES = {
    "Look At Run": "Not Closed",
    "Close Lease": "Not Closed",
    "Look At Champion": "Not Closed",
    "Find Settings": "Run Closed",
    "Load Settings": "Run Closed",
    "Stop Deployment": "Not Closed",
    "Withdraw Question": "Run Closed",
    "Reject Package": "Run Closed",
    "Announce Outcome": "Run Closed",
    "Look Again": "Run Closed",
    "Pass Lease": "Not Closed",
}
DEPLOYS = {
    "Hold Lease": "Deployment Failed",
    "Look At Stack": "Deployment Failed",
    "Create Change Set": "Deployment Failed",
    "Look At Change Set": "Deployment Failed",
    "Confirm Lease": "Deployment Failed",
    "Execute Change Set": "Deployment Failed",
    "Look At Deployment": "Deployment Unseen",
    "Read Outputs": "Stack Deployed",
}


def refused_somewhere() -> set[str]:
    """Every Task state that a test of this module refuses."""
    return {
        *(f"promote-model/{name}" for name in {*ENDS, *OFF_THE_PATH}),
        *(f"close-run/{name}" for name in {*CLOSES, "Restore Champion", "Look At Restoration"}),
        *(f"deploy-stack/{name}" for name in {*DEPLOYS, *REPAIRS}),
    }


def refused(state: str) -> Order:
    """The state's call is refused for lack of rights, however often it is made."""
    task = TASKS[state]
    told = {"code": denial(task), "status": 403, "message": f"User is {NOT_AUTHORISED}: {task.action}"}
    where = {"action": task.action, "state_machine": task.machine, "state": task.name}
    return {**where, "effect": "error", "error": told, "hits": ALWAYS}


def denial(task: TaskState) -> str:
    return "AccessDenied" if task.service in ("cloudformation", "s3") else "AccessDeniedException"


class Champion:
    """A model with a release in production, and runs that come after it."""

    def __init__(self, product: Product, iris: str, model: str = MODEL, settings: str = "") -> None:
        self.product, self.iris, self.model = product, iris, model
        self._minute = 0
        product.model(model, settings)
        self.run().approve()
        self.lease_is_free()

    def run(self) -> Run:
        """A run of a newer dataset than all before."""
        return self.product.start(self.model, self.iris, self.later(), f"{self._minute}.CSV")

    def later(self) -> str:
        """A time after all before."""
        self._minute += 1
        return f"2031-04-01T00:{self._minute:02}:00Z"

    def lease_is_free(self) -> None:
        lease_comes_free(self.product, self.model)

    def serving(self) -> tuple[str, str]:
        """The champion's name and what production serves."""
        return self.product.champion(self.model), self.product.served_artefact(f"{self.model}-production")


@pytest.fixture(scope="module")
def champion(product, iris) -> Champion:
    return Champion(product, iris)


@pytest.mark.parametrize("state", ENDS)
def test_promote_model_is_refused(product, plan, champion, state):
    before = champion.serving()
    plan.add(refused(f"promote-model/{state}"))
    run = champion.run()
    if state in DECIDED:
        run.decide("approve")
    ended = run.ends_in(ENDS[state])
    assert plan.missed() == []
    plan.clear()
    champion.lease_is_free()
    one_endpoint_each(product, champion.model)
    if ENDS[state] == "Model Deployed":
        assert champion.serving()[0] == run.release()
    else:
        assert NOT_AUTHORISED in ended["cause"]
        assert champion.serving() == before
    if state == "Announce Outcome":
        assert not run.outcome_mails()
    else:
        told_once(run, OPERATORS if state in OWNERS_UNKNOWN else OWNERS)


# --- What leads off the path


def test_a_job_that_was_found_cannot_be_looked_at(product, plan, champion):
    plan.add(
        {"action": "sagemaker:CreateTrainingJob", "effect": "lost-reply"}, refused("promote-model/Look At Training")
    )
    run = champion.run()
    assert NOT_AUTHORISED in run.ends_in("Training Failed")["cause"]
    told_once(run)


@pytest.mark.parametrize("state", ["Look At Lease", "Supersede Holder", "Wait For Release Lease"])
def test_a_run_that_cannot_wait_for_the_lease_leaves_its_holder_alone(product, plan, iris, state):
    champion = Champion(product, iris, f"fault-lease-{state}".lower().replace(" ", "-"))
    older = champion.run().reaches("Request Approval")
    older.mail()
    plan.add(refused(f"promote-model/{state}"))
    newer = champion.run()
    assert NOT_AUTHORISED in newer.ends_in("Run Failed")["cause"]
    assert plan.missed() == []
    plan.clear()
    told_once(newer)
    if state == "Wait For Release Lease":
        older.ends_in("Superseded")  # it had been told to give way before
    else:
        older.approve()
    champion.lease_is_free()


def test_a_question_that_cannot_be_withdrawn_may_be_answered(product, plan, champion):
    older = champion.run().reaches("Request Approval")
    older.mail()
    plan.add(refused("promote-model/Withdraw Question"))
    newer = champion.run().reaches("Wait For Release Lease")
    assert plan.missed() == []
    older.approve()
    newer.approve()
    champion.lease_is_free()
    assert champion.serving()[0] == newer.release()


@pytest.mark.parametrize("state", ["Look At Holder", "Close Holder"])
def test_a_dead_holder_is_taken_over_from_as_soon_as_that_is_possible(product, plan, iris, state):
    """Until then the run waits, longer each time."""
    name = f"fault-{state}".lower().replace(" ", "-")

    def begin() -> None:
        plan.add(refused(f"promote-model/{state}"))

    def once_more(run: Run) -> None:
        until("the refusal", lambda: plan.missed() == [])
        until("the next wait", lambda: run.states().count("Wait For Release Lease") == 2)
        plan.clear()
        product.advance(1_801)

    scenarios.dead_holder(Stage(product, plan, name, iris), begin, once_more)


def test_a_stale_package_that_cannot_be_retired_ends_the_run(product, plan, iris):
    model = "fault-stale"
    product.model(model, HOLD)
    first = product.start(model, iris, OLD).reaches("Request Approval")
    second = product.start(model, iris, NEW).reaches("Wait For Release Lease")
    plan.add(refused("promote-model/Retire Stale Package"))
    first.approve()
    assert NOT_AUTHORISED in second.ends_in("Run Failed")["cause"]
    lease_comes_free(product, model)
    assert product.champion(model) == first.release()
    told_once(second)


def test_a_champion_that_cannot_be_restored_needs_a_person(product, plan, champion):
    before = champion.serving()[0]
    plan.add(refused("promote-model/Verify Production"), refused("promote-model/Restore Champion"))
    run = champion.run()
    run.decide("approve")
    ended = run.ends_in("Production Unhealthy")
    assert "the champion could not be restored" in ended["cause"]
    plan.clear()
    champion.lease_is_free()
    assert champion.serving()[0] == before
    told_once(run)
    champion.run().approve()  # a person has mended it: the next release puts all in order
    champion.lease_is_free()


def test_a_champion_that_cannot_be_put_back_before_a_run_begins_again_needs_a_person(product, plan, champion):
    run = champion.run()
    run.mail()
    scenarios.opened_and_closed(product, champion.model)
    plan.add(refused("promote-model/Undo Production"))
    run.decide("approve")
    assert NOT_AUTHORISED in run.ends_in("Production Unhealthy")["cause"]
    assert plan.missed() == []
    champion.lease_is_free()
    told_once(run)


def test_a_release_that_can_neither_be_recorded_nor_looked_up_does_not_serve(product, plan, champion):
    before = champion.serving()
    plan.add(refused("promote-model/Record Release"), refused("promote-model/Look At Record"))
    run = champion.run()
    run.decide("approve")
    run.ends_in("Production Restored")
    plan.clear()
    champion.lease_is_free()
    assert champion.serving() == before
    told_once(run)


def test_a_package_that_cannot_be_rejected_changes_nothing_else(product, plan, champion):
    before = champion.serving()
    plan.add(refused("promote-model/Reject Package"))
    run = champion.run()
    run.decide("reject", "No.")
    run.ends_in("Release Rejected")
    assert plan.missed() == []
    champion.lease_is_free()
    assert champion.serving() == before
    told_once(run)


def test_a_release_that_cannot_be_found_is_not_gone_back_to(product, plan, champion):
    before = champion.serving()
    plan.add(refused("promote-model/Find Release"))
    run = scenarios.ask(Stage(product, plan, champion.model, champion.iris), "rollback", 1, champion.later())
    assert NOT_AUTHORISED in run.ends_in("Run Failed")["cause"]
    assert plan.missed() == []
    champion.lease_is_free()
    assert champion.serving() == before
    told_once(run)


@pytest.fixture(scope="module")
def pair(product, iris) -> Champion:
    """Two releases that share production."""
    made = Champion(product, iris, "fault-pair", scenarios.SIDE_BY_SIDE)
    made.run().approve()
    made.lease_is_free()
    return made


@pytest.mark.parametrize("state", ["Look At Traffic", "Shift Traffic", "Record Traffic"])
def test_traffic_that_cannot_be_shifted_leaves_the_champion_what_it_is(product, plan, pair, state):
    before = product.release(pair.model)
    plan.add(refused(f"promote-model/{state}"))
    run = scenarios.ask(Stage(product, plan, pair.model, pair.iris), "traffic", 1, pair.later())
    assert NOT_AUTHORISED in run.ends_in("Run Failed")["cause"]
    assert plan.missed() == []
    pair.lease_is_free()
    assert product.release(pair.model) == before
    told_once(run)


def test_traffic_that_was_shifted_and_not_recorded_is_recorded_when_it_is_asked_again(product, plan, pair):
    plan.add(refused("promote-model/Record Traffic"))
    run = scenarios.ask(Stage(product, plan, pair.model, pair.iris), "traffic", 2, pair.later())
    told = run.ends_in("Run Failed")["cause"]
    assert f"{pair.model}-2 has all requests, but that is not recorded: make rerun RUN={run.id}" in told
    pair.lease_is_free()
    plan.clear()
    again = Run(product, f"{run.arn.rsplit(':', 1)[0]}:{rerun(product.deployment, run.id)}")
    again.ends_in("Traffic Shifted")
    assert product.champion(pair.model) == f"{pair.model}-2"
    pair.lease_is_free()


# --- close-run


def last_state(product: Product, execution: dict[str, Any]) -> str:
    return Run(product, execution["executionArn"]).states()[-1]


@pytest.mark.parametrize("state", CLOSES)
def test_close_run_is_refused(product, plan, champion, state):
    before = champion.serving()
    run = champion.run()
    run.mail()
    plan.add(refused(f"close-run/{state}"))
    product.stepfunctions.stop_execution(executionArn=run.arn)
    until("the end of close-run", lambda: [each for each in run.closings() if each["status"] != "RUNNING"])
    closed = run.closings()[-1]
    assert last_state(product, closed) == CLOSES[state]
    assert plan.missed() == []
    plan.clear()
    if CLOSES[state] == "Not Closed":
        assert NOT_AUTHORISED in closed["cause"]
        assert not product.lease_is_free(champion.model)
        run.close_again()
    champion.lease_is_free()
    assert champion.serving() == before
    if state == "Announce Outcome":
        return
    until("the mail", run.outcome_mails)
    told_once(run, OPERATORS if state in OWNERS_UNKNOWN else OWNERS)


def test_close_run_cannot_restore_the_champion(product, plan, champion):
    before = champion.serving()[0]
    run = champion.run()
    run.mail()
    plan.add(refused("close-run/Restore Champion"))
    run.decide("approve")
    run.reaches("Deploy Production")
    product.stepfunctions.stop_execution(executionArn=run.arn)
    assert run.ends()["status"] == "ABORTED"
    champion.lease_is_free()
    assert plan.missed() == []
    assert champion.serving()[0] == before
    told_once(run)
    assert "could not be restored" in run.outcome_mail().text
    plan.clear()
    champion.run().approve()
    champion.lease_is_free()


def test_a_restoration_that_cannot_be_looked_at_is_not_told_as_done(product, plan, champion):
    before = champion.serving()[0]
    run = champion.run()
    run.mail()
    plan.add(refused("close-run/Pass Lease"), refused("close-run/Announce Outcome"))
    run.decide("approve")
    until("production to be deployed", lambda: product.lease_phase(champion.model) == "production")
    product.stepfunctions.stop_execution(executionArn=run.arn)
    until("the end of close-run", lambda: run.closing_statuses() == ["FAILED"])
    assert plan.missed() == []
    plan.clear()
    plan.add(refused("close-run/Look At Restoration"))
    run.close_again()
    champion.lease_is_free()
    assert plan.missed() == []
    assert "whether the champion is back is not known" in run.outcome_mail().text
    assert champion.serving()[0] == before


# --- deploy-stack


@pytest.fixture
def stack(product, request) -> Iterator[Stack]:
    made = Stack(
        product, f"fault-{request.node.name}".replace("[", "-").replace("_", "-").replace(" ", "-")[:60].rstrip("]-")
    )
    yield made
    made.allow()


@pytest.mark.parametrize("state", DEPLOYS)
def test_deploy_stack_is_refused(product, plan, stack, state):
    stack.deploy().ends_in("Stack Deployed")
    plan.add(refused(f"deploy-stack/{state}"))
    deployment = stack.deploy(template("Two"))
    if state == "Look At Deployment":
        look_in_vain(product, deployment)
    ended = deployment.ends_in(DEPLOYS[state])
    assert plan.missed() == []
    if DEPLOYS[state] == "Stack Deployed":
        assert json.loads(ended["output"]) == {"stack": stack.name, "changed": True, "outputs": {}}
    else:
        assert NOT_AUTHORISED in ended["cause"]
        assert stack.name in ended["cause"]


def look_in_vain(product: Product, deployment: Deployment) -> None:
    """Let time jump over the pauses between looks."""

    def on() -> bool:
        if deployment.states()[-1] == "Wait For Deployment":
            product.advance(30)
        return deployment.states()[-1] == "Deployment Unseen"

    until("the last look", on)
    assert deployment.states().count("Look At Deployment") == 20


def failed_creation(stack: Stack) -> None:
    stack.deploy(image=UNSOUND).ends_in("Deployment Failed")


def rollback_stuck(stack: Stack) -> None:
    rollback_failed(stack)
    stack.allow()


def deployed(stack: Stack) -> None:
    stack.deploy().ends_in("Stack Deployed")


def overtaken(stack: Stack) -> None:
    deployed(stack)
    stack.change("UPDATE", "deploy-1-overtaken", template("Two"))


def scaled_small(stack: Stack) -> None:
    stack.deploy(scaled("small"), scaled_shape="small").ends_in("Stack Deployed")


# State → (how the stack came to be, what is deployed then, the end, what its cause tells).
REPAIRS: dict[str, tuple[Any, dict[str, Any], str, str]] = {
    "Delete Failed Creation": (failed_creation, {}, "Deployment Failed", NOT_AUTHORISED),
    "Continue Rollback": (rollback_stuck, {"document": template("Three")}, "Stack Needs A Person", "three tries"),
    "Delete Empty Change Set": (deployed, {}, "Stack Deployed", ""),
    "List Change Sets": (deployed, {}, "Deployment Failed", NOT_AUTHORISED),
    "Delete Overtaken Change Set": (overtaken, {}, "Deployment Failed", "could not be deleted"),
    "Explain Failure": (deployed, {"image": UNSOUND}, "Deployment Failed", "the reason could not be read"),
    "Take Scaling Off": (
        scaled_small,
        {"document": scaled("large"), "scaled_shape": "large"},
        "Deployment Failed",
        NOT_AUTHORISED,
    ),
    "Put Scaling Back": (
        scaled_small,
        {"document": scaled("large"), "image": UNSOUND, "scaled_shape": "large"},
        "Deployment Failed",
        "could not be put back",
    ),
}


@pytest.mark.parametrize("state", REPAIRS)
def test_a_repair_is_refused(product, plan, stack, state):
    before, given, end, told = REPAIRS[state]
    before(stack)
    plan.add(refused(f"deploy-stack/{state}"))
    ended = stack.deploy(**given).ends_in(end)
    assert plan.missed() == []
    assert told in ended.get("cause", "")
