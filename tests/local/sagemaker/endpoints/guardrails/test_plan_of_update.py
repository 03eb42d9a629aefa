"""The steps of an update, for all sizes of fleets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.sagemaker.endpoints.guardrails import progress
from local.sagemaker.endpoints.guardrails.plan import Plan, instances, make_plan
from local.sagemaker.json_rpc import Json

SIZES = st.integers(1, 40)


def canary(size: Json, wait: int = 60, termination: int = 30) -> Json:
    routing = {"Type": "CANARY", "CanarySize": size, "WaitIntervalInSeconds": wait}
    return {
        "BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing, "TerminationWaitInSeconds": termination},
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "errors"}, {"AlarmName": "latency"}]},
    }


def linear(size: Json, wait: int = 60) -> Json:
    routing = {"Type": "LINEAR", "LinearStepSize": size, "WaitIntervalInSeconds": wait}
    return {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing}}


def rolling(size: Json, **more: Json) -> Json:
    return {"RollingUpdatePolicy": {"MaximumBatchSize": size, "WaitIntervalInSeconds": 60} | more}


def percent(value: int) -> Json:
    return {"Type": "CAPACITY_PERCENT", "Value": value}


def count(value: int) -> Json:
    return {"Type": "INSTANCE_COUNT", "Value": value}


def shares(plan: Plan) -> list[float]:
    return [plan.share(stage) for stage in plan.stages]


CONFIGS = st.one_of(
    st.none(),
    st.builds(canary, st.builds(percent, st.integers(1, 50)) | st.builds(count, st.integers(1, 50))),
    st.builds(linear, st.builds(percent, st.integers(10, 50)) | st.builds(count, st.integers(1, 50))),
    st.builds(rolling, st.builds(percent, st.integers(5, 50)) | st.builds(count, st.integers(1, 50))),
)


@given(CONFIGS, SIZES, SIZES)
def test_traffic_only_grows_and_ends_with_all_of_it(config: Json | None, blue: int, green: int) -> None:
    plan = make_plan(config, blue, green)
    assert all(0 < share <= 1 for share in shares(plan))
    assert shares(plan) == sorted(set(shares(plan)))
    assert shares(plan)[-1] == 1


@given(CONFIGS, SIZES, SIZES)
def test_capacity_is_never_below_the_smaller_fleet(config: Json | None, blue: int, green: int) -> None:
    plan = make_plan(config, blue, green)
    running = 0
    for stage in plan.stages:
        assert stage.green_active <= stage.green_instances <= green
        # The old instances of a step are ended before the new ones of the step run.
        assert running + stage.blue_instances >= min(blue, green)
        running = stage.green_instances
        assert stage.blue_instances >= 1


@given(CONFIGS, SIZES, SIZES)
def test_no_fleet_has_less_capacity_than_its_share_of_the_traffic(config: Json | None, blue: int, green: int) -> None:
    plan = make_plan(config, blue, green)
    for stage in plan.stages:
        assert stage.green_active >= plan.share(stage) * green - 1e-9
        assert stage.blue_instances >= stage.blue_active >= (1 - plan.share(stage)) * blue - 1e-9
        assert stage.green_active + stage.blue_active >= min(blue, green)


@given(st.integers(1, 50), st.integers(2, 40))
def test_a_rolling_update_needs_no_more_than_a_batch_beyond_the_fleet(batch: int, size: int) -> None:
    plan = make_plan(rolling(count(batch)), size, size)
    assert max(stage.green_instances + stage.blue_instances for stage in plan.stages) <= size + min(batch, size)


def test_all_at_once_is_one_step_that_bakes_until_the_old_fleet_ends() -> None:
    assert len(make_plan(None, 2, 3).stages) == 1
    config = {
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0},
            "TerminationWaitInSeconds": 600,
            "MaximumExecutionTimeoutInSeconds": 1800,
        }
    }
    plan = make_plan(config, 2, 3)
    (stage,) = plan.stages
    assert (stage.green_active, stage.blue_instances, stage.bake_seconds) == (3, 2, 600)
    assert plan.timeout_seconds == 1800


def test_a_canary_has_two_steps_and_two_bakes() -> None:
    plan = make_plan(canary(percent(30)), 3, 4)
    assert [(stage.green_active, stage.bake_seconds) for stage in plan.stages] == [(1, 60), (4, 30)]
    assert plan.alarms == ("errors", "latency")


def test_linear_steps_grow_by_the_same_size() -> None:
    assert shares(make_plan(linear(percent(33)), 10, 10)) == [0.3, 0.6, 0.9, 1.0]


def test_a_rolling_update_replaces_batch_by_batch() -> None:
    plan = make_plan(rolling(count(2), RollbackMaximumBatchSize=percent(50)), 5, 5)
    assert [(stage.green_instances, stage.blue_instances) for stage in plan.stages] == [(2, 5), (4, 3), (5, 1)]
    assert plan.rollback_batch == 2
    assert make_plan(rolling(count(2)), 5, 5).rollback_batch == 5


@pytest.mark.parametrize(("size", "total", "expected"), [(percent(30), 3, 1), (percent(50), 5, 2), (count(3), 9, 3)])
def test_percentages_are_rounded_down_to_one_at_least(size: Json, total: int, expected: int) -> None:
    assert instances(size, total) == expected


def test_progress_is_told_in_awss_words() -> None:
    plan = make_plan(canary(percent(30)), 3, 4)
    first, last = plan.stages
    assert progress.activating(plan, first).message == "Activating traffic on canary capacity of 1 instance(s)."
    assert progress.baking(plan, last).message == (
        "Baking for 30 seconds (TerminationWaitInSeconds) with traffic enabled on full capacity of 4 instance(s)."
    )
