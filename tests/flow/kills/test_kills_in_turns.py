"""`kill -9` of the embedded cloud while runs of one model wait for each other."""

import time

import pytest

from functions.expire_development.ledger import RemovalLease
from local.demo.browser import Browser
from tests.flow.faults.scenarios import held_by_the_dead, opened_and_closed
from tests.flow.kills.story import Story
from tests.flow.kills.telling import Tale, tell, told_in_turn
from tests.flow.releases import HOLD, is_champion
from tests.flow.test_lease import waits

pytestmark = [pytest.mark.full, pytest.mark.long(13), pytest.mark.timeout(900)]


def superseded(story: Story, iris: str) -> None:
    """A newer run withdraws the question of an older one, and is released."""
    story.deploys()
    older = story.begins(iris, 1)
    link = story.asks(older)
    newer = story.begins(iris, 2)
    story.ends(older, "Superseded", decision="")
    assert "<form" not in story.surely(lambda: Browser().load(link))
    story.ends(newer, "Model Deployed")


def held(story: Story, iris: str) -> None:
    """A run waits while a person decides about an older one, trains again against the new champion, and is rejected."""
    story.deploys(HOLD)
    first = story.begins(iris, 1)
    story.asks(first)
    second = story.begins(iris, 2)
    story.comes_to("Wait For Release Lease", second)
    story.ends(first, "Model Deployed")
    story.ends(second, "Release Rejected", decision="reject")
    assert story.surely(second.states).count("Train Model") == 2
    story.surely(lambda: is_champion(story.product, story.model, first))


def taken_over(story: Story, iris: str) -> None:
    """The lease is that of an execution which Step Functions has forgotten; a run takes it over after a long wait."""
    story.deploys()
    story.surely(lambda: held_by_the_dead(story.product, story.model, "newest"))
    run = story.begins(iris, 1)

    def waited_long() -> bool:
        if run.states()[-1] == "Wait For Release Lease" and waits(story.product, story.model):
            story.product.advance(901)
        return "Close Holder" in run.states()

    story.goes_on("the end of its holder's lease", run, waited_long, decision="")
    story.ends(run, "Model Deployed")


def undone(story: Story, iris: str) -> None:
    """A run had begun to change production when its lease was closed; having it back, it begins with the champion."""
    story.deploys()
    story.ends(story.begins(iris, 1), "Model Deployed")
    second = story.begins(iris, 2)
    story.asks(second)
    story.surely(lambda: opened_and_closed(story.product, story.model))
    story.ends(second, "Model Deployed")
    story.surely(lambda: is_champion(story.product, story.model, second))


def removed(story: Story, iris: str) -> None:
    """The development endpoint is being removed, whose time was over; the run that comes meanwhile waits for it."""
    story.deploys()
    ledger = story.product.client("dynamodb")
    removal = RemovalLease(ledger, "mlops-ledger", story.model, "somebody")
    story.surely(lambda: removal.take(time.time()))
    run = story.begins(iris, 1)
    story.comes_to("Wait For Removal", run)
    story.surely(removal.give_back)
    story.ends(run, "Model Deployed")


DIES_AT: dict[Tale, tuple[str, ...]] = {
    superseded: (
        "promote-model/Look At Lease",
        "promote-model/Who Goes First?",
        "promote-model/Supersede Holder",
        "promote-model/Question Asked?",
        "promote-model/Withdraw Question",
        "promote-model/Wait For Release Lease",
        "promote-model/Package To Reject?",
        "promote-model/Reject Package",
        "promote-model/Superseded",
    ),
    held: (
        "DecideReleaseRole/states:SendTaskFailure",
        "promote-model/Retire Stale Package",
        "promote-model/Release Rejected",
    ),
    taken_over: ("promote-model/Look At Holder", "promote-model/Holder Gone?", "promote-model/Close Holder"),
    undone: ("promote-model/Undo Production",),
    removed: ("promote-model/Wait For Removal",),
}


@pytest.mark.parametrize("tale", told_in_turn(DIES_AT, first=1))
def test_runs_that_wait_for_each_other_go_on_whenever_the_cloud_dies(cloud, iris, tale):
    tell(cloud, tale, DIES_AT[tale], iris)
