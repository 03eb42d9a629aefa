"""How a template goes over to the next release: guard rails, or two releases side by side."""

from typing import Any

import pytest

from infra.endpoint_plan import plans
from infra.project import CannotSynthesise, Project
from tests.infra.template import Template
from tests.infra.variant import ACCOUNT, KINDS, compose_into, model

pytestmark = pytest.mark.xdist_group("cdk")

Kinds = dict[str, dict[str, Template]]
GUARDED = ("watched", "canary", "linear", "rolling")
USUAL = {"Image", "ModelDataUrl", "ExecutionRoleArn", "CaptureBucket", "Release", "Autoscaled"}
SECOND = {"ImageB", "ModelDataUrlB", "ReleaseB", "Weight", "WeightB"}


def deployment_config(template: Template) -> dict[str, Any]:
    (condition, config, nothing) = template.properties("AWS::SageMaker::Endpoint")["DeploymentConfig"]["Fn::If"]
    assert (condition, nothing) == ("Watched", {"Ref": "AWS::NoValue"})
    return dict(config)


def alarms(template: Template) -> dict[str, dict[str, Any]]:
    return {
        each["Properties"]["AlarmName"]: each["Properties"]
        for each in template.of_type("AWS::CloudWatch::Alarm").values()
    }


def test_without_a_word_about_it_nothing_is_guarded(kinds: Kinds) -> None:
    template = kinds["usual"]["prd"]
    assert template.all["Parameters"].keys() == USUAL
    assert "DeploymentConfig" not in template.properties("AWS::SageMaker::Endpoint")
    assert not [name for name in alarms(template) if "rollback" in name]


@pytest.mark.parametrize("kind", KINDS)
def test_development_is_never_guarded(kind: str, kinds: Kinds) -> None:
    assert "DeploymentConfig" not in kinds[kind]["dev"].properties("AWS::SageMaker::Endpoint")
    assert kinds[kind]["dev"].all["Parameters"].keys() == USUAL - {"Autoscaled"}


@pytest.mark.parametrize(
    ("kind", "policy"),
    [
        (
            "watched",
            {
                "BlueGreenUpdatePolicy": {
                    "TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0},
                    "TerminationWaitInSeconds": 300,
                    "MaximumExecutionTimeoutInSeconds": 7200,
                }
            },
        ),
        (
            "canary",
            {
                "BlueGreenUpdatePolicy": {
                    "TrafficRoutingConfiguration": {
                        "Type": "CANARY",
                        "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 50},
                        "WaitIntervalInSeconds": 300,
                    },
                    "TerminationWaitInSeconds": 300,
                    "MaximumExecutionTimeoutInSeconds": 7200,
                }
            },
        ),
        (
            "linear",
            {
                "BlueGreenUpdatePolicy": {
                    "TrafficRoutingConfiguration": {
                        "Type": "LINEAR",
                        "LinearStepSize": {"Type": "INSTANCE_COUNT", "Value": 1},
                        "WaitIntervalInSeconds": 120,
                    },
                    "TerminationWaitInSeconds": 300,
                    "MaximumExecutionTimeoutInSeconds": 7200,
                }
            },
        ),
        (
            "rolling",
            {
                "RollingUpdatePolicy": {
                    "MaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": 50},
                    "WaitIntervalInSeconds": 300,
                    "MaximumExecutionTimeoutInSeconds": 7200,
                    "RollbackMaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": 100},
                }
            },
        ),
    ],
)
def test_guard_rails_are_the_settings(kind: str, policy: dict[str, Any], kinds: Kinds) -> None:
    config = deployment_config(kinds[kind]["prd"])
    assert {name: value for name, value in config.items() if name != "AutoRollbackConfiguration"} == policy


@pytest.mark.parametrize("kind", GUARDED)
def test_the_alarms_that_take_a_release_back_are_there_before_the_endpoint(kind: str, kinds: Kinds) -> None:
    template = kinds[kind]["prd"]
    named = {each["AlarmName"] for each in deployment_config(template)["AutoRollbackConfiguration"]["Alarms"]}
    made = {each["Properties"]["AlarmName"]: name for name, each in template.of_type("AWS::CloudWatch::Alarm").items()}
    assert named == {name for name in made if "-rollback-" in name}
    assert 1 <= len(named) <= 10
    depends = template.resource("AWS::SageMaker::Endpoint")["DependsOn"]
    assert set(depends) == {made[name] for name in named}


