"""Alarms on the cloud's clock, from outside: their states, their history, whom they tell."""

import datetime as dt
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.local.cloud_process import CloudProcess, free_port, until

NAMESPACE = "Test"
WIDTH = 60


class Watched:
    """A metric, and a clock that is moved by whole periods."""

    def __init__(self, cloud: CloudProcess) -> None:
        self.cloud = cloud
        self.metrics = cloud.client("cloudwatch")

    def now(self) -> float:
        return float(self.cloud.get("/_cloud/clock")["now"])

    def advance(self, seconds: float) -> None:
        self.cloud.post("/_cloud/clock", {"advance_seconds": seconds})

    def to_next_period(self, seconds: int = WIDTH) -> None:
        self.advance(seconds - self.now() % seconds + 0.01)

    def put(self, values: list[float], counts: list[float] | None = None, name: str = "Load", **more: Any) -> None:
        datum = {
            "MetricName": name,
            "Values": values,
            "Counts": counts or [1.0] * len(values),
            "Timestamp": dt.datetime.fromtimestamp(self.now(), dt.UTC),
            "Dimensions": [{"Name": "Of", "Value": "this"}],
        }
        self.metrics.put_metric_data(Namespace=NAMESPACE, MetricData=[datum | more])

    def alarm(self, name: str, **more: Any) -> None:
        settings = {
            "Namespace": NAMESPACE,
            "MetricName": "Load",
            "Dimensions": [{"Name": "Of", "Value": "this"}],
            "Statistic": "Sum",
            "Period": WIDTH,
            "EvaluationPeriods": 1,
            "Threshold": 10.0,
            "ComparisonOperator": "GreaterThanThreshold",
        }
        if "ExtendedStatistic" in more:
            del settings["Statistic"]
        self.metrics.put_metric_alarm(AlarmName=name, **settings | more)

    def described(self, name: str) -> dict[str, Any]:
        (alarm,) = self.metrics.describe_alarms(AlarmNames=[name])["MetricAlarms"]
        return alarm

    def mails(self) -> list[str]:
        return [mail["subject"] for mail in self.cloud.get("/_cloud/mails")["mails"]]

    def await_state(self, name: str, state: str) -> dict[str, Any]:
        return until(f"{name} in {state}", lambda: self.described(name)["StateValue"] == state and self.described(name))


@pytest.fixture(scope="module")
def one_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudProcess]:
    cloud = CloudProcess(free_port(), None, tmp_path_factory.mktemp("alarms") / "log", {}).start()
    yield cloud
    cloud.stop()


@pytest.fixture
def watched(one_cloud: CloudProcess) -> Watched:
    """Far from what the tests before have published."""
    made = Watched(one_cloud)
    made.advance(100 * WIDTH)
    made.to_next_period()
    return made


def test_an_alarm_sounds_when_its_period_has_passed_and_rests_with_the_next(watched: Watched) -> None:
    watched.alarm("load", TreatMissingData="notBreaching")
    watched.await_state("load", "OK")
    watched.put([6.0, 7.0])
    assert watched.described("load")["StateValue"] == "OK"
    watched.to_next_period()
    alarm = watched.await_state("load", "ALARM")
    assert "1 out of the last 1 datapoints [13.0" in alarm["StateReason"]
    assert abs(alarm["StateUpdatedTimestamp"].timestamp() - watched.now()) < WIDTH
    assert json.loads(alarm["StateReasonData"])["recentDatapoints"] == [13.0]
    watched.put([1.0])
    watched.to_next_period()
    watched.await_state("load", "OK")
    items = watched.metrics.describe_alarm_history(AlarmName="load", HistoryItemType="StateUpdate")["AlarmHistoryItems"]
    assert [item["HistorySummary"] for item in items][:2] == [
        "Alarm updated from ALARM to OK",
        "Alarm updated from OK to ALARM",
    ]


def test_a_percentile_is_that_of_the_published_distribution(watched: Watched) -> None:
    watched.alarm("slow", ExtendedStatistic="p99", Threshold=1_000.0, TreatMissingData="notBreaching")
    watched.alarm("average", Statistic="Average", Threshold=1_000.0, TreatMissingData="notBreaching")
    watched.put([100.0, 5_000.0], [970.0, 30.0])
    watched.to_next_period()
    assert "5000.0" in watched.await_state("slow", "ALARM")["StateReason"]
    watched.await_state("average", "OK")
    now = dt.datetime.fromtimestamp(watched.now(), dt.UTC)
    (point,) = watched.metrics.get_metric_statistics(
        Namespace=NAMESPACE,
        MetricName="Load",
        Dimensions=[{"Name": "Of", "Value": "this"}],
        StartTime=now - dt.timedelta(minutes=5),
        EndTime=now,
        Period=60,
        Statistics=["Sum", "SampleCount"],
        ExtendedStatistics=["p50", "p99"],
    )["Datapoints"]
    assert point["ExtendedStatistics"] == {"p50": 100.0, "p99": 5_000.0}
    assert (point["SampleCount"], point["Sum"]) == (1_000.0, 247_000.0)
    answer = watched.metrics.get_metric_data(
        MetricDataQueries=[
            {
                "Id": "q",
                "MetricStat": {
                    "Metric": {
                        "Namespace": NAMESPACE,
                        "MetricName": "Load",
                        "Dimensions": [{"Name": "Of", "Value": "this"}],
                    },
                    "Period": 60,
                    "Stat": "p99",
                },
            }
        ],
        StartTime=now - dt.timedelta(minutes=5),
        EndTime=now,
    )
    assert answer["MetricDataResults"][0]["Values"] == [5_000.0]


