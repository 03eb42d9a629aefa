"""How many instances a template gives each variant."""

from typing import Any

import pytest

from tests.infra.template import Template

pytestmark = pytest.mark.xdist_group("cdk")

Kinds = dict[str, dict[str, Template]]


def tracking(template: Template) -> dict[str, Any]:
    policy = template.properties("AWS::ApplicationAutoScaling::ScalingPolicy", "ScalingPolicy")
    assert policy["PolicyType"] == "TargetTrackingScaling"
    return dict(policy["TargetTrackingScalingPolicyConfiguration"])


def test_requests_at_once_are_tracked_every_ten_seconds(kinds: Kinds) -> None:
    assert tracking(kinds["concurrency"]["prd"]) == {
        "TargetValue": 1.5,
        "PredefinedMetricSpecification": {
            "PredefinedMetricType": "SageMakerVariantConcurrentRequestsPerModelHighResolution"
        },
        "ScaleInCooldown": 30,
        "ScaleOutCooldown": 60,
    }


def test_the_clock_changes_limits_and_requests_decide_within_them(kinds: Kinds) -> None:
    template = kinds["scheduled"]["prd"]
    metric = tracking(template)["PredefinedMetricSpecification"]["PredefinedMetricType"]
    assert metric == "SageMakerVariantInvocationsPerInstance"
    target = template.properties("AWS::ApplicationAutoScaling::ScalableTarget")
    assert (target["MinCapacity"], target["MaxCapacity"]) == (2, 20)
    assert target["ScheduledActions"] == [
        {
            "ScheduledActionName": "iris-production-1",
            "Schedule": "cron(0 7 ? * MON-FRI *)",
            "Timezone": "Europe/Berlin",
            "ScalableTargetAction": {"MinCapacity": 4, "MaxCapacity": 20},
        },
        {
            "ScheduledActionName": "iris-production-2",
            "Schedule": "at(2030-01-01T08:00:00)",
            "Timezone": "UTC",
            "ScalableTargetAction": {"MinCapacity": 2, "MaxCapacity": 5},
        },
    ]


def test_steps_have_a_policy_and_an_alarm_for_each_way(kinds: Kinds) -> None:
    template = kinds["step"]["prd"]
    policies = {
        each["Properties"]["PolicyName"]: each["Properties"]["StepScalingPolicyConfiguration"]
        for each in template.of_type("AWS::ApplicationAutoScaling::ScalingPolicy").values()
    }
    assert policies == {
        "iris-production-scale-out": {
            "AdjustmentType": "ChangeInCapacity",
            "Cooldown": 60,
            "MetricAggregationType": "Maximum",
            "StepAdjustments": [
                {"MetricIntervalLowerBound": 0, "MetricIntervalUpperBound": 50, "ScalingAdjustment": 1},
                {"MetricIntervalLowerBound": 50, "ScalingAdjustment": 3},
            ],
        },
        "iris-production-scale-in": {
            "AdjustmentType": "ChangeInCapacity",
            "Cooldown": 30,
            "MetricAggregationType": "Average",
            "StepAdjustments": [{"MetricIntervalUpperBound": 0, "ScalingAdjustment": -1}],
        },
    }


@pytest.mark.parametrize(
    ("kind", "metric"),
    [
        ("step", ("AWS/SageMaker", "ConcurrentRequestsPerModel", "Maximum", 10)),
        ("cpu", ("/aws/sagemaker/Endpoints", "CPUUtilization", "Average", 60)),
        ("ab-step", ("AWS/SageMaker", "InvocationsPerInstance", "Sum", 60)),
    ],
)
def test_an_alarm_of_steps_does_nothing_but_scale(kind: str, metric: tuple[Any, ...], kinds: Kinds) -> None:
    template = kinds[kind]["prd"]
    for way, comparison, missing, threshold, periods in (
        ("Out", "GreaterThanOrEqualToThreshold", "notBreaching", 100, 2),
        ("In", "LessThanThreshold", "breaching", 20, 10),
    ):
        alarm = template.resource("AWS::CloudWatch::Alarm", f"Scale{way}Alarm")
        assert alarm["Condition"] == "Scaled"
        properties = alarm["Properties"]
        assert tuple(properties[each] for each in ("Namespace", "MetricName", "Statistic", "Period")) == metric
        assert (properties["ComparisonOperator"], properties["TreatMissingData"]) == (comparison, missing)
        assert (properties["Threshold"], properties["EvaluationPeriods"]) == (threshold, periods)
        assert properties["AlarmActions"] == [{"Ref": f"Scale{way}Policy"}]


@pytest.mark.parametrize("kind", ["ab", "ab-step"])
def test_two_variants_are_scaled_each_by_itself(kind: str, kinds: Kinds) -> None:
    template = kinds[kind]["prd"]
    targets = template.of_type("AWS::ApplicationAutoScaling::ScalableTarget")
    assert {
        name: (each["Properties"]["ResourceId"], each["Condition"], each["DependsOn"]) for name, each in targets.items()
    } == {
        "ScalableTarget": ("endpoint/iris-production/variant/model-a", "Scaled", ["Endpoint"]),
        "ScalableTargetB": ("endpoint/iris-production/variant/model-b", "ScaledB", ["Endpoint"]),
    }
    for name, each in template.of_type("AWS::ApplicationAutoScaling::ScalingPolicy").items():
        suffix = "B" if name.endswith("B") else ""
        assert each["Condition"] == f"Scaled{suffix}"
        assert each["Properties"]["ScalingTargetId"] == {"Ref": f"ScalableTarget{suffix}"}


def test_the_other_variants_steps_have_alarms_of_their_own(kinds: Kinds) -> None:
    alarms = kinds["ab-step"]["prd"].of_type("AWS::CloudWatch::Alarm")
    names = {name: each["Properties"]["AlarmName"] for name, each in alarms.items() if name.startswith("Scale")}
    assert names == {
        "ScaleOutAlarm": "mlops-iris-production-model-a-scale-out",
        "ScaleOutAlarmB": "mlops-iris-production-model-b-scale-out",
        "ScaleInAlarm": "mlops-iris-production-model-a-scale-in",
        "ScaleInAlarmB": "mlops-iris-production-model-b-scale-in",
    }
    assert alarms["ScaleInAlarmB"]["Condition"] == "ScaledB"


def test_the_deployment_role_may_write_what_the_clock_does(workflow: Template) -> None:
    granted = {action: each.resources for each in workflow.statements("DeploymentRole") for action in each.actions}
    targets = ("arn:aws:application-autoscaling:us-east-1:123456789012:scalable-target/*",)
    assert granted["application-autoscaling:PutScheduledAction"] == targets
    assert granted["application-autoscaling:DeleteScheduledAction"] == targets
    assert granted["application-autoscaling:DescribeScheduledActions"] == ("*",)
