"""A spike on a real endpoint of the embedded cloud: its instances follow as the policy says, and as was simulated."""

import datetime as dt
import math
import re
import time
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest

from commands.elasticity.fleet import InstanceKind
from commands.elasticity.simulation import Outcome, World, simulate
from contracts.scaling import ScalingSettings
from load.endpoint import Endpoint, Question
from load.recording import Recording
from load.schedule import Level, Schedule, spike
from load.traffic import Traffic
from scaling.datapoints import last_complete_period
from tests.local.cloud_process import REGION, CloudProcess
from tests.local.live_endpoint import deploy_live, now, stand_in_project, track_live

pytestmark = [pytest.mark.full, pytest.mark.alone, pytest.mark.timeout(600)]

PREDEFINED = {
    "invocations": "SageMakerVariantInvocationsPerInstance",
    "concurrency": "SageMakerVariantConcurrentRequestsPerModelHighResolution",
}
METRICS = {
    "invocations": {"MetricName": "InvocationsPerInstance", "Statistics": ["Sum"], "Period": 60},
    "concurrency": {"MetricName": "ConcurrentRequestsPerModel", "Statistics": ["Maximum"], "Period": 10},
}
# Thirty seconds of the cloud pass in one of ours; requests are sent and served in ours.
FACTOR = 30.0
START_SECONDS = 120.0
SERVICE_SECONDS, OBJECTIVE_SECONDS, TIMEOUT_SECONDS = 0.1, 0.6, 60.0
BASE, PEAK = 3.0, 30.0
BEFORE, DURING, AFTER = 10.0, 20.0, 36.0
AGREES_WITHIN = 0.1
POLICIES = {
    "invocations": ScalingSettings(maximum=8, target=10.0),
    # So low that one datapoint sooner or later asks for more than the maximum as well.
    "concurrency": ScalingSettings(kind="concurrency", maximum=8, target=1.5),
}


@dataclass(frozen=True)
class Change:
    """A scaling activity, begun so many cloud seconds after the traffic."""

    begun: float
    capacity: int

    @classmethod
    def of(cls, activity: dict[str, Any], begun: float) -> "Change":
        (number,) = re.findall(r"count to (\d+)", activity["Description"])
        return cls(activity["StartTime"].timestamp() - begun, int(number))


@dataclass
class Seen:
    """What was seen of the endpoint; times are cloud seconds since the traffic began."""

    recording: Recording
    begun: float
    course: list[tuple[float, int]] = field(default_factory=list)
    activities: list[dict[str, Any]] = field(default_factory=list)

    @property
    def instance_seconds(self) -> float:
        ends = [since for since, _ in self.course[1:]]
        return sum(count * (end - since) for (since, count), end in zip(self.course, ends, strict=False))

    @property
    def over(self) -> int:
        """Seconds of ours in which a request took too long."""
        return sum(max(bucket.latencies, default=0.0) > OBJECTIVE_SECONDS for bucket in self.recording.buckets)


class Live:
    """An endpoint of stand-in containers, each of which serves one request after the other.

    What a start takes and what an instance can do are measured first, as one would on AWS: a busy machine is slower.
    """

    def __init__(self, cloud: CloudProcess, settings: ScalingSettings) -> None:
        self.cloud, self._settings = cloud, settings
        self.scaling, self.sagemaker = cloud.client("application-autoscaling"), cloud.client("sagemaker")
        session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)
        question = Question(f"take-turns {SERVICE_SECONDS}")
        self._endpoint = Endpoint(session, "live", (question,), cloud.endpoint, REGION)
        self.start_seconds = deploy_live(cloud, settings.minimum)
        self.service_seconds = self._service_seconds()
        # What was measured meanwhile is forgotten before somebody looks.
        cloud.post("/_cloud/clock", {"advance_seconds": 7_200})
        self._scale(settings)

    def instances(self) -> int:
        return int(
            self.sagemaker.describe_endpoint(EndpointName="live")["ProductionVariants"][0]["CurrentInstanceCount"]
        )

    def activities(self) -> list[dict[str, Any]]:
        """Oldest first."""
        found = self.scaling.describe_scaling_activities(ServiceNamespace="sagemaker")["ScalingActivities"]
        return list(reversed(found))

    def spiked(self) -> Seen:
        with Traffic(plan(), self._endpoint, timeout_seconds=TIMEOUT_SECONDS) as traffic:
            begun = now(self.cloud) - (time.time() - (traffic.recording.begun or 0.0)) * FACTOR
            seen = Seen(traffic.recording, begun)
            while not traffic.wait(0.1):
                seen.course.append((now(self.cloud) - begun, self.instances()))
        seen.activities = self.activities()
        return seen

    def datapoint(self, before: float) -> float:
        """The last one that was complete at a time (epoch seconds)."""
        metric = METRICS[self._settings.kind]
        period = metric["Period"]
        start = last_complete_period(before, period)
        (point,) = self.cloud.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/SageMaker",
            Dimensions=[{"Name": "EndpointName", "Value": "live"}, {"Name": "VariantName", "Value": "model-a"}],
            StartTime=dt.datetime.fromtimestamp(start, dt.UTC),
            EndTime=dt.datetime.fromtimestamp(start + period, dt.UTC),
            **metric,
        )["Datapoints"]
        return float(point[metric["Statistics"][0]])

    def _service_seconds(self) -> float:
        """Of one request, where no instance is ever idle."""
        requests = 40 * self._settings.minimum
        with Traffic(Level(4 * self._settings.minimum, requests), self._endpoint) as traffic:
            assert traffic.wait(60)
        recording = traffic.recording
        assert recording.answered == requests
        return (recording.ended - recording.begun) * self._settings.minimum / requests

    def _scale(self, settings: ScalingSettings) -> None:
        track_live(
            self.cloud,
            PREDEFINED[settings.kind],
            settings.target,
            capacity=(settings.minimum, settings.maximum),
            out_cooldown=settings.scale_out_cooldown_seconds,
            in_cooldown=settings.scale_in_cooldown_seconds,
        )


