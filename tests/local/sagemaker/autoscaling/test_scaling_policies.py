"""What policies and schedules do to a real endpoint when their alarms call them; the alarms' clock is the cloud's."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.sagemaker.conftest import MiniatureCloud, eventually, variant

ENDPOINT = "live"
PERIOD = 60


class Scaled:
    """An endpoint in service with a registered variant."""

    def __init__(self, cloud: MiniatureCloud, minimum: int = 1, maximum: int = 4) -> None:
        self.cloud = cloud
        # The emulator keeps metrics and alarms for all tests together.
        self.endpoint = cloud.name
        self.variant = {
            "ServiceNamespace": "sagemaker",
            "ResourceId": f"endpoint/{self.endpoint}/variant/model-a",
            "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
        }
        self.cloudwatch = cloud.front_door.emulated("cloudwatch")
        cloud.create_model("m")
        cloud.create_config("c", variant("m"))
        cloud.create_endpoint(self.endpoint, "c")
        cloud.autoscaling.register_scalable_target(**self.variant, MinCapacity=minimum, MaxCapacity=maximum)

    def track(self, name: str = "invocations", **more: Any) -> dict[str, Any]:
        configuration = {
            "TargetValue": 100.0,
            "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
            "ScaleInCooldown": 120,
            "ScaleOutCooldown": 300,
        }
        return self.cloud.autoscaling.put_scaling_policy(
            **self.variant,
            PolicyName=name,
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration=configuration | more,
        )

    def steps(self, *steps: dict[str, Any], **more: Any) -> str:
        configuration = {"AdjustmentType": "ChangeInCapacity", "StepAdjustments": list(steps), "Cooldown": 300}
        return self.cloud.autoscaling.put_scaling_policy(
            **self.variant, PolicyName="steps", StepScalingPolicyConfiguration=configuration | more
        )["PolicyARN"]

    def alarm_on_latency(self, policy_arn: str, **rule: str) -> str:
        """The name of an alarm that calls the policy when one minute is beyond 100."""
        name = f"latency-{self.endpoint}"
        self.cloudwatch.put_metric_alarm(
            AlarmName=name,
            AlarmActions=[policy_arn],
            Namespace="AWS/SageMaker",
            MetricName="ModelLatency",
            Dimensions=[{"Name": "EndpointName", "Value": self.endpoint}, {"Name": "VariantName", "Value": "model-a"}],
            Period=60,
            EvaluationPeriods=1,
            Threshold=100.0,
            **rule,
        )
        return name

    def next_period(self) -> None:
        self.cloud.clock.advance(PERIOD - self.cloud.clock.now() % PERIOD)

    def load(self, *per_instance: float, metric: str = "InvocationsPerInstance") -> None:
        """One datapoint for each of the last minutes, the last of which ends now."""
        self.next_period()
        end = self.cloud.clock.now()
        dimensions = [{"Name": "EndpointName", "Value": self.endpoint}, {"Name": "VariantName", "Value": "model-a"}]
        self.cloudwatch.put_metric_data(
            Namespace="AWS/SageMaker",
            MetricData=[
                {
                    "MetricName": metric,
                    "Dimensions": dimensions,
                    "Timestamp": dt.datetime.fromtimestamp(end - (len(per_instance) - index) * PERIOD, dt.UTC),
                    "Value": value,
                }
                for index, value in enumerate(per_instance)
            ],
        )

    def call(self, policy: dict[str, Any] | str, alarm: str | int = 0) -> bool:
        """What the alarm does while it sounds."""
        arn = policy if isinstance(policy, str) else policy["PolicyARN"]
        name = alarm if isinstance(alarm, str) else policy["Alarms"][alarm]["AlarmName"]  # type: ignore[index]
        self.sound(name)
        return self.cloud.service._autoscaling.scaler.called(arn, name)

    def sound(self, alarm: str) -> None:
        """The emulator is a bare one here: what evaluates alarms is tested elsewhere."""
        self.cloudwatch.set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="as it is")

    def count(self) -> int:
        (described,) = self.cloud.sagemaker.describe_endpoint(EndpointName=self.endpoint)["ProductionVariants"]
        return int(described["CurrentInstanceCount"])

    def await_count(self, count: int) -> None:
        eventually(lambda: self.count() == count, f"{count} instances")
        eventually(lambda: all(activity["StatusCode"] != "InProgress" for activity in self.activities()))

    def activities(self, **more: Any) -> list[dict[str, Any]]:
        return self.cloud.autoscaling.describe_scaling_activities(
            ServiceNamespace="sagemaker", ResourceId=self.variant["ResourceId"], **more
        )["ScalingActivities"]

    def reasons(self) -> list[str]:
        found = self.activities(IncludeNotScaledActivities=True)
        return [reason["Code"] for activity in found for reason in activity.get("NotScaledReasons", ())]

    def alarms(self) -> list[dict[str, Any]]:
        prefix = f"TargetTracking-{self.variant['ResourceId']}-"
        return self.cloudwatch.describe_alarms(AlarmNamePrefix=prefix)["MetricAlarms"]


@pytest.fixture
def scaled(cloud: MiniatureCloud) -> Scaled:
    return Scaled(cloud)


def test_a_tracking_policy_has_the_alarms_that_aws_gives_it(scaled: Scaled) -> None:
    policy = scaled.track()
    high, low = scaled.alarms()
    assert [alarm["AlarmName"] for alarm in policy["Alarms"]] == [high["AlarmName"], low["AlarmName"]]
    assert high["AlarmName"].startswith(f"TargetTracking-{scaled.variant['ResourceId']}-AlarmHigh-")
    assert (high["Threshold"], high["EvaluationPeriods"], high["Period"]) == (100.0, 3, 60)
    assert (low["Threshold"], low["EvaluationPeriods"], low["Period"]) == (90.0, 15, 60)
    assert high["AlarmActions"] == low["AlarmActions"] == [policy["PolicyARN"]]
    assert (high["MetricName"], high["Statistic"]) == ("InvocationsPerInstance", "Sum")
    (described,) = scaled.cloud.autoscaling.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]
    assert described["Alarms"] == policy["Alarms"]
    again = scaled.track(TargetValue=50.0, DisableScaleIn=True)
    (high,) = scaled.alarms()
    assert again["Alarms"] == policy["Alarms"][:1]
    assert high["Threshold"] == 50.0


def test_concurrency_is_watched_every_ten_seconds_upwards_and_every_minute_downwards(scaled: Scaled) -> None:
    kind = "SageMakerVariantConcurrentRequestsPerModelHighResolution"
    scaled.track(PredefinedMetricSpecification={"PredefinedMetricType": kind}, TargetValue=5.0)
    high, low = scaled.alarms()
    assert (high["MetricName"], high["Statistic"]) == ("ConcurrentRequestsPerModel", "Maximum")
    assert (high["Period"], high["EvaluationPeriods"], low["Period"], low["EvaluationPeriods"]) == (10, 3, 60, 15)


@pytest.mark.parametrize(
    "remove",
    [
        lambda scaled: scaled.cloud.autoscaling.delete_scaling_policy(**scaled.variant, PolicyName="invocations"),
        lambda scaled: scaled.cloud.autoscaling.deregister_scalable_target(**scaled.variant),
        lambda scaled: scaled.cloud.sagemaker.delete_endpoint(EndpointName=scaled.endpoint),
    ],
    ids=["the policy", "the target", "the endpoint"],
)
def test_the_alarms_go_with_what_they_are_for(scaled: Scaled, remove: Callable[[Scaled], object]) -> None:
    scaled.track()
    remove(scaled)
    assert scaled.alarms() == []


def test_load_above_the_target_adds_instances_in_proportion(scaled: Scaled) -> None:
    policy = scaled.track()
    scaled.load(250.0, 250.0, 270.0)
    scaled.call(policy)
    scaled.await_count(3)
    (activity,) = scaled.activities()
    high = policy["Alarms"][0]["AlarmName"]
    assert activity["Description"] == "Setting desired instance count to 3."
    assert activity["Cause"] == f"monitor alarm {high} in state ALARM triggered policy invocations"
    assert activity["StatusMessage"] == (
        "Successfully set desired instance count to 3. Change successfully fulfilled by sagemaker."
    )
    assert activity["EndTime"] >= activity["StartTime"]
    # What was measured over one instance asks for no more than it did.
    assert scaled.call(policy) is True  # the cooldown passes
    assert scaled.count() == 3


def test_capacity_ends_at_the_maximum(scaled: Scaled) -> None:
    policy = scaled.track()
    scaled.load(900.0, 900.0, 900.0)
    scaled.call(policy)
    scaled.await_count(4)
    assert scaled.call(policy) is False
    assert scaled.reasons() == ["AlreadyAtMaxCapacity"]
    assert "NotScaledReasons" not in scaled.activities()[0]


def test_an_idle_variant_goes_back_to_the_minimum_after_a_quarter_of_an_hour(scaled: Scaled) -> None:
    policy = scaled.track()
    scaled.load(390.0, 390.0, 390.0)
    scaled.call(policy)
    scaled.await_count(4)
    for _ in range(10):
        scaled.next_period()
    # The busiest of the last fifteen minutes still needs them all.
    scaled.call(policy, 1)
    assert scaled.count() == 4
    for _ in range(8):
        scaled.next_period()
    scaled.call(policy, 1)
    scaled.await_count(1)
    assert scaled.activities()[0]["Description"] == "Setting desired instance count to 1."


def test_scaling_in_waits_until_every_policy_is_ready(scaled: Scaled) -> None:
    invocations = scaled.track()
    kind = "SageMakerVariantConcurrentRequestsPerModelHighResolution"
    concurrency = scaled.track(
        "concurrency", PredefinedMetricSpecification={"PredefinedMetricType": kind}, TargetValue=5.0
    )
    scaled.load(390.0, 390.0, 390.0)
    scaled.call(invocations)
    scaled.await_count(4)
    for _ in range(18):
        scaled.next_period()
    scaled.call(invocations, 1)
    assert scaled.count() == 4
    scaled.load(3.0, metric="ConcurrentRequestsPerModel")
    scaled.sound(invocations["Alarms"][1]["AlarmName"])
    scaled.call(concurrency, 1)
    scaled.await_count(3)  # four with three requests each are three with four


def test_suspended_scaling_does_nothing(scaled: Scaled) -> None:
    policy = scaled.track()
    scaled.cloud.autoscaling.register_scalable_target(
        **scaled.variant, SuspendedState={"DynamicScalingOutSuspended": True}
    )
    scaled.load(250.0, 250.0, 250.0)
    assert scaled.call(policy) is False
    assert scaled.activities() == []


def test_a_variant_that_is_being_changed_is_scaled_later(lasting_cloud: MiniatureCloud) -> None:
    scaled = Scaled(lasting_cloud)
    policy = scaled.track()
    scaled.load(250.0, 250.0, 250.0)
    scaled.call(policy)
    scaled.load(400.0, 400.0, 400.0)
    scaled.call(policy)
    lasting_cloud.restart()
    eventually(lambda: lasting_cloud.clock.advance(1) or scaled.count() == 3)
    eventually(lambda: lasting_cloud.clock.advance(1) or scaled.activities()[0]["StatusCode"] == "Successful")
    assert len(scaled.alarms()) == 2


def test_an_alarm_of_ones_own_calls_a_step_policy(scaled: Scaled) -> None:
    arn = scaled.steps(
        {"MetricIntervalLowerBound": 0.0, "MetricIntervalUpperBound": 50.0, "ScalingAdjustment": 1},
        {"MetricIntervalLowerBound": 50.0, "ScalingAdjustment": 3},
    )
    name = scaled.alarm_on_latency(arn, ExtendedStatistic="p99", ComparisonOperator="GreaterThanOrEqualToThreshold")
    scaled.load(120.0, metric="ModelLatency")
    scaled.call(arn, name)
    scaled.await_count(2)
    # A larger breach goes on during the cooldown: three more than there were, of which one is there.
    scaled.load(190.0, metric="ModelLatency")
    scaled.call(arn, name)
    scaled.await_count(4)
    (policy,) = scaled.cloud.autoscaling.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]
    assert [alarm["AlarmName"] for alarm in policy["Alarms"]] == [name]
    assert scaled.activities()[0]["Cause"] == f"monitor alarm {name} in state ALARM triggered policy steps"


def test_an_alarm_for_want_of_data_takes_the_step_next_to_the_threshold(scaled: Scaled) -> None:
    scaled.cloud.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=scaled.endpoint,
        DesiredWeightsAndCapacities=[{"VariantName": "model-a", "DesiredInstanceCount": 4}],
    )
    eventually(lambda: scaled.count() == 4)
    arn = scaled.steps(
        {"MetricIntervalLowerBound": -10.0, "MetricIntervalUpperBound": 0.0, "ScalingAdjustment": -1},
        {"MetricIntervalUpperBound": -10.0, "ScalingAdjustment": -3},
    )
    name = scaled.alarm_on_latency(
        arn, Statistic="Average", ComparisonOperator="LessThanThreshold", TreatMissingData="breaching"
    )
    scaled.next_period()
    scaled.call(arn, name)
    scaled.await_count(3)


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([{"ScalingAdjustment": 1, "MetricIntervalUpperBound": 5.0}], "positive upper bound"),
        ([], "At least one step adjustment"),
    ],
)
def test_steps_with_gaps_are_refused(scaled: Scaled, steps: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(ClientError, match=message):
        scaled.steps(*steps)


def test_a_scheduled_action_sets_the_limits_and_the_capacity_follows(scaled: Scaled) -> None:
    scaling = scaled.cloud.autoscaling
    at = dt.datetime.fromtimestamp(scaled.cloud.clock.now() + 3_600, dt.UTC).strftime("at(%Y-%m-%dT%H:%M:%S)")
    scaling.put_scheduled_action(
        **scaled.variant,
        ScheduledActionName="morning",
        Schedule=at,
        ScalableTargetAction={"MinCapacity": 3, "MaxCapacity": 6},
    )
    (action,) = scaling.describe_scheduled_actions(ServiceNamespace="sagemaker")["ScheduledActions"]
    assert (action["ScheduledActionName"], action["Schedule"]) == ("morning", at)
    assert action["ScheduledActionARN"].endswith(":scheduledActionName/morning")
    scaled.cloud.clock.advance(3_590)
    assert scaled.count() == 1
    scaled.cloud.clock.advance(11)
    scaled.await_count(3)
    (target,) = scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (3, 6)
    assert [(activity["Description"], activity["Cause"]) for activity in scaled.activities()] == [
        ("Setting desired instance count to 3.", "minimum capacity was set to 3"),
        ("Setting min capacity to 3 and max capacity to 6", "scheduled action name morning was triggered"),
    ]


def test_scheduled_actions_are_changed_suspended_and_deleted(scaled: Scaled) -> None:
    scaling = scaled.cloud.autoscaling
    named = scaled.variant | {"ScheduledActionName": "hourly"}
    scaling.put_scheduled_action(**named, Schedule="rate(1 hour)", ScalableTargetAction={"MinCapacity": 2})
    scaling.put_scheduled_action(**named, Timezone="Europe/Berlin")
    (action,) = scaling.describe_scheduled_actions(ServiceNamespace="sagemaker", ScheduledActionNames=["hourly"])[
        "ScheduledActions"
    ]
    assert (action["Schedule"], action["Timezone"]) == ("rate(1 hour)", "Europe/Berlin")
    scaling.register_scalable_target(**scaled.variant, SuspendedState={"ScheduledScalingSuspended": True})
    scaled.cloud.clock.advance(3_601)
    store, key = scaled.cloud.service._store, f"{scaled.variant['ResourceId']}|hourly"
    eventually(lambda: store.get("scheduled-action", key)["Since"] > scaled.cloud.clock.now() - 600)
    assert scaled.activities() == []
    scaling.register_scalable_target(**scaled.variant, SuspendedState={"ScheduledScalingSuspended": False})
    scaled.cloud.clock.advance(3_601)
    scaled.await_count(2)
    scaling.delete_scheduled_action(**named)
    with pytest.raises(scaling.exceptions.ObjectNotFoundException, match="No scheduled action found"):
        scaling.delete_scheduled_action(**named)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Schedule": "cron(0 9 * * *)"}, "six fields"),
        ({"Timezone": "Europe/Nowhere"}, "no time zone"),
        ({"ScalableTargetAction": {}}, "At least one of"),
        ({"ScalableTargetAction": {"MinCapacity": 3, "MaxCapacity": 2}}, "cannot be less than"),
    ],
)
def test_an_impossible_scheduled_action_is_refused(scaled: Scaled, change: dict[str, Any], message: str) -> None:
    request = {"Schedule": "rate(1 day)", "ScalableTargetAction": {"MinCapacity": 1}} | change
    with pytest.raises(ClientError, match=message):
        scaled.cloud.autoscaling.put_scheduled_action(**scaled.variant, ScheduledActionName="no", **request)


def test_what_came_due_while_the_cloud_was_down_takes_place_once(lasting_cloud: MiniatureCloud) -> None:
    scaled = Scaled(lasting_cloud)
    lasting_cloud.autoscaling.put_scheduled_action(
        **scaled.variant,
        ScheduledActionName="often",
        Schedule="rate(1 hour)",
        ScalableTargetAction={"MinCapacity": 2},
    )
    lasting_cloud.service.close()
    lasting_cloud.clock.advance(5 * 3_600)
    lasting_cloud.start()
    eventually(lambda: lasting_cloud.clock.advance(1) or scaled.count() == 2)
    assert len([each for each in scaled.activities() if "often" in each["Cause"]]) == 1