@pytest.mark.parametrize("kind", GUARDED)
def test_a_restored_champion_is_not_guarded(kind: str, kinds: Kinds) -> None:
    parameters = kinds[kind]["prd"].all["Parameters"]
    assert parameters.keys() == USUAL | {"Guarded"}
    assert (parameters["Guarded"]["Default"], parameters["Guarded"]["AllowedValues"]) == ("true", ["true", "false"])
    conditions = kinds[kind]["prd"].all["Conditions"]
    assert conditions["Watched"] == {"Fn::Equals": [{"Ref": "Guarded"}, "true"]}


def test_rollback_alarms_look_at_one_minute_of_both_fleets(kinds: Kinds) -> None:
    found = {name: each for name, each in alarms(kinds["watched"]["prd"]).items() if "-rollback-" in name}
    prefix = "mlops-iris-production-rollback-"
    assert found.keys() == {prefix + each for each in ("server-errors", "slow-answers", "invocation-errors")}
    for alarm in found.values():
        assert (alarm["Namespace"], alarm["Period"], alarm["EvaluationPeriods"]) == ("AWS/SageMaker", 60, 1)
        assert (alarm["DatapointsToAlarm"], alarm["TreatMissingData"]) == (1, "notBreaching")
        assert alarm["Dimensions"] == [
            {"Name": "EndpointName", "Value": "iris-production"},
            {"Name": "VariantName", "Value": "model-a"},
        ]
        assert "AlarmActions" not in alarm
    assert [
        (alarm["MetricName"], alarm.get("Statistic") or alarm["ExtendedStatistic"], alarm["Threshold"])
        for alarm in found.values()
    ] == [
        ("InvocationModelErrors", "Sum", 3),
        ("Invocation5XXErrors", "Sum", 5),
        ("ModelLatency", "p99", 1_000_000),
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_the_deployment_role_may_write_every_alarm(kind: str, kinds: Kinds) -> None:
    for name in alarms(kinds[kind]["prd"]):
        # infra/sagemaker_roles.py, WatchProduction: <deployment>-*-production-*
        assert name.startswith("mlops-iris-production-")


@pytest.mark.parametrize("kind", KINDS)
def test_a_release_keeps_scaled_out_instances_whatever_the_kind(kind: str, kinds: Kinds) -> None:
    endpoint = kinds[kind]["prd"].properties("AWS::SageMaker::Endpoint")
    assert endpoint["RetainAllVariantProperties"] is True
    assert len(endpoint["ExcludeRetainedVariantProperties"]) == 2


class TestTwoReleases:
    """`ab`: with an image for the second release there are two variants, without it there is one."""

    @pytest.fixture
    def template(self, kinds: Kinds) -> Template:
        return kinds["ab"]["prd"]

    def test_the_second_comes_in_by_parameters_that_may_be_left_out(self, template: Template) -> None:
        parameters = template.all["Parameters"]
        assert parameters.keys() == USUAL | SECOND
        assert {name: parameters[name]["Default"] for name in SECOND} == {
            "ImageB": "",
            "ModelDataUrlB": "",
            "ReleaseB": "",
            "Weight": 1,
            "WeightB": 0,
        }

    def test_an_image_makes_it_two(self, template: Template) -> None:
        assert template.all["Conditions"] == {
            "Two": {"Fn::Not": [{"Fn::Equals": [{"Ref": "ImageB"}, ""]}]},
            "Scaled": {"Fn::Equals": [{"Ref": "Autoscaled"}, "true"]},
            "ScaledB": {"Fn::And": [{"Condition": "Scaled"}, {"Condition": "Two"}]},
        }

    def test_each_variant_serves_its_model_with_its_weight(self, template: Template) -> None:
        one, other = template.properties("AWS::SageMaker::EndpointConfig")["ProductionVariants"]
        assert one == {
            "VariantName": "model-a",
            "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]},
            "InstanceType": "ml.c5.large",
            "InitialInstanceCount": 2,
            "InitialVariantWeight": {"Ref": "Weight"},
        }
        expected = {
            **one,
            "VariantName": "model-b",
            "ModelName": {"Fn::GetAtt": ["ModelB", "ModelName"]},
            "InitialVariantWeight": {"Ref": "WeightB"},
        }
        assert other == {"Fn::If": ["Two", expected, {"Ref": "AWS::NoValue"}]}
        second = template.resource("AWS::SageMaker::Model", "ModelB")
        assert second["Condition"] == "Two"
        assert second["Properties"]["PrimaryContainer"] == {
            "Image": {"Ref": "ImageB"},
            "ModelDataUrl": {"Ref": "ModelDataUrlB"},
        }
        assert second["Properties"]["EnableNetworkIsolation"] is True
        assert {"Key": "mlops:release", "Value": {"Ref": "ReleaseB"}} in second["Properties"]["Tags"]

    def test_endpoint_and_configuration_name_both_releases(self, template: Template) -> None:
        both = {"Fn::Join": [" ", [{"Ref": "Release"}, {"Ref": "ReleaseB"}]]}
        for kind in ("Endpoint", "EndpointConfig"):
            tags = template.properties(f"AWS::SageMaker::{kind}")["Tags"]
            assert {"Key": "mlops:release", "Value": {"Fn::If": ["Two", both, {"Ref": "Release"}]}} in tags

    def test_no_guard_rails_for_variants_that_come_and_go(self, template: Template) -> None:
        assert "DeploymentConfig" not in template.properties("AWS::SageMaker::Endpoint")

    def test_each_variant_is_watched(self, template: Template) -> None:
        watched = {
            (each["Properties"]["AlarmName"], each["Properties"]["Dimensions"][1]["Value"], each.get("Condition"))
            for each in template.of_type("AWS::CloudWatch::Alarm").values()
        }
        assert watched == {
            ("mlops-iris-production-server-errors", "model-a", None),
            ("mlops-iris-production-slow-answers", "model-a", None),
            ("mlops-iris-production-model-b-server-errors", "model-b", "Two"),
            ("mlops-iris-production-model-b-slow-answers", "model-b", "Two"),
        }

    def test_what_is_scaled_is_told_for_one_release_and_for_two(self, template: Template) -> None:
        production = plans(model("iris", **KINDS["ab"]))[1]
        told = production.pointer()
        assert told == {
            "scaled_shape": "model-a=ml.c5.large",
            "scaled_shape_two": "model-a=ml.c5.large,model-b=ml.c5.large",
            "strategy": "ab",
            "guarded": False,
        }
        assert template.all["Outputs"]["ScaledShape"] == {
            "Condition": "Scaled",
            "Value": {"Fn::If": ["Two", told["scaled_shape_two"], told["scaled_shape"]]},
        }


def test_a_run_is_told_of_guard_rails_and_of_nothing_else() -> None:
    told = {kind: plans(model("iris", **each))[1].pointer() for kind, each in KINDS.items()}
    assert told["usual"] == told["scheduled"] == {"scaled_shape": "model-a=ml.c5.large"}
    assert told["canary"] == {**told["usual"], "strategy": "canary", "guarded": True}
    assert told["watched"] == {**told["usual"], "strategy": "all-at-once", "guarded": True}


def test_a_serverless_endpoint_has_nothing_that_it_cannot_have(kinds: Kinds) -> None:
    template = kinds["serverless"]["dev"]
    configuration = template.properties("AWS::SageMaker::EndpointConfig")
    (variant,) = configuration["ProductionVariants"]
    assert variant["ServerlessConfig"] == {"MemorySizeInMB": 2048, "MaxConcurrency": 5}
    assert not {"InstanceType", "InitialInstanceCount"} & variant.keys()
    assert "DataCaptureConfig" not in configuration
    assert "EnableNetworkIsolation" not in template.properties("AWS::SageMaker::Model")


@pytest.mark.parametrize(
    "when", [{"cron": "99 8 ? * MON *"}, {"cron": "0 8 ? * MONDAYISH *"}, {"at": "2030-13-45T99:99:99"}]
)
def test_hours_and_days_that_do_not_exist_are_refused(project: Project, when: dict[str, str]) -> None:
    scaling = {"kind": "scheduled", "schedule": [{"minimum": 2, "maximum": 4, **when}]}
    with pytest.raises(CannotSynthesise, match="production.scaling.schedule: "):
        compose_into(project, "clock", ACCOUNT, {"iris": model("iris", production={"scaling": scaling})})


def test_a_serverless_endpoint_in_a_vpc_is_refused(project: Project) -> None:
    with pytest.raises(CannotSynthesise, match="development: `serverless` cannot be in a VPC"):
        compose_into(project, "serverless", ACCOUNT, {"iris": model("iris", **KINDS["serverless"])})
