"""`kill -9` of the embedded cloud at every state's entry and between a deployment's calls: nothing acknowledged is lost.

This is the story of releases that are made, told once for each half of the places, so that two machines or processes can
tell it side by side. What it does not come by has stories of its own in the modules beside.
"""

import random
import time

from commands.redrive import redrive
from tests.flow.kills.acknowledged import Acknowledged
from tests.flow.kills.mortal import MortalCloud, Point
from tests.flow.kills.points import MOMENTS, NEVER_PASSED, all_calls, all_states, points_at, told
from tests.flow.kills.story import SEED, Story, print_what_was_met
from tests.flow.kills.telling import has_ended_well
from tests.flow.kills.test_points import elsewhere
from tests.flow.product import Run
from tests.flow.test_scaled_shape import LARGER, broken, instance_type

LEAST_KILLS = 60
HALVES = ("first", "second")


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


def dies_at_every_place_of(half: str, cloud: MortalCloud, iris: str) -> None:
    """Tell the story until the cloud has died at every place of this half."""
    chance, began = random.Random(SEED), time.monotonic()
    acknowledged = Acknowledged(cloud.product, chance)
    points = [point for number, point in enumerate(shuffled(cloud)) if HALVES[number % 2] == half]
    # The second time is told only when something was passed in the very moment of the death at something else.
    for number, planned in enumerate((points, []), start=1):
        if planned or cloud.points:
            cloud.plan([*cloud.points, *planned])
            story = Story(cloud, acknowledged, f"mortal-{half}-{number}")
            released(story, iris)
            has_ended_well(story)
    print_what_was_met(cloud.met, cloud.deaths, time.monotonic() - began)
    print("  never come by:", *(f"\n    {place}: {reason}" for place, reason in NEVER_PASSED.items()))
    assert [told(point) for point in cloud.points] == []
    assert {point.get("effect") for point in cloud.met} >= set(MOMENTS)
    assert len(cloud.met) >= LEAST_KILLS // len(HALVES)


def shuffled(cloud: MortalCloud) -> list[Point]:
    """Every point of this story, in the same order for both halves."""
    places = [place for place in [*all_states(), *all_calls(cloud.product)] if place not in elsewhere()]
    points = points_at(cloud.product, places)
    random.Random(SEED).shuffle(points)
    return points
