"""`kill -9` of the embedded cloud at every state's entry and between a deployment's calls: nothing acknowledged is lost.

This is the story of releases that are made. What they do not come by has stories of its own in the modules beside.
"""

import random
import time

import pytest

from commands.redrive import redrive
from tests.flow.kills.acknowledged import Acknowledged
from tests.flow.kills.points import MOMENTS, NEVER_PASSED, all_calls, all_states, points_at, told
from tests.flow.kills.story import SEED, Story, print_what_was_met
from tests.flow.kills.telling import has_ended_well
from tests.flow.kills.test_points import elsewhere
from tests.flow.product import Run
from tests.flow.test_scaled_shape import LARGER, broken, instance_type

pytestmark = [pytest.mark.full, pytest.mark.timeout(2700)]

LEAST_KILLS = 60


def released(story: Story, iris: str) -> None:
    """A first release, one that changes what is scaled, one that is stopped and redriven, and one that fails."""
    story.deploys()
    story.ends(story.begins(iris, 1), "Model Deployed")
    story.deploys(production=instance_type(LARGER))
    story.ends(story.begins(iris, 2), "Model Deployed")
    stopped = story.begins(iris, 3)
    story.goes_on("the production deployment", stopped, lambda: deploys_to_production(story, stopped))
    story.surely(lambda: story.product.stepfunctions.stop_execution(executionArn=stopped.arn))
    if story.surely(lambda: stopped.describe()["status"]) == "ABORTED":
        story.goes_on("close-run", stopped, lambda: story.product.lease_is_free(story.model))
        story.surely(lambda: redrive(story.product.deployment, stopped.id))
    story.ends(stopped, "Model Deployed")
    story.deploys(production=broken)
    story.ends(story.begins(iris, 4), "Deployment Failed")


def deploys_to_production(story: Story, run: Run) -> bool:
    return run.describe()["status"] != "RUNNING" or story.product.lease_phase(story.model) == "production"


def test_nothing_acknowledged_is_lost_whenever_the_cloud_dies(cloud, iris):
    chance, began = random.Random(SEED), time.monotonic()
    acknowledged = Acknowledged(cloud.product, chance)
    places = [place for place in [*all_states(), *all_calls(cloud.product)] if place not in elsewhere()]
    points = points_at(cloud.product, places)
    chance.shuffle(points)
    half = len(points) // 2
    # The third story is told only when something was passed in the very moment of the death at something else.
    for number, planned in enumerate((points[:half], points[half:], []), start=1):
        if planned or cloud.points:
            cloud.plan([*cloud.points, *planned])
            story = Story(cloud, acknowledged, f"mortal-{number}")
            released(story, iris)
            has_ended_well(story)
    print_what_was_met(cloud.met, cloud.deaths, time.monotonic() - began)
    print("  never come by:", *(f"\n    {place}: {reason}" for place, reason in NEVER_PASSED.items()))
    assert [told(point) for point in cloud.points] == []
    assert {point.get("effect") for point in cloud.met} >= set(MOMENTS)
    assert len(cloud.met) >= LEAST_KILLS
