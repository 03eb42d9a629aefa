"""`kill -9` of the embedded cloud while a run goes back to a release, and while it shifts traffic between two."""

import pytest

from tests.flow.faults.planning import refusal
from tests.flow.kills.story import Story
from tests.flow.kills.telling import Tale, tell, told_in_turn
from tests.flow.product import Run
from tests.flow.releases import is_champion

pytestmark = [pytest.mark.full, pytest.mark.long(6), pytest.mark.timeout(900)]

BY_THE_CLOCK = """
[production.scaling]
kind = 'scheduled'
[[production.scaling.schedule]]
cron = '0 7 ? * MON-FRI *'
minimum = 2
maximum = 12
"""
SIDE_BY_SIDE = "[production.strategy]\nkind = 'ab'\n"


def asks_for(story: Story, dataset: str, day: int, purpose: str, to: int) -> Run:
    """A run that is asked for such a release, once its start is acknowledged."""
    event = story.surely(lambda: story.product.event(story.model, dataset, f"2031-04-0{day}T00:00:00Z"))
    event["detail"]["ask"] = {"for": purpose, "to": f"{story.model}-{to}"}
    return story.starts(event, str(day))


def gone_back(story: Story, iris: str) -> None:
    """The first of two releases serves again, without the schedule of the second; one that was never made does not."""
    for day, settings in ((1, ""), (2, BY_THE_CLOCK)):
        story.deploys(settings)
        story.ends(story.begins(iris, day), "Model Deployed")
    story.deploys()
    story.ends(asks_for(story, iris, 3, "rollback", 9), "Request Refused")
    back = asks_for(story, iris, 4, "rollback", 1)
    story.ends(back, "Model Deployed")
    assert story.surely(back.release) == f"{story.model}-1"
    story.surely(lambda: is_champion(story.product, story.model, back))


def shared(story: Story, iris: str) -> None:
    """One of two releases gets all requests, then the other, which cannot be recorded; then one serves alone."""
    story.deploys(SIDE_BY_SIDE)
    for day in (1, 2):
        story.ends(story.begins(iris, day), "Model Deployed")
    with story.failing(refusal(action="sagemaker:UpdateEndpointWeightsAndCapacities", state="Shift Traffic")):
        story.ends(asks_for(story, iris, 6, "traffic", 2), "Run Failed")
    story.ends(asks_for(story, iris, 3, "traffic", 2), "Traffic Shifted")
    with story.failing(refusal(action="dynamodb:TransactWriteItems", state="Record Traffic")):
        story.ends(asks_for(story, iris, 4, "traffic", 1), "Run Failed")
    assert story.surely(lambda: story.product.champion(story.model)) == f"{story.model}-2"
    story.ends(asks_for(story, iris, 5, "rollback", 1), "Model Deployed")


DIES_AT: dict[Tale, tuple[str, ...]] = {
    gone_back: (
        "promote-model/Find Release",
        "promote-model/Release Known?",
        "promote-model/Request Refused",
        "DeploymentRole/application-autoscaling:PutScheduledAction",
        "DeploymentRole/application-autoscaling:DeleteScheduledAction",
    ),
    shared: (
        "promote-model/Look At Traffic",
        "promote-model/Traffic Moved?",
        "promote-model/Shift Traffic",
        "promote-model/Shift Refused?",
        "promote-model/Wait For Traffic",
        "promote-model/Record Traffic",
        "promote-model/Record Traffic Again?",
        "promote-model/Traffic Shifted",
    ),
}


@pytest.mark.parametrize("tale", told_in_turn(DIES_AT, first=1))
def test_what_is_asked_of_releases_is_done_whenever_the_cloud_dies(cloud, iris, tale):
    tell(cloud, tale, DIES_AT[tale], iris)
