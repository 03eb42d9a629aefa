import pytest
from pydantic import ValidationError

from contracts.serving import ProductionSettings
from contracts.strategy import StrategySettings


def production(strategy, **settings):
    return ProductionSettings.model_validate({"strategy": strategy, **settings})


def test_a_release_is_all_at_once_and_unguarded_unless_said_otherwise():
    strategy = production({}).strategy
    assert (strategy.kind, strategy.guarded, strategy.alarms) == ("all-at-once", False, None)
    assert strategy.resolved() == {"kind": "all-at-once", "guarded": False}


@pytest.mark.parametrize(
    ("kind", "size"), [("canary", "canary_percent"), ("linear", "linear_percent"), ("rolling", "batch_percent")]
)
def test_steps_are_half_the_instances_and_watched_without_being_asked_for(kind, size):
    strategy = production({"kind": kind}).strategy
    assert strategy.guarded
    assert strategy.step_percent == 50
    resolved = strategy.resolved()
    assert resolved[size] == 50
    assert resolved["rollback"] == {"server_errors": 5, "latency_milliseconds": 1000.0}
    assert ("termination_wait_seconds" in resolved) == (kind != "rolling")
    assert "weight" not in resolved


def test_all_at_once_is_guarded_by_giving_alarms():
    strategy = production({"kind": "all-at-once", "rollback": {"invocation_errors": 3}}).strategy
    assert strategy.guarded
    assert strategy.resolved()["rollback"]["invocation_errors"] == 3


def test_what_is_resolved_is_valid_again():
    for kind in ("canary", "linear", "rolling", "ab", "all-at-once"):
        resolved = production({"kind": kind}).strategy.resolved()
        del resolved["guarded"]
        assert StrategySettings.model_validate(resolved).resolved()["kind"] == kind


def test_of_two_releases_the_newcomer_gets_a_tenth():
    settings = production({"kind": "ab"})
    assert settings.strategy.resolved() == {"kind": "ab", "weight": 0.1, "guarded": False}
    assert settings.variants == 2
    assert production({}).variants == 1


@pytest.mark.parametrize(
    ("strategy", "settings", "reason"),
    [
        ({"kind": "ab", "rollback": {}}, {}, "the same variants before and after"),
        ({"kind": "ab", "wait_seconds": 60}, {}, "the same variants before and after"),
        ({"kind": "ab", "batch_percent": 50}, {}, "`batch_percent` is not for"),
        ({"kind": "ab", "weight": 0}, {}, "greater than 0"),
        ({"kind": "ab", "weight": 1}, {}, "less than 1"),
        ({"kind": "canary", "weight": 0.5}, {}, "`weight` is not for"),
        ({"kind": "canary", "canary_percent": 51}, {}, "less than or equal to 50"),
        ({"kind": "canary", "canary_percent": 10}, {}, "10 % of 2 instances is no whole instance"),
        ({"kind": "canary", "canary_instances": 2}, {}, "more than 50 % of the 2 instances"),
        ({"kind": "canary", "canary_instances": 2}, {"instance_count": 4}, "more than 50 % of the 2 instances"),
        ({"kind": "canary", "canary_instances": 1, "canary_percent": 50}, {}, "not both"),
        ({"kind": "linear", "linear_percent": 9}, {}, "greater than or equal to 10"),
        ({"kind": "linear", "linear_instances": 1}, {"scaling": {"maximum": 11}}, "less than 10 % of the 11 instances"),
        ({"kind": "rolling", "batch_percent": 4}, {}, "greater than or equal to 5"),
        ({"kind": "rolling", "batch_instances": 1}, {"scaling": {"maximum": 21}}, "less than 5 % of the 21 instances"),
        ({"kind": "rolling", "rollback_batch_percent": 10}, {}, "`rollback_batch_percent` of 2 instances"),
        ({"kind": "rolling", "termination_wait_seconds": 300}, {}, "is not for"),
        ({"kind": "rolling", "wait_seconds": 60}, {}, "`wait_seconds` is below 120"),
        ({"kind": "canary", "termination_wait_seconds": 119}, {}, "`termination_wait_seconds` is below 120"),
        ({"kind": "canary", "wait_seconds": 3601}, {}, "less than or equal to 3600"),
        ({"kind": "canary", "maximum_seconds": 600}, {}, "waiting alone may come to 600"),
        (
            {"kind": "linear", "linear_percent": 50, "wait_seconds": 3600},
            {},
            "waiting alone may come to 7500",
        ),
        ({"kind": "canary", "maximum_seconds": 10_801}, {}, "less than or equal to 10800"),
        ({"kind": "canary"}, {"instance_type": "ml.inf1.xlarge"}, "cannot have guard rails"),
        ({"kind": "canary", "rollback": {"server_errors": 0}}, {}, "greater than or equal to 1"),
        ({"termination_wait_seconds": 300}, {}, "give `rollback` too"),
        ({"kind": "blue-green"}, {}, "'all-at-once', 'canary', 'linear', 'rolling' or 'ab'"),
    ],
)
def test_what_aws_would_refuse_or_do_otherwise_is_refused_with_the_reason(strategy, settings, reason):
    with pytest.raises(ValidationError) as caught:
        production(strategy, **settings)
    assert reason in str(caught.value)


def test_alarms_without_a_threshold_are_refused():
    with pytest.raises(ValidationError, match="name at least one of server_errors"):
        StrategySettings.model_validate(
            {"kind": "all-at-once", "rollback": {"server_errors": None, "latency_milliseconds": None}}
        )


@pytest.mark.parametrize(
    ("strategy", "instances", "seconds"),
    [
        ({"kind": "canary"}, 2, 600),
        ({"kind": "linear", "linear_percent": 25}, 4, 1_500),
        ({"kind": "linear", "linear_instances": 1}, 10, 3_300),
        ({"kind": "rolling"}, 2, 1080),
        ({"kind": "ab"}, 2, 0),
        ({"kind": "all-at-once"}, 2, 0),
        ({"kind": "all-at-once", "rollback": {}}, 2, 300),
    ],
)
def test_waits_add_up_over_the_steps(strategy, instances, seconds):
    assert StrategySettings.model_validate(strategy).waits(instances) == seconds
