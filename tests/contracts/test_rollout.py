import pytest

from contracts.release import IncompleteRelease, Release
from contracts.rollout import in_words, serves_beside
from contracts.strategy import StrategySettings
from tests.functions.samples import release_fields

ALARMS = "taken back by itself when an alarm sounds: 5 server errors in a minute, "
ALARMS += "an answer in a hundred that takes 1000 ms"

ERRORS = "taken back by itself when an alarm sounds: 5 server errors in a minute, "
ERRORS += "3 requests without a good answer in a minute"


def resolved(**settings):
    return StrategySettings.model_validate(settings).resolved()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "all at once"),
        (
            {"rollback": {"latency_milliseconds": None, "invocation_errors": 3}},
            f"all at once, then watched for 5 minutes; {ERRORS}",
        ),
        (
            {"kind": "canary"},
            f"a canary of 50 % first, 5 minutes later the rest, then watched for 5 minutes; {ALARMS}",
        ),
        (
            {"kind": "canary", "canary_instances": 1, "wait_seconds": 90},
            f"a canary of 1 instance first, 90 seconds later the rest, then watched for 5 minutes; {ALARMS}",
        ),
        (
            {"kind": "linear", "linear_instances": 2},
            f"in steps of 2 instances, each watched for 5 minutes, then all for 5 minutes; {ALARMS}",
        ),
        (
            {"kind": "rolling", "batch_percent": 25},
            f"in batches of 25 % that take the place of old instances, each watched for 5 minutes; {ALARMS}",
        ),
        (
            {"kind": "ab", "weight": 0.3},
            "30 % of the requests go to the new release, the others to the one before; both serve",
        ),
    ],
)
def test_a_strategy_is_told_in_words(settings, words):
    assert in_words(resolved(**settings)) == words


@pytest.mark.parametrize(("kind", "words"), [("all-at-once", "all at once"), ("canary", "canary")])
def test_the_kind_alone_is_told_too(kind, words):
    assert in_words(kind) == words


def test_a_guarded_release_says_how_it_goes():
    release = Release.from_fields(release_fields(strategy=resolved(kind="canary")))
    assert "with iris-model-3 on 2 instances of ml.c5.large: a canary of 50 % first, 5 minutes" in release.consequence
    assert release.consequence.endswith("iris-model-2 is restored without asking.")


def test_two_releases_say_that_both_serve():
    release = Release.from_fields(release_fields(strategy=resolved(kind="ab")))
    assert serves_beside(release.strategy)
    assert release.consequence.startswith(
        "Puts iris-model-3 beside iris-model-2 on the endpoint iris-model-production, on 2 instances of ml.c5.large of "
        "its own: 10 % of the requests go to the new release, the others to the one before; both serve."
    )


def test_the_first_release_is_all_at_once_whatever_the_strategy():
    for kind in ("all-at-once", "canary", "ab"):
        release = Release.from_fields(release_fields(champion=None, strategy=resolved(kind=kind)))
        assert "with iris-model-3 on 2 instances of ml.c5.large, all at once. This is the first" in release.consequence


def test_a_strategy_of_another_form_is_no_dossier():
    with pytest.raises(IncompleteRelease, match="strategy"):
        Release.from_fields(release_fields(strategy=None))