def test_a_metric_is_asked_for_by_its_dimensions_and_unit_newest_first(watched: Watched) -> None:
    watched.put([1.0], Unit="Count")
    watched.put([4.0], Unit="Seconds")
    watched.put([100.0], Dimensions=[])
    watched.to_next_period()
    watched.put([2.0], Unit="Count")
    now = dt.datetime.fromtimestamp(watched.now() + 1, dt.UTC)
    window = {"StartTime": now - dt.timedelta(minutes=5), "EndTime": now}
    metric = {"Namespace": NAMESPACE, "MetricName": "Load", "Dimensions": [{"Name": "Of", "Value": "this"}]}
    stat = {"Metric": metric, "Period": 60, "Stat": "Sum", "Unit": "Count"}
    queries = [
        {"Id": "counted", "MetricStat": stat},
        {"Id": "bare", "MetricStat": {**stat, "Metric": {**metric, "Dimensions": []}, "Unit": "None"}},
    ]
    results = watched.metrics.get_metric_data(MetricDataQueries=queries, **window)["MetricDataResults"]
    assert [(result["Id"], result["Values"]) for result in results] == [("counted", [2.0, 1.0]), ("bare", [100.0])]
    oldest = watched.metrics.get_metric_data(MetricDataQueries=queries, ScanBy="TimestampAscending", **window)
    assert oldest["MetricDataResults"][0]["Values"] == [1.0, 2.0]
    points = watched.metrics.get_metric_statistics(**metric, Period=300, Statistics=["Maximum"], **window)["Datapoints"]
    assert max(point["Maximum"] for point in points) == 4.0


def test_a_high_resolution_alarm_sounds_after_three_periods_of_ten_seconds(watched: Watched) -> None:
    watched.alarm("quick", Period=10, EvaluationPeriods=3, Statistic="Maximum")
    for _ in range(3):
        assert watched.described("quick")["StateValue"] != "ALARM"
        watched.put([4.0, 11.0], StorageResolution=1)
        watched.to_next_period(10)
    watched.await_state("quick", "ALARM")


def test_m_out_of_n_datapoints_are_enough(watched: Watched) -> None:
    watched.alarm("often", EvaluationPeriods=3, DatapointsToAlarm=2, TreatMissingData="notBreaching")
    for load in (20.0, 1.0, 20.0):
        watched.await_state("often", "OK")
        watched.put([load])
        watched.to_next_period()
    watched.await_state("often", "ALARM")


def test_without_data_an_alarm_goes_through_what_it_has_and_then_has_insufficient_data(watched: Watched) -> None:
    watched.alarm("missed")
    watched.put([1.0])
    watched.to_next_period()
    watched.await_state("missed", "OK")
    for _ in range(4):
        watched.to_next_period()
    reason = watched.await_state("missed", "INSUFFICIENT_DATA")["StateReason"]
    assert reason == "Insufficient Data: 1 datapoint was unknown."


def test_only_the_metric_with_the_alarms_dimensions_counts(watched: Watched) -> None:
    watched.alarm("this", TreatMissingData="notBreaching")
    watched.put([99.0], Dimensions=[{"Name": "Of", "Value": "that"}])
    watched.put([99.0], Dimensions=[])
    watched.alarm("that", Dimensions=[{"Name": "Of", "Value": "that"}])
    watched.to_next_period()
    watched.await_state("that", "ALARM")
    watched.await_state("this", "OK")


def test_a_change_of_state_is_mailed_once(watched: Watched) -> None:
    sns = watched.cloud.client("sns")
    topic = sns.create_topic(Name="operators")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="operator@example.com")
    watched.alarm("mailed", AlarmActions=[topic], OKActions=[topic], TreatMissingData="notBreaching")
    for load in (20.0, 20.0, 1.0):
        watched.put([load])
        watched.to_next_period()
        watched.await_state("mailed", "ALARM" if load > 10 else "OK")
    mails = until("both mails", lambda: len(of := [m for m in watched.mails() if '"mailed"' in m]) >= 3 and of)
    assert mails == ['OK: "mailed" in us-east-1', 'ALARM: "mailed" in us-east-1', 'OK: "mailed" in us-east-1']


def test_a_state_that_is_set_by_hand_lasts_until_the_next_evaluation(watched: Watched) -> None:
    watched.alarm("by-hand", TreatMissingData="notBreaching")
    watched.await_state("by-hand", "OK")
    watched.metrics.set_alarm_state(AlarmName="by-hand", StateValue="ALARM", StateReason="to see")
    assert watched.described("by-hand")["StateReason"] == "to see"
    for _ in range(2):
        watched.to_next_period()
    watched.await_state("by-hand", "OK")


def test_alarms_and_what_they_have_seen_survive_a_crash(make_cloud: Callable[..., CloudProcess]) -> None:
    watched = Watched(make_cloud())
    watched.to_next_period()
    watched.alarm("kept", EvaluationPeriods=2)
    watched.put([20.0])
    watched.to_next_period()
    watched.put([20.0])
    saved = watched.cloud.state_dir / "services" / "cloudwatch.json"  # type: ignore[operator]
    until("the save", lambda: saved.exists() and saved.read_text().count("20.0") >= 2)
    watched.cloud.crash()
    watched.cloud.start()
    watched.to_next_period()
    watched.await_state("kept", "ALARM")
