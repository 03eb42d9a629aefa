"""A run that turns in a circle until Step Functions ends it: its lease goes on, and people are told."""

import pytest

from tests.flow.faults.planning import Plan
from tests.flow.faults.scenarios import Stage, champion_kept
from tests.flow.limits.conftest import HISTORY_EVENTS
from tests.flow.releases import NEW

pytestmark = pytest.mark.long(2)


def test_a_run_that_reaches_the_event_limit_gives_its_lease_back(product, iris):
    plan = Plan(product)
    stage = Stage(product, plan, "event-limit", iris)
    first = stage.released_before()
    plan.add(
        {
            # The run takes its lease again each time, which it has held all along.
            "action": "dynamodb:UpdateItem",
            "state": "Hold Lease",
            "effect": "error",
            "error": {"code": "ConditionalCheckFailedException", "status": 400, "message": "The conditional failed"},
            "hits": HISTORY_EVENTS,
        }
    )
    second = product.start(stage.model, iris, NEW)
    ended = second.ends()
    assert (ended["status"], ended["error"]) == ("FAILED", "States.Runtime")
    assert ended["cause"] == f"The execution reached the maximum number of history events ({HISTORY_EVENTS})."
    champion_kept(stage, first, second)
    assert "history events" in second.outcome_mail().text
