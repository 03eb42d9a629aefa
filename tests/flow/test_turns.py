"""The tests' own model of the policies, against what the settings' documentation says about each."""

import pytest

from tests.flow.turns import Turns


@pytest.mark.parametrize(
    ("policy", "asks", "waiting", "superseded"),
    [
        ("newest", "4", set(), {"1", "2", "3"}),
        ("hold", "2", {"3", "4"}, {"1"}),
        ("oldest", "2", {"1", "3", "4"}, set()),
    ],
)
def test_who_asks_while_others_come(policy, asks, waiting, superseded):
    turns = Turns(policy)
    turns.dropped({"2"})
    turns.dropped({"4", "1", "3"})
    assert (turns.asks, turns.waiting, turns.superseded) == (asks, waiting, superseded)


@pytest.mark.parametrize(
    ("policy", "released"), [("newest", ["4"]), ("hold", ["2", "4"]), ("oldest", ["2", "1", "3", "4"])]
)
def test_who_is_released_in_the_end(policy, released):
    turns = Turns(policy)
    turns.dropped({"2"})
    turns.dropped({"4", "1", "3"})
    while turns.asks:
        turns.approved()
    assert turns.released == released
    assert not turns.waiting


@pytest.mark.parametrize(("policy", "asks"), [("newest", None), ("hold", None), ("oldest", "1")])
def test_an_older_dataset_after_a_newer_release(policy, asks):
    turns = Turns(policy)
    turns.dropped({"2"})
    turns.approved()
    turns.dropped({"1"})
    assert turns.asks == asks
