"""A run that turns in a circle until Step Functions ends it: its lease goes on, and people are told."""

from tests.flow.faults.planning import Plan
from tests.flow.faults.scenarios import Stage, champion_kept, package_status, released_before
from tests.flow.limits.conftest import HISTORY_EVENTS
from tests.flow.product import until

NEWER = "2031-03-03T00:00:00Z"


def test_a_run_that_reaches_the_event_limit_gives_its_lease_back(product, iris):
    plan = Plan(product)
    stage = Stage(product, plan, "event-limit", iris)
    first = released_before(stage)
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
    second = product.start(stage.model, iris, NEWER)
    ended = second.ends()
    assert (ended["status"], ended["error"]) == ("FAILED", "States.Runtime")
    assert ended["cause"] == f"The execution reached the maximum number of history events ({HISTORY_EVENTS})."
    champion_kept(stage, first, second)
    until("the mail about it", lambda: [mail for mail in product.mails() if second.id in mail.text and not mail.asks])
    assert "history events" in second.outcome_mail().text
    assert package_status(product, stage.model, 2) == "Rejected"