def plan() -> Schedule:
    return spike(BASE, PEAK, BEFORE, DURING, AFTER).at_random(301)


def simulated(live: Live, settings: ScalingSettings, begun: float) -> Outcome:
    """The same requests in the cloud's time, in which a request takes thirty times as long."""
    instance = InstanceKind(live.service_seconds * FACTOR, OBJECTIVE_SECONDS * FACTOR, TIMEOUT_SECONDS * FACTOR)
    world = World(instance, live.start_seconds, counted="answered")
    moments = array("d", (moment * FACTOR for moment in plan().moments()))
    return simulate(settings, moments, round(plan().seconds * FACTOR), begun, world)


@pytest.mark.parametrize("kind", POLICIES)
def test_a_spike_brings_instances_and_takes_them_away_as_was_simulated(
    kind: str, make_cloud: Callable[..., CloudProcess], tmp_path: Path
) -> None:
    settings = POLICIES[kind]
    project = stand_in_project(tmp_path)
    cloud = make_cloud(PROJECT_ROOT=str(project), TIME_FACTOR=str(FACTOR), INSTANCE_START_SECONDS=str(START_SECONDS))
    live = Live(cloud, settings)
    seen = live.spiked()
    assert seen.recording.failures == {}
    real = [Change.of(each, seen.begun) for each in seen.activities]
    expected = simulated(live, settings, seen.begun)
    told = (
        f"service {live.service_seconds:.3f} s, start {live.start_seconds:.0f} s; {real}; {expected.activities}; "
        f"{seen.over} and {buckets_over(expected)} s over"
    )

    # As the policy says: in proportion to its metric, after the spike has begun, and back when it is over.
    first, last = real[0], real[-1]
    load = settings.minimum * live.datapoint(seen.activities[0]["StartTime"].timestamp())
    assert first.capacity == min(math.ceil(load / settings.target), settings.maximum), told
    assert BEFORE * FACTOR < first.begun < (BEFORE + DURING) * FACTOR, told
    assert "AlarmHigh" in seen.activities[0]["Cause"]
    assert last.begun > (BEFORE + DURING) * FACTOR, told
    assert "AlarmLow" in seen.activities[-1]["Cause"]
    assert last.capacity < max(each.capacity for each in real), told

    # As was simulated.
    assert first.capacity == expected.activities[0].capacity, told
    assert first.begun == pytest.approx(expected.activities[0].begun - seen.begun, rel=AGREES_WITHIN), told
    assert last.capacity == expected.activities[-1].capacity, told
    assert last.begun == pytest.approx(expected.activities[-1].begun - seen.begun, rel=AGREES_WITHIN), told
    assert seen.instance_seconds / 3_600 == pytest.approx(expected.instance_hours, rel=AGREES_WITHIN), told
    # Seen and simulated in whole seconds of ours: each end of a stretch may be one off.
    assert seen.over == pytest.approx(buckets_over(expected), rel=AGREES_WITHIN, abs=2), told


def buckets_over(outcome: Outcome) -> int:
    """In seconds of ours."""
    size = int(FACTOR)
    return sum(any(outcome.over[start : start + size]) for start in range(0, outcome.seconds, size))
