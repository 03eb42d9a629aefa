"""Instances and scaling activities are seen while they change; what may not be seen is told, and stops nothing."""

import datetime as dt

import pytest
from botocore.exceptions import ClientError

from commands.stress.watch import Watch

LONG_AGO = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)


class Cloud:
    def __init__(self):
        self.count, self.wanted = 2, 2
        self.activities = []
        self.denied = set()

    def __call__(self, _service):
        return self

    def describe_endpoint(self, *, EndpointName):  # noqa: N803 -- boto3's names
        self._allow("describe_endpoint")
        assert EndpointName == "iris"
        return {"ProductionVariants": [{"CurrentInstanceCount": self.count, "DesiredInstanceCount": self.wanted}]}

    def describe_scaling_activities(self, *, ServiceNamespace, ResourceId):  # noqa: N803
        self._allow("describe_scaling_activities")
        assert (ServiceNamespace, ResourceId) == ("sagemaker", "endpoint/iris/variant/model-a")
        return {"ScalingActivities": list(reversed(self.activities))}

    def act(self, name, status="Successful"):
        at = LONG_AGO + dt.timedelta(hours=len(self.activities))
        self.activities.append({"ActivityId": name, "StartTime": at, "StatusCode": status, "Description": name})

    def _allow(self, operation):
        if operation in self.denied:
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, operation)


@pytest.fixture
def cloud():
    return Cloud()


@pytest.fixture
def clock():
    return iter(range(100, 1000))


@pytest.fixture
def watch(cloud, clock):
    return Watch(cloud, "iris", ["model-a"], now=lambda: float(next(clock)))


def test_only_what_happens_meanwhile_is_seen_in_its_order(cloud, watch):
    cloud.act("before")
    with watch:
        assert watch.activities == []
        cloud.act("first", "InProgress")
        cloud.act("second")
        watch.look()
        cloud.activities[1]["StatusCode"] = "Successful"
    assert [(each.description, each.status) for each in watch.activities] == [
        ("first", "Successful"),
        ("second", "Successful"),
    ]
    assert watch.activities[0].started == "2030-01-01T01:00:00+00:00"


def test_instances_are_known_for_every_moment(cloud, watch):
    assert watch.at(100) is None
    watch.look()
    cloud.count = 3
    watch.look()
    (first, second) = watch.instances
    assert watch.at(first.seen - 1) == watch.at(first.seen) == watch.at(second.seen - 0.5) == 2
    assert watch.at(second.seen) == watch.at(second.seen + 10) == 3


def test_a_count_is_not_carried_over_a_time_in_which_nobody_could_look(cloud):
    moments = [0.0, 2.0, 30.0, 32.0]
    clock = iter(moments)
    watch = Watch(cloud, "iris", ["model-a"], now=lambda: next(clock))
    for count in (2, 2, 3, 3):
        cloud.count = count
        watch.look()
    known = {moment: watch.at(moment) for moment in (-11, -1, 1, 3, 16, 29, 31, 42, 43)}
    assert known == {-11: None, -1: 2, 1: 2, 3: None, 16: None, 29: None, 31: 3, 42: 3, 43: None}


def test_what_was_before_is_not_new_when_the_first_look_failed(cloud, watch):
    cloud.act("before")
    cloud.denied = {"describe_scaling_activities"}
    watch.look()
    cloud.denied = set()
    watch.look()
    cloud.act("meanwhile")
    watch.look()
    assert [each.description for each in watch.activities] == ["meanwhile"]


def test_a_fault_that_has_passed_is_told_as_such(cloud, watch):
    cloud.denied = {"describe_endpoint", "describe_scaling_activities"}
    watch.look()
    cloud.denied = {"describe_scaling_activities"}
    watch.look()
    assert (set(watch.faults), set(watch.passed_faults)) == ({"scaling activities"}, {"instances"})


def test_what_may_not_be_seen_is_told(cloud, watch):
    cloud.denied = {"describe_endpoint", "describe_scaling_activities"}
    with watch:
        pass
    assert watch.instances == []
    assert set(watch.faults) == {"instances", "scaling activities"}
