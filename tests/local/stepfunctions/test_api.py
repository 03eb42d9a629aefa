import json
from typing import Any

import pytest

from local.stepfunctions.permissions import Permissions
from tests.local.stepfunctions.conftest import StatesCloud
from tests.local.stepfunctions.front_door import ROLE

PASS = {"P": {"Type": "Pass", "End": True}}
WAIT = {"W": {"Type": "Wait", "Seconds": 1000, "End": True}}


def definition(states: dict[str, Any] = PASS, **top: Any) -> str:
    return json.dumps({"QueryLanguage": "JSONata", "StartAt": next(iter(states)), "States": states, **top})


def test_starting_twice(cloud: StatesCloud) -> None:
    machine = cloud.create(WAIT)
    first = cloud.start(machine, {"a": 1}, name="run")
    assert cloud.start(machine, {"a": 1}, name="run") == first
    with pytest.raises(
        cloud.states.exceptions.ExecutionAlreadyExists, match="Execution Already Exists: 'arn:aws:states"
    ):
        cloud.start(machine, {"a": 2}, name="run")
    cloud.states.stop_execution(executionArn=first)
    with pytest.raises(cloud.states.exceptions.ExecutionAlreadyExists):
        cloud.start(machine, {"a": 1}, name="run")


def test_what_is_refused(cloud: StatesCloud) -> None:
    states, exceptions = cloud.states, cloud.states.exceptions
    machine = cloud.create(PASS)
    with pytest.raises(exceptions.InvalidExecutionInput):
        states.start_execution(stateMachineArn=machine, input="{")
    with pytest.raises(exceptions.InvalidExecutionInput):
        states.start_execution(stateMachineArn=machine, input=json.dumps("x" * 262_144))
    with pytest.raises(exceptions.InvalidName):
        states.start_execution(stateMachineArn=machine, name="a b")
    with pytest.raises(exceptions.StateMachineDoesNotExist):
        states.start_execution(stateMachineArn=machine + "x")
    with pytest.raises(exceptions.InvalidArn):
        states.start_execution(stateMachineArn="machine")
    with pytest.raises(exceptions.ExecutionDoesNotExist):
        states.describe_execution(executionArn="arn:x")
    with pytest.raises(exceptions.InvalidName):
        states.create_state_machine(name="a b", definition=definition(), roleArn=ROLE)
    with pytest.raises(exceptions.InvalidArn):
        states.create_state_machine(name="a", definition=definition(), roleArn="role")
    with pytest.raises(exceptions.ClientError, match="express workflows"):
        states.create_state_machine(name="a", definition=definition(), roleArn=ROLE, type="EXPRESS")
    with pytest.raises(exceptions.ClientError, match="ValidationException"):
        states.start_execution()
    with pytest.raises(exceptions.ClientError, match="has no Step Functions CreateActivity"):
        states.create_activity(name="a")


