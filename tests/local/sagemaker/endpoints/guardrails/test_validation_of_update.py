"""What is refused of a DeploymentConfig."""

import pytest

from local.sagemaker.endpoints.guardrails.validation import check_form, check_update
from local.sagemaker.faults import ServiceFault
from local.sagemaker.json_rpc import Json
from tests.local.sagemaker.endpoints.guardrails.test_plan_of_update import canary, count, linear, percent, rolling
from tests.local.sagemaker.endpoints.test_fleet import specification

FOUR = specification(a=(4, 1.0))
ONE = specification(a=(1, 1.0))


def with_timeout(config: Json, seconds: int) -> Json:
    return {"BlueGreenUpdatePolicy": config["BlueGreenUpdatePolicy"] | {"MaximumExecutionTimeoutInSeconds": seconds}}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (canary(count(1)) | rolling(count(1)), "Only one of"),
        (
            {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": {"Type": "CANARY", "WaitIntervalInSeconds": 0}}},
            "CanarySize must be specified for traffic routing type CANARY",
        ),
        (
            {
                "BlueGreenUpdatePolicy": {
                    "TrafficRoutingConfiguration": {
                        "Type": "ALL_AT_ONCE",
                        "LinearStepSize": count(1),
                        "WaitIntervalInSeconds": 0,
                    }
                }
            },
            "LinearStepSize must be specified for traffic routing type LINEAR and for no other",
        ),
    ],
)
def test_a_policy_has_what_its_type_needs_and_nothing_else(config: Json, message: str) -> None:
    with pytest.raises(ServiceFault, match=message):
        check_form(config)


@pytest.mark.parametrize(
    "config",
    [
        canary(percent(51)),
        canary(count(3)),
        linear(percent(9)),
        linear(percent(51)),
        linear(count(3)),
        rolling(percent(4)),
        rolling(percent(60)),
        rolling(count(3)),
        rolling(count(1), RollbackMaximumBatchSize=percent(101)),
        rolling(count(1), RollbackMaximumBatchSize=count(5)),
    ],
)
def test_steps_of_another_size_than_aws_documents_are_refused(config: Json) -> None:
    with pytest.raises(ServiceFault, match="must be from"):
        check_update(config, FOUR, FOUR)


@pytest.mark.parametrize("config", [canary(percent(10)), linear(percent(10)), rolling(percent(5)), canary(count(1))])
def test_a_fleet_of_one_has_no_smaller_part(config: Json) -> None:
    with pytest.raises(ServiceFault, match="instance count of 1"):
        check_update(config, FOUR, ONE)


@pytest.mark.parametrize(
    "config",
    [
        None,
        canary(percent(50)),
        canary(count(2)),
        linear(percent(10)),
        linear(count(2)),
        rolling(percent(5), RollbackMaximumBatchSize=percent(100)),
        rolling(count(2)),
        with_timeout(canary(percent(10), wait=600, termination=600), 1800),
    ],
)
def test_what_aws_documents_is_taken(config: Json | None) -> None:
    check_update(config, FOUR, FOUR)


def test_waits_must_fit_into_the_time_limit() -> None:
    config = with_timeout(canary(percent(10), wait=600, termination=600), 1200)
    with pytest.raises(ServiceFault, match="larger than the deployment's total waiting time of 1200 seconds"):
        check_update(config, FOUR, FOUR)


def test_variants_must_be_the_same_one() -> None:
    other, several = specification(b=(4, 1.0)), specification(a=(4, 1.0), b=(4, 1.0))
    for config in (canary(count(1)), linear(count(1)), rolling(count(1))):
        with pytest.raises(ServiceFault, match="must have the same variant name"):
            check_update(config, FOUR, other)
    with pytest.raises(ServiceFault, match="not supported for endpoints with multiple"):
        check_update(rolling(count(1)), several, several)
    with pytest.raises(ServiceFault, match="The embedded cloud has no canary"):
        check_update(canary(count(1)), FOUR, several)
    check_update(None, FOUR, several)
