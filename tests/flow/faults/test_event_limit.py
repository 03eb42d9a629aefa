"""A run that turns in a circle until Step Functions ends it: its lease goes on, and people are told."""

import pytest

from tests.flow.faults.scenarios import Stage, champion_kept, package_status, released_before
from tests.flow.product import until

NEWER = "2031-03-03T00:00:00Z"
NEVER_ENDING = 1_000_000

pytestmark = [pytest.mark.full, pytest.mark.timeout(600)]


def test_a_run_that_reaches_the_event_limit_gives_its_lease_back(product, plan, iris):
    stage = Stage(product, plan, "event-limit", iris)
    first = released_before(stage)
    plan.add(
        {
            "action": "states:StartExecution",
            "state": "Deploy Development",
            "effect": "error",
            "error": {"code": "ExecutionAlreadyExists", "status": 400, "message": "Execution Already Exists"},
            "hits": NEVER_ENDING,
        }
    )
    second = product.start(stage.model, iris, NEWER)
    until("the limit", lambda: second.describe()["status"] != "RUNNING", 500)
    ended = second.describe()
    assert (ended["status"], ended["error"]) == ("FAILED", "States.Runtime")
    assert ended["cause"] == "The execution reached the maximum number of history events (25000)."
    champion_kept(stage, first, second)
    until("the mail about it", lambda: [mail for mail in product.mails() if second.id in mail.text and not mail.asks])
    assert "25000" in second.outcome_mail().text
    assert package_status(product, stage.model, 2) == "Rejected"
