"""Planned faults as a caller sees them: in each protocol, before and after the call, and as the end of the cloud."""

import contextlib
import json
import threading
import urllib.error
import uuid
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from tests.local.cloud_process import CloudProcess, allow, until
from tests.local.faults.conftest import Planned

Plan = Callable[..., Planned]


def error(code: str, status: int, message: str = "Rate exceeded") -> dict[str, Any]:
    return {"effect": "error", "error": {"code": code, "status": status, "message": message}}


def describe_stacks(cloud: CloudProcess) -> Any:
    return cloud.client("cloudformation").describe_stacks()


CALLS = {
    "query": ("cloudformation:DescribeStacks", describe_stacks, "Throttling", 400),
    "json 1.0": (
        "dynamodb:ListTables",
        lambda cloud: cloud.client("dynamodb").list_tables(),
        "ProvisionedThroughputExceededException",
        400,
    ),
    "json 1.1": (
        "ssm:GetParameter",
        lambda cloud: cloud.client("ssm").get_parameter(Name="x"),
        "InternalServerError",
        500,
    ),
    "json of a back end": (
        "sagemaker:DescribeTrainingJob",
        lambda cloud: cloud.client("sagemaker").describe_training_job(TrainingJobName="x"),
        "ResourceLimitExceeded",
        400,
    ),
    "step functions": (
        "states:ListStateMachines",
        lambda cloud: cloud.client("stepfunctions").list_state_machines(),
        "ServiceUnavailable",
        503,
    ),
    "rest xml": (
        "s3:ListAllMyBuckets",
        lambda cloud: cloud.client("s3").list_buckets(),
        "SlowDown",
        503,
    ),
    "rest json": (
        "lambda:InvokeFunction",
        lambda cloud: cloud.client("lambda").invoke(FunctionName="f"),
        "TooManyRequestsException",
        429,
    ),
    "mail": (
        "ses:SendEmail",
        lambda cloud: cloud.client("sesv2").send_email(
            FromEmailAddress="a@example.com",
            Destination={"ToAddresses": ["b@example.com"]},
            Content={"Raw": {"Data": b"x"}},
        ),
        "TooManyRequestsException",
        429,
    ),
    "runtime": (
        "sagemaker:InvokeEndpoint",
        lambda cloud: cloud.client("sagemaker-runtime").invoke_endpoint(EndpointName="e", Body=b"1"),
        "ModelNotReadyException",
        429,
    ),
}


@pytest.mark.parametrize("protocol", CALLS)
def test_an_error_arrives_as_the_service_would_send_it(shared_cloud: CloudProcess, plan: Plan, protocol: str) -> None:
    action, call, code, status = CALLS[protocol]
    plan(action=action, **error(code, status))
    with pytest.raises(ClientError) as refusal:
        call(shared_cloud)
    response: Any = refusal.value.response
    assert response["Error"]["Code"] == code
    assert response["Error"]["Message"] == "Rate exceeded"
    assert response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert response["ResponseMetadata"]["RequestId"]
    assert [fault["met"] for fault in plan()] == [1]


def test_a_refused_call_is_not_carried_out_and_the_next_one_is(shared_cloud: CloudProcess, plan: Plan) -> None:
    ssm = shared_cloud.client("ssm")
    name = f"/{uuid.uuid4()}"
    plan(action="ssm:PutParameter", **error("ThrottlingException", 400))
    with pytest.raises(ClientError):
        ssm.put_parameter(Name=name, Type="String", Value="first")
    with pytest.raises(ssm.exceptions.ParameterNotFound):
        ssm.get_parameter(Name=name)
    ssm.put_parameter(Name=name, Type="String", Value="second")
    assert ssm.get_parameter(Name=name)["Parameter"]["Value"] == "second"


def test_a_lost_call_is_not_carried_out(shared_cloud: CloudProcess, plan: Plan) -> None:
    ssm = shared_cloud.client("ssm")
    name = f"/{uuid.uuid4()}"
    plan(action="ssm:PutParameter", effect="lost-call")
    with pytest.raises(ConnectionClosedError):
        ssm.put_parameter(Name=name, Type="String", Value="lost")
    with pytest.raises(ssm.exceptions.ParameterNotFound):
        ssm.get_parameter(Name=name)


