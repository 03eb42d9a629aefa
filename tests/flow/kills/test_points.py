"""No place is forgotten at which the cloud can die: each has its story, or a reason why it is never come by."""

from collections import Counter

from tests.flow.kills import (
    test_kills_in_failures,
    test_kills_in_returns,
    test_kills_in_stacks,
    test_kills_in_turns,
)
from tests.flow.kills.points import NEVER_PASSED, all_states

SHORT_STORIES = (test_kills_in_turns, test_kills_in_failures, test_kills_in_stacks, test_kills_in_returns)


def elsewhere() -> Counter[str]:
    """Every place that is no business of the story of releases."""
    in_stories = (place for module in SHORT_STORIES for places in module.DIES_AT.values() for place in places)
    return Counter([*in_stories, *NEVER_PASSED])


def test_each_place_has_one_story_and_every_named_state_is_there():
    named = elsewhere()
    assert {place for place, count in named.items() if count > 1} == set()
    assert {place for place in named if "Role/" not in place} <= set(all_states())
