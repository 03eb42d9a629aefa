"""Traps of AWS around events, runs and names: each fact, and where template or definition holds to it."""

import json
import re

import pytest

from tests.infra.template import Template
from tests.infra.variant import evaluated

# Names of 40 characters are the longest that contracts.settings lets through.
LONGEST_MODEL = "m" * 40


def states(definitions: dict) -> dict[tuple[str, str], dict]:
    return {(machine, name): state for machine, each in definitions.items() for name, state in each["States"].items()}


def tasks(definitions: dict) -> dict[tuple[str, str], dict]:
    return {key: state for key, state in states(definitions).items() if state["Type"] == "Task"}


def errors(state: dict) -> set[str]:
    return {error for rule in state.get("Retry", []) for error in rule["ErrorEquals"]}


def test_datasets_are_heard_of_through_eventbridge(storage: Template, workflow: Template) -> None:
    """S3's own Put notification misses multipart uploads; EventBridge's "Object Created" covers them."""
    notification = storage.properties("AWS::S3::Bucket")["NotificationConfiguration"]
    assert notification == {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
    assert workflow.properties("AWS::Events::Rule", "DatasetDroppedRule")["EventPattern"]["detail-type"] == [
        "Object Created"
    ]


def test_eventbridge_is_switched_on_without_a_notification_lambda(storage: Template) -> None:
    """CDK's `event_bridge_enabled=True` adds a Lambda function and a role; the property on CfnBucket adds nothing."""
    kinds = {resource["Type"] for resource in storage.all["Resources"].values()}
    assert not kinds & {"AWS::Lambda::Function", "AWS::IAM::Role", "Custom::S3BucketNotifications"}


def test_the_bucket_keeps_versions(storage: Template) -> None:
    """A run is identified by bucket, key and version id, and events may come late and out of order."""
    assert storage.properties("AWS::S3::Bucket")["VersioningConfiguration"] == {"Status": "Enabled"}


def test_a_run_begins_with_a_conditional_claim(definitions: dict) -> None:
    """Events arrive at least once and a rule cannot choose the execution's name: the first task is a conditional put."""
    promote = definitions["PromoteModel"]
    first = promote["States"][promote["StartAt"]]
    assert first["Type"] == "Pass"
    # Files of a folder end here; what starts a run is claimed.
    whole = promote["States"][first["Next"]]
    assert (whole["Type"], promote["States"][whole["Default"]]["Type"]) == ("Choice", "Succeed")
    asked, dropped = whole["Choices"]
    assert asked["Condition"] == "{% $ask != null %}"  # no dataset, nothing to claim
    claim = promote["States"][dropped["Next"]]
    assert claim["Resource"] == "arn:aws:states:::dynamodb:putItem"
    assert "attribute_not_exists(pk)" in claim["Arguments"]["ConditionExpression"]


def test_a_claim_knows_itself_again(definitions: dict) -> None:
    """When the reply to a conditional put is lost, the Retry sees its own claim."""
    claim = definitions["PromoteModel"]["States"]["Claim Dataset"]["Arguments"]
    assert "execution_arn = :me" in claim["ConditionExpression"]
    assert claim["ExpressionAttributeValues"][":me"] == {"S": "{% $run.arn %}"}


def test_a_job_name_fits_for_the_longest_model(definitions: dict) -> None:
    """Training job names have at most 63 characters, letters and digits with single hyphens between."""
    named = definitions["PromoteModel"]["States"]["Name Job"]["Assign"]["job_name"]
    train = definitions["PromoteModel"]["States"]["Train Model"]["Arguments"]["TrainingJobName"]
    job_name = evaluated(named, model=LONGEST_MODEL, run={"short": "0" * 12}, round=99, job_number=99)
    name = evaluated(train, job_name=job_name, states={"context": {"Execution": {"RedriveCount": 99}}})
    assert len(name) <= 63
    assert re.fullmatch(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}", name)


def test_a_job_name_differs_after_a_redrive(definitions: dict) -> None:
    """SageMaker never takes a job's name twice: a redrive that reuses it fails. RedriveCount is absent before the first."""
    train = definitions["PromoteModel"]["States"]["Train Model"]["Arguments"]["TrainingJobName"]

    def name(**execution: int) -> str:
        return str(evaluated(train, job_name="j", states={"context": {"Execution": execution}}))

    assert len({name(), name(RedriveCount=1), name(RedriveCount=2)}) == 3


def test_child_executions_have_names_that_fit_and_differ_after_a_redrive(definitions: dict) -> None:
    """StartExecution with the same name and another input is refused for 90 days; names have at most 80 characters."""
    run = {"short": "0" * 12, "closing": f"{'0' * 12}-closed-99"}
    known = {"run": run, "turn": 9999, "child_number": 9999}
    starting = {
        key: state for key, state in tasks(definitions).items() if state["Resource"].endswith("startExecution.sync:2")
    }
    assert len(starting) == 5
    for (machine, _), state in starting.items():
        named = state["Arguments"]["Name"]
        names = {
            evaluated(named, **known, states={"context": {"Execution": execution}})
            for execution in ({}, {"RedriveCount": 1})
        }
        assert all(len(name) <= 80 for name in names)
        # close-run is never redriven: its names count the run's own redrives.
        assert len(names) == (1 if machine == "CloseRun" else 2)


def test_redrive_count_is_read_only_where_it_is_there(definitions: dict) -> None:
    """The context object has no RedriveCount before the first redrive: every read is guarded by $exists."""
    for definition in definitions.values():
        for text in re.findall(r"\{%.*?%\}", json.dumps(definition)):
            for holder in set(re.findall(r"([$\w.]+)\.RedriveCount", text)):
                read = f"{holder}.RedriveCount"
                assert text.count(f"$exists({read}) ? ") * 2 == text.count(read), text


def test_stack_names_fit_for_the_longest_model(models: Template) -> None:
    """CloudFormation takes stack names of 128 characters, SageMaker endpoint names of 63."""
    (parameter,) = models.of_type("AWS::SSM::Parameter").values()
    pointer = json.loads(models.text(parameter["Properties"]["Value"]))
    for stage in ("development", "production"):
        stack = pointer[stage]["stack"].replace("iris-model", LONGEST_MODEL)
        assert len(stack) <= 128
        assert len(f"{LONGEST_MODEL}-{stage}") <= 63


def test_retries_are_for_named_faults_only(definitions: dict) -> None:
    """A retry of an algorithm's error pays for the same failure again: only throttling, capacity and service faults."""
    for key, state in tasks(definitions).items():
        never = {"States.ALL", "States.TaskFailed", "States.Runtime", "SageMaker.ResourceInUseException"}
        assert not errors(state) & never, key


def test_what_timed_out_after_a_wait_is_not_waited_for_again(definitions: dict) -> None:
    """The time limit of a job, a child execution or a question is its end; a Retry would begin it anew."""
    waits = {
        key: state for key, state in tasks(definitions).items() if re.search(r"\.(sync|waitFor)", state["Resource"])
    }
    assert len(waits) > 5
    assert not [key for key, state in waits.items() if "States.Timeout" in errors(state)]


def test_retries_end_and_spread(definitions: dict) -> None:
    """Callers that were throttled together come back together unless their retries have full jitter and a limit."""
    for key, state in tasks(definitions).items():
        assert state["Retry"], key
        for rule in state["Retry"]:
            assert rule["JitterStrategy"] == "FULL", key
            if rule["ErrorEquals"] == ["DropIncomplete"]:  # no fault: people still upload files
                continue
            assert 1 <= rule["MaxAttempts"] <= 10, key
            assert 0 < rule["MaxDelaySeconds"] <= 60, key


def test_scarce_instances_have_a_way_on(definitions: dict) -> None:
    """ResourceLimitExceeded is common, for a quota of an instance type may be 0: others are tried."""
    asked = [choice["Condition"] for choice in definitions["PromoteModel"]["States"]["Instances Scarce?"]["Choices"]]
    assert any("ResourceLimitExceeded" in condition and "CapacityError" in condition for condition in asked)
    train = definitions["PromoteModel"]["States"]["Train Model"]["Arguments"]["ResourceConfig"]["InstanceType"]
    assert train == "{% $instance_types[$instance_type] %}"


@pytest.mark.parametrize("machine", ["PromoteModel", "DeployStack", "CloseRun"])
def test_no_stack_events_pass_through_a_state(machine: str, definitions: dict) -> None:
    """A state holds 262,144 bytes and DescribeStackEvents has no page size: beyond the limit nothing can be caught."""
    used = {state.get("Resource", "") for state in definitions[machine]["States"].values()}
    assert not [resource for resource in used if "describeStackEvents" in resource or "listStackResources" in resource]
