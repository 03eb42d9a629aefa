"""From an object in S3 to an execution: the rule's pattern, the event's detail, the target's role, what a failure does."""

import itertools
import json
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local import credentials
from local.clock import Clock
from local.gateway import events
from local.gateway.events import Deliveries
from tests.local.cloud_process import CloudProcess, allow, until

ECHO = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})


class Rule:
    """A bucket with EventBridge on, a rule over it, and a state machine that does nothing."""

    def __init__(self, cloud: CloudProcess, pattern: dict[str, Any], **target: Any) -> None:
        self.cloud = cloud
        self.name = f"drop-{uuid.uuid4().hex[:8]}"
        self.s3, self.states = cloud.client("s3"), cloud.client("stepfunctions")
        self.s3.create_bucket(Bucket=self.name)
        self.s3.put_bucket_versioning(Bucket=self.name, VersioningConfiguration={"Status": "Enabled"})
        self.s3.put_bucket_notification_configuration(
            Bucket=self.name, NotificationConfiguration={"EventBridgeConfiguration": {}}
        )
        machine_role = cloud.role(f"{self.name}-machine", "states.amazonaws.com")
        made = self.states.create_state_machine(name=self.name, roleArn=machine_role, definition=ECHO)
        self.machine = made["stateMachineArn"]
        rights = target.pop("rights", [allow("states:StartExecution", self.machine)])
        trusts = target.pop("trusts", "events.amazonaws.com")
        self.role = cloud.role(f"{self.name}-events", trusts, rights)
        rules = cloud.client("events")
        source = {"source": ["aws.s3"], "detail-type": ["Object Created"]}
        detail = {"bucket": {"name": [self.name]}, "object": pattern}
        self.arn = rules.put_rule(Name=self.name, EventPattern=json.dumps({**source, "detail": detail}))["RuleArn"]
        rules.put_targets(Rule=self.name, Targets=[{"Id": "1", "Arn": self.machine, "RoleArn": self.role, **target}])

    def inputs(self) -> list[dict[str, Any]]:
        found = self.states.list_executions(stateMachineArn=self.machine)["executions"]
        described = [self.states.describe_execution(executionArn=each["executionArn"]) for each in found]
        return [json.loads(each["input"]) for each in described]


def test_only_matching_keys_start_an_execution_with_the_whole_event(shared_cloud: CloudProcess) -> None:
    rule = Rule(shared_cloud, {"key": [{"wildcard": "datasets/*.csv"}, {"wildcard": "datasets/*.parquet"}]})
    for key in ("datasets/iris/", "datasets/iris/run.json", "elsewhere/a.csv", "datasets/iris/a.csv"):
        put = rule.s3.put_object(Bucket=rule.name, Key=key, Body=b"1,2\n")
    event = until("the execution", rule.inputs)[0]
    assert len(rule.inputs()) == 1
    assert event["source"] == "aws.s3"
    assert event["detail-type"] == "Object Created"
    assert event["detail"]["reason"] == "PutObject"
    described = event["detail"]["object"]
    assert described["key"] == "datasets/iris/a.csv"
    assert described["version-id"] == put["VersionId"]
    assert described["etag"] == put["ETag"].strip('"')
    assert described["size"] == 4
    assert int(described["sequencer"], 16) > 0


def test_sequencers_grow_and_suffixes_match(shared_cloud: CloudProcess) -> None:
    rule = Rule(shared_cloud, {"key": [{"suffix": ".csv"}]})
    versions = [
        rule.s3.put_object(Bucket=rule.name, Key="a b+c.csv", Body=str(number).encode())["VersionId"]
        for number in range(3)
    ]
    until("three executions", lambda: len(rule.inputs()) == 3)
    objects = [event["detail"]["object"] for event in rule.inputs()]
    assert {each["key"] for each in objects} == {"a b+c.csv"}
    by_sequencer = sorted(objects, key=lambda each: each["sequencer"])
    assert [each["version-id"] for each in by_sequencer] == versions


def test_a_multipart_upload_counts_as_one_object(shared_cloud: CloudProcess) -> None:
    rule = Rule(shared_cloud, {"key": [{"prefix": "datasets/"}]})
    place = {"Bucket": rule.name, "Key": "datasets/large.csv"}
    upload = rule.s3.create_multipart_upload(**place)["UploadId"]
    part = rule.s3.upload_part(**place, UploadId=upload, PartNumber=1, Body=b"x" * 100)
    done = rule.s3.complete_multipart_upload(
        **place, UploadId=upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    )
    event = until("the execution", rule.inputs)[0]
    assert event["detail"]["reason"] == "CompleteMultipartUpload"
    assert event["detail"]["object"]["version-id"] == done["VersionId"]


