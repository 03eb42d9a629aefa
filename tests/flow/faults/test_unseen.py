"""A change set that CloudFormation has executed while nobody could hear of it: the champion comes back."""

import hashlib
import json

import pytest

from tests.flow.faults.scenarios import Stage, champion_kept, refuse
from tests.flow.releases import NEW

pytestmark = [pytest.mark.full, pytest.mark.timeout(300)]


def test_a_deployment_whose_start_was_never_answered_is_undone(product, plan, iris):
    stage = Stage(product, plan, "fault-unseen", iris)
    first = stage.released_before()
    second = product.start(stage.model, iris, NEW).reaches("Request Approval")
    # Each call meets the first fault that is left for it. The restoration's change set has another name.
    execute = {"action": "cloudformation:ExecuteChangeSet", "state": "Execute Change Set", "body": "-production-"}
    throttled = {"code": "Throttling", "status": 400, "message": "Rate exceeded"}
    # Seen once before the change set is made; and when the champion is restored.
    look = {"action": "cloudformation:DescribeStacks", "state": "Look At Stack", "body": f"{stage.model}-prd"}
    refused = {"code": "AccessDenied", "status": 403, "message": "No."}
    plan.add(
        {**execute, "effect": "lost-reply"},
        {**execute, "effect": "error", "error": throttled, "hits": 99},
        {**look, "effect": "error", "error": refused, "pass_first": 1},
    )
    second.decide("approve")
    second.ends_in("Production Restored")
    assert plan.missed() == []
    assert "Restore Champion" in second.states()
    champion_kept(stage, first, second)


def test_a_deployment_that_was_never_heard_of_is_not_taken_for_rolled_back(product, plan, iris):
    """Its name is taken when the run wants to start it, and the next one may not be started at all."""
    stage = Stage(product, plan, "fault-unheard", iris)
    first = stage.released_before()
    second = product.start(stage.model, iris, NEW).reaches("Request Approval")
    machine = product.deployment.promote_model_arn.replace(":promote-model", ":deploy-stack")
    short = hashlib.sha256(second.arn.encode()).hexdigest()[:12]
    lease = {"model": stage.model, "holder": "somebody else", "phase": "production"}
    product.stepfunctions.start_execution(
        stateMachineArn=machine, name=f"{short}-production-2-1", input=json.dumps({"lease": lease})
    )
    refuse(stage, action="states:StartExecution", state="Deploy Production", pass_first=1)
    second.decide("approve")
    second.ends_in("Production Restored")
    assert "Production Started Again?" in second.states()
    champion_kept(stage, first, second)
