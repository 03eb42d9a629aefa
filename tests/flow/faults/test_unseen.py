"""A change set that CloudFormation has executed while nobody could hear of it: the champion comes back."""

import pytest

from tests.flow.faults.scenarios import NEW, Stage, champion_kept, released_before

pytestmark = [pytest.mark.full, pytest.mark.timeout(300)]


def test_a_deployment_whose_start_was_never_answered_is_undone(product, plan, iris):
    stage = Stage(product, plan, "fault-unseen", iris)
    first = released_before(stage)
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