def test_the_call_of_a_lost_reply_is_carried_out(shared_cloud: CloudProcess, plan: Plan) -> None:
    ssm = shared_cloud.client("ssm")
    name = f"/{uuid.uuid4()}"
    plan(action="ssm:PutParameter", effect="lost-reply")
    with pytest.raises(ConnectionClosedError):
        ssm.put_parameter(Name=name, Type="String", Value="arrived")
    assert ssm.get_parameter(Name=name)["Parameter"]["Value"] == "arrived"


def test_a_call_that_hangs_ends_with_the_caller_or_with_the_plan(shared_cloud: CloudProcess, plan: Plan) -> None:
    impatient = boto3.client(
        "ssm",
        region_name="us-east-1",
        endpoint_url=shared_cloud.endpoint,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(read_timeout=0.3, retries={"total_max_attempts": 1}),
    )
    plan(action="ssm:PutParameter", effect="hang", hits=2)
    with pytest.raises(ReadTimeoutError):
        impatient.put_parameter(Name="/hangs", Type="String", Value="never")
    outcome: list[Exception] = []

    def wait() -> None:
        try:
            shared_cloud.client("ssm").put_parameter(Name="/hangs", Type="String", Value="never")
        except Exception as fault:
            outcome.append(fault)

    waiting = threading.Thread(target=wait)
    waiting.start()
    until("the second call to hang", lambda: plan()[0]["met"] == 2)
    shared_cloud.delete("/_cloud/faults")
    waiting.join(5)
    assert isinstance(outcome[0], ConnectionClosedError)
    with pytest.raises(ClientError):
        shared_cloud.client("ssm").get_parameter(Name="/hangs")


def test_a_fault_is_for_the_role_the_resource_and_the_body_that_it_names(
    shared_cloud: CloudProcess, plan: Plan
) -> None:
    name = f"role-{uuid.uuid4().hex[:8]}"
    role = shared_cloud.role(name, "account", [allow("ssm:*")])
    session = shared_cloud.client("ssm", shared_cloud.assume(role))
    plan(
        action="ssm:PutParameter",
        principal=name,
        resource="/wanted",
        body="poison",
        **error("ThrottlingException", 400),
    )
    root = shared_cloud.client("ssm")
    root.put_parameter(Name=f"/{name}/wanted", Type="String", Value="poison")
    session.put_parameter(Name=f"/{name}/other", Type="String", Value="poison")
    session.put_parameter(Name=f"/{name}/wanted", Type="String", Value="sound", Overwrite=True)
    assert [fault["seen"] for fault in plan()] == [0]
    with pytest.raises(ClientError, match="ThrottlingException"):
        session.put_parameter(Name=f"/{name}/wanted", Type="String", Value="poison", Overwrite=True)


def test_a_call_that_iam_refuses_meets_no_fault(shared_cloud: CloudProcess, plan: Plan) -> None:
    role = shared_cloud.role(f"role-{uuid.uuid4().hex[:8]}", "account")
    session = shared_cloud.client("ssm", shared_cloud.assume(role))
    plan(action="ssm:GetParameter", **error("ThrottlingException", 400))
    with pytest.raises(ClientError, match="AccessDenied"):
        session.get_parameter(Name="/anything")
    assert [fault["met"] for fault in plan()] == [0]


def test_a_transaction_is_met_once(shared_cloud: CloudProcess, plan: Plan) -> None:
    dynamodb = shared_cloud.client("dynamodb")
    table = f"table-{uuid.uuid4().hex[:8]}"
    dynamodb.create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    items = [{"Put": {"TableName": table, "Item": {"pk": {"S": key}}}} for key in "ab"]
    plan(action="dynamodb:PutItem", effect="lost-reply")  # not the name of what is called
    plan(action="dynamodb:TransactWriteItems", effect="lost-reply")
    with pytest.raises(ConnectionClosedError):
        dynamodb.transact_write_items(TransactItems=items)
    assert dynamodb.scan(TableName=table)["Count"] == 2
    dynamodb.transact_write_items(TransactItems=items)
    assert [(fault["met"], fault["seen"]) for fault in plan()] == [(0, 0), (1, 2)]


