"""`kill -9` of the embedded cloud at every state's entry and between a deployment's calls: nothing acknowledged is lost.

This is the story of releases that are made, told once for each third of the places, of which a run of CI takes its own.
What it does not come by has stories of its own in the modules beside.
"""

import random
import time

from commands.redrive import redrive
from tests.flow.kills.acknowledged import Acknowledged
from tests.flow.kills.mortal import MortalCloud
from tests.flow.kills.points import MOMENTS, NEVER_PASSED, all_calls, all_states, points_at, told
from tests.flow.kills.story import SEED, Story, print_what_was_met
from tests.flow.kills.telling import has_ended_well
from tests.flow.kills.test_points import elsewhere
from tests.flow.product import Product, Run
from tests.flow.test_scaled_shape import LARGER, broken, instance_type
from tests.portions import PORTIONS, Portion

LEAST_KILLS = 60
THIRDS = range(1, PORTIONS + 1)


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


def dies_at_every_place_of(third: int, cloud: MortalCloud, iris: str) -> None:
    """Tell the story until the cloud has died at every place of this third."""
    chance, began = random.Random(f"{SEED} {third}"), time.monotonic()
    acknowledged = Acknowledged(cloud.product, chance)
    before, deaths = len(cloud.met), cloud.deaths
    points = points_at(cloud.product, Portion(third).of(places_of_releases(cloud.product)))
    chance.shuffle(points)
    # The second time is told only when something was passed in the very moment of the death at something else.
    for number in (1, 2):
        cloud.plan(points)
        story = Story(cloud, acknowledged, f"mortal-{third}-{number}")
        released(story, iris)
        has_ended_well(story)
        points = cloud.points
        if not points:
            break
    met = cloud.met[before:]
    print_what_was_met(met, cloud.deaths - deaths, time.monotonic() - began)
    print("  never come by:", *(f"\n    {place}: {reason}" for place, reason in NEVER_PASSED.items()))
    assert not points, f"never come by: {[told(point) for point in points]}"
    assert {point.get("effect") for point in met} >= set(MOMENTS)
    assert len(met) >= LEAST_KILLS // len(THIRDS)


def places_of_releases(product: Product) -> list[str]:
    """Every place of this story."""
    return [place for place in [*all_states(), *all_calls(product)] if place not in elsewhere()]
