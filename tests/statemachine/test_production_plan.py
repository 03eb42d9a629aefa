"""What *Champion Unchanged?* makes of settings, of the live release, and of what is asked."""

import random

import pytest

from local.stepfunctions.jsonata.evaluator import evaluate as evaluated
from local.stepfunctions.jsonata.functions import Surroundings
from statemachine.loader import PROMOTE_MODEL, read_definition

RULES = read_definition(PROMOTE_MODEL)["States"]["Champion Unchanged?"]["Choices"]
# What a run knows besides; a variable may hide a function of its name.
KNOWN = dict.fromkeys(read_definition(PROMOTE_MODEL)["States"]["Identify Dataset"]["Assign"], 1)
SURROUNDINGS = Surroundings(lambda: 0.0, random.Random(0))
TRAFFIC = next(rule for rule in RULES if rule["Next"] == "Look At Traffic")
_, RELEASE = (rule for rule in RULES if rule["Next"] == "Deploy Development")


def evaluate(expression, **variables):
    return evaluated(expression.strip()[2:-2], KNOWN | variables, SURROUNDINGS)


def plan(strategy, name, live=None, ask=None):
    return evaluate(
        RELEASE["Assign"]["production"],
        settings={"production": {"strategy": {"guarded": False, **strategy}}},
        pointer={"production": {"scaled_shape": "one", "scaled_shape_two": "two"}},
        ask=ask,
        live=live,
        image=f"image-of-{name}",
        job={"model_data_url": f"artefact-of-{name}"},
        release={"name": name},
    )


def recorded(name, planned):
    return {"name": name, "image": f"image-of-{name}", "model_data_url": f"artefact-of-{name}", **planned}


def values(parameters):
    return {each["ParameterKey"]: each["ParameterValue"] for each in parameters}


AB = {"kind": "ab", "weight": 0.1}
PLAIN = {"kind": "all-at-once"}
CANARY = {"kind": "canary", "guarded": True}


def test_a_plain_strategy_has_one_variant_and_the_parameters_it_always_had():
    first = plan(PLAIN, "m-1")
    second = plan(PLAIN, "m-2", recorded("m-1", first))
    assert first["variants"] == [{"name": "model-a", "release": "m-1", "weight": 1}]
    assert second["scaled_shape"] == "one"
    assert set(values(second["deployed"])) == {"Image", "ModelDataUrl", "ExecutionRoleArn", "CaptureBucket", "Release"}
    assert second["deployed"] == second["parameters"]


def test_releases_that_share_production_take_the_place_of_the_oldest_in_turn():
    first = plan(AB, "m-1")
    second = plan(AB, "m-2", recorded("m-1", first))
    third = plan(AB, "m-3", recorded("m-2", second))
    fourth = plan(AB, "m-4", recorded("m-3", third))
    assert [each["variant"] for each in (first, second, third, fourth)] == ["model-a", "model-b", "model-a", "model-b"]
    assert [each["scaled_shape"] for each in (first, second, third)] == ["one", "two", "two"]
    assert values(first["deployed"]) | {"ExecutionRoleArn": "", "CaptureBucket": ""} == {
        "Image": "image-of-m-1",
        "ModelDataUrl": "artefact-of-m-1",
        "Release": "m-1",
        "Weight": "1",
        "ImageB": "",
        "ModelDataUrlB": "",
        "ReleaseB": "",
        "WeightB": "0",
        "ExecutionRoleArn": "",
        "CaptureBucket": "",
    }
    told = values(third["deployed"])
    assert (told["Release"], told["Weight"], told["Image"]) == ("m-3", "0.1", "image-of-m-3")
    assert (told["ReleaseB"], told["WeightB"], told["ModelDataUrlB"]) == ("m-2", "0.9", "artefact-of-m-2")
    assert third["variants"] == [
        {"name": "model-a", "release": "m-3", "weight": 0.1},
        {"name": "model-b", "release": "m-2", "weight": 0.9},
    ]


@pytest.mark.parametrize("weight", [0.05, 0.3, 0.35, 0.7, 0.9])
def test_weights_are_written_as_numbers_of_a_few_digits_that_add_up(weight):
    second = plan({"kind": "ab", "weight": weight}, "m-2", recorded("m-1", plan(AB, "m-1")))
    told = values(second["deployed"])
    assert float(told["Weight"]) + float(told["WeightB"]) == pytest.approx(1)
    assert max(len(told["Weight"]), len(told["WeightB"])) <= 8