def test_the_page_refuses_nonsense(shared_cloud: CloudProcess, plan: Plan) -> None:
    with pytest.raises(urllib.error.HTTPError) as refusal:
        shared_cloud.post("/_cloud/faults", {"action": "s3:GetObject", "effect": "explode"})
    assert refusal.value.code == 400
    assert "must be one of" in json.load(refusal.value)["message"]
    assert plan() == []


def test_a_fault_is_for_the_task_that_it_names(shared_cloud: CloudProcess, plan: Plan) -> None:
    states = {
        name: {
            "Type": "Task",
            "Resource": "arn:aws:states:::aws-sdk:ssm:getParameters",
            "Arguments": {"Names": ["/x"]},
            "Next": next_name,
        }
        for name, next_name in (("First Look", "Second Look"), ("Second Look", "Done"))
    }
    name = f"looks-{uuid.uuid4().hex[:8]}"
    stepfunctions = shared_cloud.client("stepfunctions")
    machine = stepfunctions.create_state_machine(
        name=name,
        definition=json.dumps(
            {"StartAt": "First Look", "QueryLanguage": "JSONata", "States": states | {"Done": {"Type": "Succeed"}}}
        ),
        roleArn=shared_cloud.role(f"{name}-role", "states.amazonaws.com", [allow("ssm:GetParameters")]),
    )["stateMachineArn"]
    plan(action="ssm:GetParameters", state_machine=name, state="Second Look", **error("InternalServerError", 500))
    arn = stepfunctions.start_execution(stateMachineArn=machine)["executionArn"]
    until("the end", lambda: stepfunctions.describe_execution(executionArn=arn)["status"] != "RUNNING")
    ended = stepfunctions.describe_execution(executionArn=arn)
    assert ended["error"] == "Ssm.InternalServerErrorException"
    assert [(fault["seen"], fault["met"]) for fault in plan()] == [(1, 1)]


@pytest.mark.parametrize(("effect", "kept"), [("kill-before-call", False), ("kill-after-call", True)])
def test_the_cloud_dies_before_or_after_a_call(
    make_cloud: Callable[..., CloudProcess], effect: str, kept: bool
) -> None:
    cloud = make_cloud()
    cloud.post("/_cloud/faults", {"action": "ssm:PutParameter", "effect": effect})
    with pytest.raises(ConnectionClosedError):
        cloud.client("ssm").put_parameter(Name="/kept", Type="String", Value="yes")
    assert cloud.process is not None
    assert cloud.process.wait(10) == -9
    cloud.start()
    found = cloud.client("ssm").get_parameters(Names=["/kept"])["Parameters"]
    assert [parameter["Value"] for parameter in found] == (["yes"] if kept else [])
    assert cloud.get("/_cloud/faults") == {"faults": []}


def test_the_cloud_dies_at_the_entry_of_a_state_and_the_execution_goes_on(
    make_cloud: Callable[..., CloudProcess],
) -> None:
    cloud = make_cloud()
    states = {
        "First": {"Type": "Pass", "Next": "Second"},
        "Second": {"Type": "Pass", "Next": "Done"},
        "Done": {"Type": "Succeed"},
    }
    stepfunctions = cloud.client("stepfunctions")
    machine = stepfunctions.create_state_machine(
        name="steps",
        definition=json.dumps({"StartAt": "First", "QueryLanguage": "JSONata", "States": states}),
        roleArn=cloud.role("steps-role", "states.amazonaws.com"),
    )["stateMachineArn"]
    cloud.post("/_cloud/faults", {"state_machine": "steps", "state": "Second"})
    with contextlib.suppress(ConnectionClosedError):  # it may die before it has answered
        stepfunctions.start_execution(stateMachineArn=machine, name="one")
    assert cloud.process is not None
    assert cloud.process.wait(10) == -9
    cloud.start()
    arn = f"{machine.replace(':stateMachine:', ':execution:')}:one"
    stepfunctions = cloud.client("stepfunctions")
    until("the end", lambda: stepfunctions.describe_execution(executionArn=arn)["status"] == "SUCCEEDED")
    entered = [
        event["stateEnteredEventDetails"]["name"]
        for event in stepfunctions.get_execution_history(executionArn=arn)["events"]
        if "stateEnteredEventDetails" in event
    ]
    assert entered == ["First", "Second", "Done"]
