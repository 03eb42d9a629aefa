"""Tells a short story on a mortal cloud until that has died at every place which is the story's own."""

import random
import time
from collections.abc import Callable, Iterable
from typing import Any

from tests.flow.kills.acknowledged import Acknowledged
from tests.flow.kills.mortal import MortalCloud
from tests.flow.kills.points import NEVER_PASSED, points_at, told
from tests.flow.kills.story import SEED, Story, print_what_was_met
from tests.flow.tidiness import is_tidy
from tests.portioning import in_turn

Tale = Callable[[Story, str], None]
"""What happens to a model (the dataset is the second argument), with checks of how it has to end."""

# What a story comes by in the very moment of a death at something else waits for the next telling.
TELLINGS = 3
KIND = "stories of kill -9"


def told_in_turn(tales: Iterable[Tale], first: int) -> list[Any]:
    """The parameters of a test that tells them: a portion of CI's tells some of the stories with all of their places.

    Not some of the places of each: most of a story's time is its telling, however seldom the cloud dies.
    """
    return in_turn(KIND, tales, lambda tale: str(tale.__name__), first)


def tell(cloud: MortalCloud, tale: Tale, places: Iterable[str], dataset: str) -> None:
    """Under a new model's name each time; fails when a place is still not met at the end."""
    chance, began = random.Random(f"{SEED} {tale.__name__}"), time.monotonic()
    acknowledged = Acknowledged(cloud.product, chance)
    met, deaths = len(cloud.met), cloud.deaths
    points = points_at(cloud.product, places)
    chance.shuffle(points)
    for number in range(1, TELLINGS + 1):
        cloud.plan(points)
        story = Story(cloud, acknowledged, f"{tale.__name__.replace('_', '-')}-{number}")
        tale(story, dataset)
        has_ended_well(story)
        points = cloud.points
        if not points:
            break
    print_what_was_met(cloud.met[met:], cloud.deaths - deaths, time.monotonic() - began)
    assert not points, f"never come by: {[told(point) for point in points]}"


def has_ended_well(story: Story) -> None:
    """All acknowledged is there, nothing is left over or twice, and nothing was passed of which we say it never is."""
    story.surely(lambda: is_tidy(story.product, [story.model] if story.released else []))
    story.surely(lambda: story.acknowledged.is_read_back(everything=True))
    assert story.surely(story.places) & NEVER_PASSED.keys() == set()
