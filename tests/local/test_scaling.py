"""A whole cloud: requests become metrics, metrics alarms, alarms instances, and back."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.local.cloud_process import CloudProcess, until
from tests.local.live_endpoint import VARIANT, deploy_live, now, stand_in_project, track_live

TARGET = 30.0
MINUTE = 60


class Live:
    """An endpoint of stand-in containers that is scaled on its invocations."""

    def __init__(self, cloud: CloudProcess) -> None:
        self.cloud = cloud
        self.scaling, self.sagemaker = cloud.client("application-autoscaling"), cloud.client("sagemaker")
        self.runtime, self.cloudwatch = cloud.client("sagemaker-runtime"), cloud.client("cloudwatch")

    def described(self) -> dict[str, Any]:
        return self.sagemaker.describe_endpoint(EndpointName="live")

    def count(self) -> int:
        endpoint = self.described()
        settled = endpoint["EndpointStatus"] == "InService"
        return int(endpoint["ProductionVariants"][0]["CurrentInstanceCount"]) if settled else 0

    def invoke(self, times: int) -> None:
        for _ in range(times):
            self.runtime.invoke_endpoint(EndpointName="live", Body=b"1,2", ContentType="text/csv")

    def advance(self, seconds: float) -> None:
        self.cloud.post("/_cloud/clock", {"advance_seconds": seconds})

    def end_minute(self) -> None:
        self.advance(MINUTE - now(self.cloud) % MINUTE + 0.1)

    def state(self, direction: str) -> str:
        prefix = f"TargetTracking-{VARIANT['ResourceId']}-{direction}-"
        (alarm,) = self.cloudwatch.describe_alarms(AlarmNamePrefix=prefix)["MetricAlarms"]
        return str(alarm["StateValue"])

    def activities(self) -> list[dict[str, Any]]:
        return list(self.scaling.describe_scaling_activities(ServiceNamespace="sagemaker")["ScalingActivities"])


@pytest.fixture
def live(make_cloud: Callable[..., CloudProcess], tmp_path: Path) -> Live:
    cloud = make_cloud(PROJECT_ROOT=str(stand_in_project(tmp_path)))
    deploy_live(cloud)
    metric = "SageMakerVariantInvocationsPerInstance"
    track_live(cloud, metric, TARGET, capacity=(1, 4), out_cooldown=60, in_cooldown=60)
    made = Live(cloud)
    made.end_minute()
    return made


def test_load_brings_instances_and_quiet_takes_them_away_also_over_a_crash(live: Live) -> None:
    for _ in range(3):
        assert live.count() == 1
        live.invoke(80)
        live.end_minute()
    until("three instances", lambda: live.count() == 3)
    until("its end", lambda: live.activities()[0]["StatusCode"] == "Successful")
    for _ in range(3):  # as much as before: three are enough, and stay
        live.invoke(80)
        live.end_minute()
    until("rest", lambda: live.state("AlarmHigh") == "OK")
    assert [activity["Description"] for activity in live.activities()] == ["Setting desired instance count to 3."]
    assert "AlarmHigh" in live.activities()[0]["Cause"]
    live.cloud.crash()
    live.cloud.start()
    until("the return", lambda: live.count() == 3)
    assert live.state("AlarmLow") != "ALARM"
    live.advance(20 * MINUTE)
    until("one instance", lambda: live.count() == 1)
    assert "AlarmLow" in live.activities()[0]["Cause"]
    assert live.activities()[0]["Description"] == "Setting desired instance count to 1."
    # Nothing can change any more until somebody asks: no timer runs.
    until("quiet", lambda: live.advance(MINUTE) or live.cloud.get("/_cloud/alarms")["due"] == {})
    history = live.cloudwatch.describe_alarm_history(HistoryItemType="StateUpdate")["AlarmHistoryItems"]
    assert json.loads(history[0]["HistoryData"])["newState"]["stateReasonData"]["period"] == MINUTE


def test_a_template_brings_steps_their_alarm_and_a_schedule(live: Live) -> None:
    live.scaling.deregister_scalable_target(**VARIANT)
    dimensions = [{"Name": "EndpointName", "Value": "live"}, {"Name": "VariantName", "Value": "model-a"}]
    template = {
        "Resources": {
            "Target": {
                "Type": "AWS::ApplicationAutoScaling::ScalableTarget",
                "Properties": VARIANT
                | {
                    "MinCapacity": 1,
                    "MaxCapacity": 4,
                    "ScheduledActions": [
                        {
                            "ScheduledActionName": "nightly",
                            "Schedule": "cron(0 3 * * ? *)",
                            "Timezone": "Europe/Berlin",
                            "ScalableTargetAction": {"MinCapacity": 2, "MaxCapacity": 2},
                        }
                    ],
                },
            },
            "Steps": {
                "Type": "AWS::ApplicationAutoScaling::ScalingPolicy",
                "Properties": {
                    "PolicyName": "errors",
                    "PolicyType": "StepScaling",
                    "ScalingTargetId": {"Ref": "Target"},
                    "StepScalingPolicyConfiguration": {
                        "AdjustmentType": "ChangeInCapacity",
                        "Cooldown": 60,
                        "MetricAggregationType": "Maximum",
                        "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}],
                    },
                },
            },
            "Busy": {
                "Type": "AWS::CloudWatch::Alarm",
                "Properties": {
                    "AlarmName": "busy",
                    "AlarmActions": [{"Ref": "Steps"}],
                    "Namespace": "AWS/SageMaker",
                    "MetricName": "Invocations",
                    "Dimensions": dimensions,
                    "Statistic": "Sum",
                    "Period": 60,
                    "EvaluationPeriods": 1,
                    "Threshold": 20,
                    "ComparisonOperator": "GreaterThanThreshold",
                    "TreatMissingData": "notBreaching",
                },
            },
        }
    }
    stacks = live.cloud.client("cloudformation")
    stacks.create_stack(StackName="scaling", TemplateBody=json.dumps(template))
    until("the stack", lambda: stacks.describe_stacks()["Stacks"][-1]["StackStatus"] == "CREATE_COMPLETE")
    (policy,) = live.scaling.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]
    assert [alarm["AlarmName"] for alarm in policy["Alarms"]] == ["busy"]
    (action,) = live.scaling.describe_scheduled_actions(ServiceNamespace="sagemaker")["ScheduledActions"]
    assert (action["Schedule"], action["Timezone"]) == ("cron(0 3 * * ? *)", "Europe/Berlin")
    live.invoke(25)
    live.end_minute()
    until("two instances", lambda: live.count() == 2)
    assert live.activities()[0]["Cause"] == "monitor alarm busy in state ALARM triggered policy errors"
    stacks.delete_stack(StackName="scaling")
    until(
        "its end", lambda: not live.scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
    )
    assert live.scaling.describe_scheduled_actions(ServiceNamespace="sagemaker")["ScheduledActions"] == []