def test_the_execution_is_started_by_the_targets_role(shared_cloud: CloudProcess) -> None:
    rule = Rule(shared_cloud, {"key": [{"prefix": "a"}]})
    rule.s3.put_object(Bucket=rule.name, Key="a", Body=b"")
    until("the execution", rule.inputs)
    decided = shared_cloud.decisions(role=f"{rule.name}-events", action="states:StartExecution")
    assert [(each["allowed"], each["resource"]) for each in decided] == [(True, rule.machine)]


@pytest.mark.parametrize(
    "broken", [{"rights": [allow("states:ListExecutions")]}, {"trusts": "scheduler.amazonaws.com"}]
)
def test_a_refused_event_goes_to_the_dead_letter_queue(shared_cloud: CloudProcess, broken: dict[str, Any]) -> None:
    sqs, name = shared_cloud.client("sqs"), f"dead-{uuid.uuid4().hex[:8]}"
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    statement = allow("sqs:SendMessage", arn) | {"Principal": {"Service": "events.amazonaws.com"}}
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps({"Statement": [statement]})})
    rule = Rule(shared_cloud, {"key": [{"prefix": "a"}]}, DeadLetterConfig={"Arn": arn}, **broken)
    rule.s3.put_object(Bucket=rule.name, Key="a", Body=b"")

    def received() -> list[dict[str, Any]]:
        return sqs.receive_message(QueueUrl=queue, MessageAttributeNames=["All"]).get("Messages", [])

    message = until("the dead letter", received)[0]
    attributes = {key: value["StringValue"] for key, value in message["MessageAttributes"].items()}
    assert attributes["ERROR_CODE"] == "NO_PERMISSIONS"
    assert (attributes["RULE_ARN"], attributes["TARGET_ARN"]) == (rule.arn, rule.machine)
    assert json.loads(message["Body"])["detail"]["object"]["key"] == "a"
    assert rule.inputs() == []


def accept(deliveries: Deliveries, **target: Any) -> None:
    deliveries.accept({"RoleArn": "role", **target}, "rule", "arn:aws:states:us-east-1:1:stateMachine:m", "{}")


def test_a_busy_target_is_tried_again_in_cloud_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    clock, done, attempts = Clock(time_factor=10_000), threading.Event(), []

    def start(delivery: events.Delivery) -> None:
        attempts.append(clock.now())
        if len(attempts) < 4:
            raise ConnectionError("not yet")
        done.set()

    monkeypatch.setattr(events, "_start_execution", start)
    accept(Deliveries(clock, tmp_path))
    assert done.wait(10)
    pauses = [later - earlier for earlier, later in itertools.pairwise(attempts)]
    assert pauses[0] >= 1
    assert pauses[2] >= 4
    until("the end of the record", lambda: not list(tmp_path.iterdir()))


def test_attempts_and_age_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    buried: list[str] = []
    bury: Callable[..., None] = lambda delivery, code, message, attempts: buried.append(code)  # noqa: E731

    def fail(delivery: events.Delivery) -> None:
        raise ConnectionError("never")

    monkeypatch.setattr(events, "_start_execution", fail)
    monkeypatch.setattr(events, "_bury", bury)
    clock = Clock(time_factor=10_000)
    accept(Deliveries(clock, None), DeadLetterConfig={"Arn": "q"}, RetryPolicy={"MaximumRetryAttempts": 2})
    until("the end of the attempts", lambda: buried == ["RETRY_ATTEMPTS_EXHAUSTED"])
    accept(Deliveries(clock, None), DeadLetterConfig={"Arn": "q"}, RetryPolicy={"MaximumEventAgeInSeconds": 60})
    until("the end of the event", lambda: buried[1:] == ["EVENT_AGE_EXCEEDED"])


def test_what_a_crash_left_is_delivered_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def hang(delivery: events.Delivery) -> None:
        threading.Event().wait(30)

    monkeypatch.setattr(events, "_start_execution", hang)
    accept(Deliveries(Clock(), tmp_path))
    delivered: list[str] = []
    monkeypatch.setattr(events, "_start_execution", lambda delivery: delivered.append(delivery.payload))
    Deliveries(Clock(), tmp_path).resume()
    until("the delivery", lambda: delivered == ["{}"])


def test_nobody_may_start_a_machine_without_a_role() -> None:
    assert credentials.ROOT.access_key_id == "test"
    with pytest.raises(Exception, match="not authorized|authorized to assume"):
        credentials.role_credentials("", "events.amazonaws.com", "s")