def test_a_roll_back_takes_all_requests_also_where_releases_share_production():
    second = plan(AB, "m-2", recorded("m-1", plan(AB, "m-1")))
    back = plan(AB, "m-1", recorded("m-2", second), ask={"for": "rollback", "to": "m-1"})
    assert back["variants"] == [{"name": "model-a", "release": "m-1", "weight": 1}]
    assert (values(back["deployed"])["Release"], values(back["deployed"])["ImageB"]) == ("m-1", "")
    assert back["scaled_shape"] == "one"


def test_guard_rails_are_up_for_a_release_and_down_when_it_is_put_back():
    first = plan(CANARY, "m-1")
    second = plan(CANARY, "m-2", recorded("m-1", first))
    assert values(first["deployed"])["Guarded"] == "false"
    assert values(second["deployed"])["Guarded"] == "true"
    assert values(second["parameters"])["Guarded"] == "false"


def test_guard_rails_are_down_on_the_way_from_two_variants_to_one():
    shared = plan(AB, "m-2", recorded("m-1", plan(AB, "m-1")))
    assert values(plan(CANARY, "m-3", recorded("m-2", shared))["deployed"])["Guarded"] == "false"


def test_a_release_that_was_recorded_before_there_were_strategies_had_the_first_variant():
    former = {"name": "m-1", "image": "i", "model_data_url": "u"}
    assert plan(AB, "m-2", former)["variant"] == "model-b"
    assert values(plan(CANARY, "m-2", former)["deployed"])["Guarded"] == "true"


def test_traffic_goes_to_the_release_that_is_named_and_the_record_follows():
    live = recorded("m-2", plan(AB, "m-2", recorded("m-1", plan(AB, "m-1"))))
    for to, variant, weights in (("m-1", "model-a", ("1", "0")), ("m-2", "model-b", ("0", "1"))):
        moved = evaluate(TRAFFIC["Assign"]["production"], live=live, ask={"for": "traffic", "to": to})
        assert moved["variant"] == variant
        assert {each["release"]: each["weight"] for each in moved["variants"]}[to] == 1
        told = values(moved["parameters"])
        assert (told["Weight"], told["WeightB"]) == weights
        assert (told["Release"], told["ReleaseB"]) == ("m-1", "m-2")


def test_after_a_roll_back_of_traffic_the_next_release_takes_the_place_of_the_one_without_requests():
    live = recorded("m-2", plan(AB, "m-2", recorded("m-1", plan(AB, "m-1"))))
    moved = evaluate(TRAFFIC["Assign"]["production"], live=live, ask={"for": "traffic", "to": "m-1"})
    third = plan(AB, "m-3", recorded("m-1", moved))
    assert third["variant"] == "model-b"
    assert values(third["deployed"])["Release"] == "m-1"


def next_of(live, ask=None, release="m-2", champion="m-1", priority="1"):
    variables = {
        "live": live,
        "ask": ask,
        "release": {"name": release},
        "champion": {"name": champion} if champion else None,
        "settings": {"lease": {"policy": "newest"}},
        "run": {"priority": priority},
    }
    return next(rule for rule in RULES if evaluate(rule["Condition"], **variables))


def test_what_cannot_be_done_is_refused_before_anything_is_touched():
    alone = recorded("m-1", {"variants": [{"name": "model-a", "release": "m-1", "weight": 1}], "priority": "0"})
    shared = recorded("m-2", {**plan(AB, "m-2", alone), "priority": "0"})
    traffic, back = ({"for": kind, "to": "m-1"} for kind in ("traffic", "rollback"))
    assert next_of(shared, traffic, "m-1")["Next"] == "Look At Traffic"
    assert next_of(alone, traffic, "m-1")["Assign"]["outcome"]["name"] == "Request Refused"
    assert next_of(None, traffic, "m-1")["Assign"]["outcome"]["name"] == "Request Refused"
    assert next_of(shared, {**traffic, "to": "m-9"}, "m-9")["Assign"]["outcome"]["name"] == "Request Refused"
    assert next_of(alone, back, "m-1")["Assign"]["outcome"]["name"] == "Request Refused"
    assert next_of(alone, {**back, "to": "m-0"}, "m-0")["Next"] == "Deploy Development"
    # Half the requests are not all of them.
    assert next_of(shared, {**back, "to": "m-2"}, "m-2")["Next"] == "Deploy Development"


def test_a_release_is_still_compared_with_the_champion_that_serves():
    live = recorded("m-1", {"priority": "0"})
    assert next_of(live)["Next"] == "Deploy Development"
    assert next_of(live, champion="m-0")["Next"] == "Retire Stale Package"
    assert next_of({**live, "priority": "2"})["Assign"]["outcome"]["name"] == "Superseded"