@pytest.mark.parametrize(
    ("states", "said"),
    [
        ({"P": {"Type": "Pass", "Next": "Q"}}, "MISSING_TRANSITION_TARGET: Missing 'Next' target: Q at /States/P/Next"),
        ({"P": {"Type": "Pass"}}, "SCHEMA_VALIDATION_FAILED"),
        (
            {"P": {"Type": "Pass", "Output": "{% 1 + %}", "End": True}},
            "INVALID_JSONATA_EXPRESSION: Unexpected end of expression at /States/P/Output",
        ),
        (
            {"P": {"Type": "Pass", "Output": {"a": ["{% $$.x %}"]}, "End": True}},
            "UNSUPPORTED_JSONATA_EXPRESSION: Reference to '$$' is not supported at /States/P/Output/a[0]",
        ),
        (
            {"P": {"Type": "Pass", "Output": {"v": "{% [1, phone] %}"}, "End": True}},
            "UNSUPPORTED_JSONATA_EXPRESSION: Reference to 'phone' at the top level is not supported. at /States/P/Output/v",
        ),
        (
            {"P": {"Type": "Pass", "Output": "{% $states.errorOutput %}", "End": True}},
            "'$states.errorOutput' is not supported at /States/P/Output",
        ),
        (
            {"T": {"Type": "Task", "Resource": "arn:aws:states:::sagemaker:createModel.sync", "End": True}},
            "createModel.sync is not recognized",
        ),
        ({"T": {"Type": "Task", "Resource": "arn:aws:states:::glue:startJobRun.sync", "End": True}}, "not recognized"),
        ({"T": {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:s3:getObjects", "End": True}}, "not recognized"),
        (
            {"T": {"Type": "Task", "Resource": "arn:aws:states:us-east-1:123456789012:activity:a", "End": True}},
            "no activities",
        ),
        (
            {
                "M": {
                    "Type": "Map",
                    "ItemProcessor": {
                        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                        "StartAt": "P",
                        "States": PASS,
                    },
                    "End": True,
                }
            },
            "inline Map states only",
        ),
        ({"X": {"Type": "Nothing", "End": True}}, "SCHEMA_VALIDATION_FAILED"),
    ],
)
def test_definitions_that_are_refused(cloud: StatesCloud, states: dict[str, Any], said: str) -> None:
    with pytest.raises(cloud.states.exceptions.InvalidDefinition) as fault:
        cloud.create(states)
    assert "Invalid State Machine Definition: '" in str(fault.value)
    assert said in str(fault.value)
    answer = cloud.states.validate_state_machine_definition(definition=definition(states))
    assert answer["result"] == "FAIL"
    assert answer["diagnostics"][0]["severity"] == "ERROR"
    assert cloud.states.validate_state_machine_definition(definition=definition())["result"] == "OK"


def test_machines_are_created_once_and_changed(cloud: StatesCloud) -> None:
    states = cloud.states
    first = states.create_state_machine(
        name="m", definition=definition(), roleArn=ROLE, tags=[{"key": "a", "value": "1"}]
    )
    again = states.create_state_machine(name="m", definition=definition(), roleArn=ROLE)
    assert (again["stateMachineArn"], again["creationDate"]) == (first["stateMachineArn"], first["creationDate"])
    with pytest.raises(states.exceptions.StateMachineAlreadyExists):
        states.create_state_machine(name="m", definition=definition(WAIT), roleArn=ROLE)
    arn = first["stateMachineArn"]
    before = states.describe_state_machine(stateMachineArn=arn)
    assert (before["status"], before["type"], before["loggingConfiguration"]["level"]) == ("ACTIVE", "STANDARD", "OFF")
    cloud.advance(60)
    changed = states.update_state_machine(stateMachineArn=arn, definition=definition(WAIT))
    after = states.describe_state_machine(stateMachineArn=arn)
    assert json.loads(after["definition"])["StartAt"] == "W"
    assert after["revisionId"] == changed["revisionId"] != before["revisionId"]
    with pytest.raises(states.exceptions.MissingRequiredParameter):
        states.update_state_machine(stateMachineArn=arn)
    with pytest.raises(states.exceptions.InvalidDefinition):
        states.update_state_machine(stateMachineArn=arn, definition="{}")
    states.tag_resource(resourceArn=arn, tags=[{"key": "b", "value": "2"}])
    states.untag_resource(resourceArn=arn, tagKeys=["a"])
    assert states.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "b", "value": "2"}]
    assert [each["name"] for each in states.list_state_machines()["stateMachines"]] == ["m"]
    states.delete_state_machine(stateMachineArn=arn)
    states.delete_state_machine(stateMachineArn=arn)
    assert states.list_state_machines()["stateMachines"] == []
    with pytest.raises(states.exceptions.ResourceNotFound):
        states.list_tags_for_resource(resourceArn=arn)


def test_an_execution_keeps_the_definition_it_started_with(cloud: StatesCloud) -> None:
    machine = cloud.create(WAIT | {"W": WAIT["W"] | {"Output": "{% 'old' %}"}})
    arn = cloud.start(machine)
    cloud.until_event(arn, "WaitStateEntered")
    cloud.states.update_state_machine(stateMachineArn=machine, definition=definition())
    told = cloud.states.describe_state_machine_for_execution(executionArn=arn)
    assert (json.loads(told["definition"])["StartAt"], told["roleArn"], told["stateMachineArn"]) == ("W", ROLE, machine)
    cloud.advance(1001)
    assert cloud.ended(arn)["output"] == "old"


def test_versions_and_aliases(cloud: StatesCloud) -> None:
    states = cloud.states
    made = states.create_state_machine(
        name="m", definition=definition({"P": {"Type": "Pass", "Output": 1, "End": True}}), roleArn=ROLE, publish=True
    )
    machine, first = made["stateMachineArn"], made["stateMachineVersionArn"]
    second = states.update_state_machine(
        stateMachineArn=machine, definition=definition({"P": {"Type": "Pass", "Output": 2, "End": True}}), publish=True
    )["stateMachineVersionArn"]
    assert (first, second) == (f"{machine}:1", f"{machine}:2")
    assert states.publish_state_machine_version(stateMachineArn=machine)["stateMachineVersionArn"] == second
    alias = states.create_state_machine_alias(
        name="live", routingConfiguration=[{"stateMachineVersionArn": first, "weight": 100}]
    )["stateMachineAliasArn"]
    arn = cloud.start(alias)
    assert cloud.ended(arn)["output"] == 1
    described = cloud.describe(arn)
    assert (described["stateMachineArn"], described["stateMachineVersionArn"], described["stateMachineAliasArn"]) == (
        machine,
        first,
        alias,
    )
    assert cloud.ended(cloud.start(second))["output"] == 2
    assert len(states.list_executions(stateMachineArn=alias)["executions"]) == 1
    assert len(states.list_executions(stateMachineArn=machine)["executions"]) == 2
    with pytest.raises(states.exceptions.ConflictException):
        states.delete_state_machine_version(stateMachineVersionArn=first)
    states.update_state_machine_alias(
        stateMachineAliasArn=alias, routingConfiguration=[{"stateMachineVersionArn": second, "weight": 100}]
    )
    states.delete_state_machine_version(stateMachineVersionArn=first)
    assert [
        each["stateMachineVersionArn"]
        for each in states.list_state_machine_versions(stateMachineArn=machine)["stateMachineVersions"]
    ] == [second]
    assert (
        states.describe_state_machine_alias(stateMachineAliasArn=alias)["routingConfiguration"][0][
            "stateMachineVersionArn"
        ]
        == second
    )
    states.delete_state_machine_alias(stateMachineAliasArn=alias)
    assert states.list_state_machine_aliases(stateMachineArn=machine)["stateMachineAliases"] == []


def test_lists_are_newest_first_and_paged(cloud: StatesCloud) -> None:
    machine = cloud.create(
        {
            "C": {"Type": "Choice", "Choices": [{"Condition": "{% $states.input.ok %}", "Next": "S"}], "Default": "F"},
            "S": {"Type": "Succeed"},
            "F": {"Type": "Fail"},
        }
    )
    for n in range(5):
        cloud.ended(cloud.start(machine, {"ok": n % 2 == 0}, name=f"run-{n}"))
        cloud.advance(1)
    names = [each["name"] for each in cloud.states.list_executions(stateMachineArn=machine)["executions"]]
    assert names == [f"run-{n}" for n in reversed(range(5))]
    failed = cloud.states.list_executions(stateMachineArn=machine, statusFilter="FAILED")["executions"]
    assert [each["name"] for each in failed] == ["run-3", "run-1"]
    pages = cloud.states.get_paginator("list_executions").paginate(
        stateMachineArn=machine, PaginationConfig={"PageSize": 2}
    )
    assert [[each["name"][-1] for each in page["executions"]] for page in pages] == [["4", "3"], ["2", "1"], ["0"]]
    with pytest.raises(cloud.states.exceptions.InvalidToken):
        cloud.states.list_executions(stateMachineArn=machine, nextToken="nonsense")


def test_history_is_paged_reversed_and_can_be_without_data(cloud: StatesCloud) -> None:
    arn = cloud.run(PASS, {"secret": 1})["executionArn"]
    forward = cloud.history(arn)
    assert [event["id"] for event in forward] == list(range(1, len(forward) + 1))
    assert [event["previousEventId"] for event in forward] == [0, 0, 2, 3]
    assert [event["timestamp"] for event in forward] == sorted(event["timestamp"] for event in forward)
    assert cloud.states.get_execution_history(executionArn=arn, reverseOrder=True)["events"] == forward[::-1]
    paged = cloud.states.get_paginator("get_execution_history").paginate(
        executionArn=arn, PaginationConfig={"PageSize": 3}
    )
    assert [event for page in paged for event in page["events"]] == forward
    bare = cloud.states.get_execution_history(executionArn=arn, includeExecutionData=False)["events"]
    assert "secret" not in json.dumps(bare, default=str)
    assert bare[1]["stateEnteredEventDetails"] == {"name": "P"}


def test_the_role_must_be_able_to_hear_of_jobs() -> None:
    asked: list[tuple[str, str]] = []

    def authorize(_: Any, action: str, resource: str, region: str) -> None:
        asked.append((action, resource))
        if "Execution" in resource:
            raise PermissionError(action)

    permissions = Permissions(lambda role, machine: role, authorize)
    machine = "arn:aws:states:us-east-1:123456789012:stateMachine:m"
    job = {"T": {"Type": "Task", "Resource": "arn:aws:states:::sagemaker:createTrainingJob.sync", "End": True}}
    permissions.check_role(ROLE, definition(job), machine, "us-east-1")
    assert asked == [
        (
            f"events:{action}",
            "arn:aws:events:us-east-1:123456789012:rule/StepFunctionsGetEventsForSageMakerTrainingJobsRule",
        )
        for action in ("PutTargets", "PutRule", "DescribeRule")
    ]
    nested = {
        "P": {
            "Type": "Parallel",
            "Branches": [
                {
                    "StartAt": "T",
                    "States": {
                        "T": {"Type": "Task", "Resource": "arn:aws:states:::states:startExecution.sync:2", "End": True}
                    },
                }
            ],
            "End": True,
        }
    }
    from local.stepfunctions.faults import StatesFault

    with pytest.raises(StatesFault) as fault:
        permissions.check_role(ROLE, definition(nested), machine, "us-east-1")
    assert (fault.value.code, fault.value.message) == (
        "AccessDeniedException",
        f"'{ROLE}' is not authorized to create managed-rule.",
    )
    asked.clear()
    permissions.check_role(ROLE, definition(), machine, "us-east-1")
    assert asked == []


def test_the_role_must_trust_step_functions() -> None:
    from botocore.exceptions import ClientError

    from local.stepfunctions.faults import StatesFault

    def assume(role: str, machine: str) -> Any:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "AssumeRole")

    with pytest.raises(StatesFault, match="Neither the global service principal states.amazonaws.com"):
        Permissions(assume, lambda *_: None).check_role(
            ROLE, definition(), "arn:aws:states:us-east-1:1:stateMachine:m", "us-east-1"
        )


def test_every_status_is_told(cloud: StatesCloud) -> None:
    from local.stepfunctions.status_events import event

    machine = cloud.create(PASS, name="m")
    arn = cloud.start(machine, {"a": 1}, name="run")
    cloud.ended(arn)
    cloud.until(lambda: cloud.events == [("run", "RUNNING"), ("run", "SUCCEEDED")])
    execution = cloud.backend._operations["DescribeExecution"].__self__._executions.get(arn)
    entry = event(execution)
    detail = json.loads(entry["Detail"])
    assert (entry["Source"], entry["DetailType"], entry["Resources"]) == (
        "aws.states",
        "Step Functions Execution Status Change",
        [arn],
    )
    assert (detail["status"], detail["name"], detail["stateMachineArn"], detail["output"], detail["error"]) == (
        "SUCCEEDED",
        "run",
        machine,
        '{"a":1}',
        None,
    )
    assert detail["stopDate"] >= detail["startDate"] > 1_780_000_000_000
