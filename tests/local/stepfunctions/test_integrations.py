import base64
import json
from typing import Any

import pytest

from local.stepfunctions.integrations import naming, shapes
from tests.local.stepfunctions.conftest import StatesCloud
from tests.local.stepfunctions.front_door import Answer


def call(resource: str, arguments: Any, **fields: Any) -> dict[str, Any]:
    return {
        "T": {
            "Type": "Task",
            "Resource": f"arn:aws:states:::{resource}",
            "Arguments": arguments,
            "Output": "{% $states.result %}",
            "End": True,
            **fields,
        }
    }


@pytest.mark.parametrize(
    ("service_id", "name"),
    [
        ("S3", "S3"),
        ("SSM", "Ssm"),
        ("DynamoDB", "DynamoDb"),
        ("SESv2", "SesV2"),
        ("CloudFormation", "CloudFormation"),
        ("CloudWatch Logs", "CloudWatchLogs"),
        ("SageMaker Runtime", "SageMakerRuntime"),
        ("KMS", "Kms"),
        ("SFN", "Sfn"),
        ("EC2", "Ec2"),
        ("Application Auto Scaling", "ApplicationAutoScaling"),
    ],
)
def test_services_are_spelled_as_in_the_java_sdk(service_id: str, name: str) -> None:
    assert naming.java_service_name(service_id) == name


@pytest.mark.parametrize(
    ("name", "spelled"),
    [
        ("DBClusters", "DbClusters"),
        ("ETag", "ETag"),
        ("SSEKMSKeyId", "SsekmsKeyId"),
        ("executionArn", "ExecutionArn"),
        ("MD5OfMessageBody", "Md5OfMessageBody"),
        ("ARN", "Arn"),
        ("StackId", "StackId"),
    ],
)
def test_members_are_spelled_as_in_the_java_sdk(name: str, spelled: str) -> None:
    assert naming.java_member_name(name) == spelled


@pytest.mark.parametrize(
    ("service", "code", "error"),
    [
        ("s3", "NoSuchKey", "S3.NoSuchKeyException"),
        ("s3", "SlowDown", "S3.S3Exception"),
        ("ssm", "ParameterNotFound", "Ssm.ParameterNotFoundException"),
        ("cloudformation", "ValidationError", "CloudFormation.CloudFormationException"),
        ("cloudformation", "ChangeSetNotFound", "CloudFormation.ChangeSetNotFoundException"),
        ("cloudformation", "AlreadyExistsException", "CloudFormation.AlreadyExistsException"),
        ("sagemaker", "ValidationException", "SageMaker.SageMakerException"),
        ("sagemaker", "ResourceNotFound", "SageMaker.ResourceNotFoundException"),
        ("dynamodb", "TransactionCanceledException", "DynamoDb.TransactionCanceledException"),
        ("sesv2", "MessageRejected", "SesV2.MessageRejectedException"),
        ("kms", "NotFoundException", "Kms.NotFoundException"),
        ("stepfunctions", "StateMachineDoesNotExist", "Sfn.StateMachineDoesNotExistException"),
        ("rds", "DBClusterNotFoundFault", "Rds.DBClusterNotFoundException"),
    ],
)
def test_sdk_errors(service: str, code: str, error: str) -> None:
    assert naming.sdk_error(service, code) == error


def test_every_service_name_leads_to_a_service() -> None:
    found = {
        name: naming.boto_service(name)
        for name in (
            "sfn",
            "eventbridge",
            "cloudwatchlogs",
            "sesv2",
            "sagemakerruntime",
            "applicationautoscaling",
            "s3",
            "nonsense",
        )
    }
    assert found == {
        "sfn": "stepfunctions",
        "eventbridge": "events",
        "cloudwatchlogs": "logs",
        "sesv2": "sesv2",
        "sagemakerruntime": "sagemaker-runtime",
        "applicationautoscaling": "application-autoscaling",
        "s3": "s3",
        "nonsense": None,
    }


def test_objects_are_text(cloud: StatesCloud) -> None:
    body = json.dumps({"ü": ["x"]}, ensure_ascii=False)
    cloud.door.on(
        "s3",
        "GetObject",
        Answer(
            200,
            body.encode(),
            {"content-type": "application/json", "last-modified": "Mon, 23 Nov 2026 05:00:00 GMT", "etag": '"e"'},
        ),
    )
    result = cloud.run(call("aws-sdk:s3:getObject", {"Bucket": "b", "Key": "k"}))["output"]
    assert (result["Body"], result["LastModified"], result["ETag"]) == (body, "2026-11-23T05:00:00.000Z", '"e"')
    assert "ResponseMetadata" not in result
    cloud.door.on("s3", "PutObject", lambda given: Answer(200, b"", {"etag": given["a"]}))
    cloud.door.on("s3", "PutObject", lambda given: Answer(200, b"", {"etag": str(given)}))
    written = cloud.run(call("aws-sdk:s3:putObject", {"Bucket": "b", "Key": "k", "Body": {"a": "ü"}}))["output"]
    assert written["ETag"] == "{'a': 'ü'}"


def test_a_missing_object_is_caught_by_its_name(cloud: StatesCloud) -> None:
    missing = b"<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>"
    cloud.door.on("s3", "GetObject", Answer(404, missing, {"content-type": "application/xml"}))
    states = call(
        "aws-sdk:s3:getObject",
        {"Bucket": "b", "Key": "k"},
        Catch=[{"ErrorEquals": ["S3.NoSuchKeyException"], "Output": "{% $states.errorOutput.Cause %}", "Next": "S"}],
    )
    ended = cloud.run(states | {"S": {"Type": "Succeed"}})
    assert ended["output"].startswith("The specified key does not exist. (Service: S3, Status Code: 404, Request ID: ")


def test_times_numbers_and_nested_names(cloud: StatesCloud) -> None:
    answer = {
        "Parameter": {
            "Name": "/p",
            "Type": "String",
            "Value": "v",
            "Version": 3,
            "LastModifiedDate": 1_780_000_000.5,
            "ARN": "arn:x",
        }
    }
    cloud.door.on("ssm", "GetParameter", Answer.of(answer))
    result = cloud.run(call("aws-sdk:ssm:getParameter", {"Name": "/p"}))["output"]["Parameter"]
    assert result == {
        "Name": "/p",
        "Type": "String",
        "Value": "v",
        "Version": 3,
        "LastModifiedDate": "2026-05-28T20:26:40.500Z",
        "Arn": "arn:x",
    }


def test_aws_sdk_takes_the_names_of_the_java_sdk(cloud: StatesCloud) -> None:
    machine = cloud.create({"P": {"Type": "Succeed"}}, name="other")
    states = call("aws-sdk:sfn:startExecution", {"StateMachineArn": machine, "Name": "child", "Input": {"a": 1}})
    result = cloud.run(states)["output"]
    assert result["ExecutionArn"].endswith(":execution:other:child")
    assert result["StartDate"].startswith("2026-05-28T20:26:4")
    assert cloud.ended(result["ExecutionArn"])["output"] == {"a": 1}


def test_a_stack_that_is_not_there(cloud: StatesCloud) -> None:
    body = b"<ErrorResponse><Error><Code>ValidationError</Code><Message>Stack with id s does not exist</Message></Error><RequestId>r</RequestId></ErrorResponse>"
    cloud.door.on("cloudformation", "DescribeStacks", Answer(400, body, {"content-type": "text/xml"}))
    ended = cloud.run(call("aws-sdk:cloudformation:describeStacks", {"StackName": "s"}))
    assert ended["error"] == "CloudFormation.CloudFormationException"
    assert ended["cause"].startswith(
        "Stack with id s does not exist (Service: CloudFormation, Status Code: 400, Request ID: "
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, 'The field "Name" is required but was missing'),
        ({"Name": "p", "Nome": 1}, 'The field "Nome" is not supported by Step Functions'),
        ({"Name": 5}, "The value for the field 'Name' must be a STRING"),
        ({"Name": "p", "WithDecryption": "yes"}, "The value for the field 'WithDecryption' must be a BOOLEAN"),
    ],
)
def test_arguments_that_do_not_fit_fail_for_good(cloud: StatesCloud, arguments: Any, said: str) -> None:
    states = call("aws-sdk:ssm:getParameter", arguments, Catch=[{"ErrorEquals": ["States.ALL"], "Next": "S"}])
    ended = cloud.run(states | {"S": {"Type": "Succeed"}})
    assert ended["error"] == "States.Runtime"
    assert ended["cause"].endswith(f"could not be used to start the Task: [{said}]")
    assert not cloud.door.called("ssm")


def test_tables(cloud: StatesCloud) -> None:
    cloud.door.on(
        "dynamodb",
        "GetItem",
        Answer.of({"Item": {"pk": {"S": "a"}, "n": {"N": "1"}, "b": {"B": base64.b64encode(b"raw").decode()}}}),
    )
    got = cloud.run(call("dynamodb:getItem", {"TableName": "t", "Key": {"pk": {"S": "a"}}, "ConsistentRead": True}))[
        "output"
    ]
    assert got["Item"] == {"pk": {"S": "a"}, "n": {"N": "1"}, "b": {"B": "raw"}}
    assert got["SdkHttpMetadata"]["HttpStatusCode"] == 200
    cloud.door.on(
        "dynamodb", "PutItem", Answer.error("ConditionalCheckFailedException", "The conditional request failed")
    )
    put = call(
        "dynamodb:putItem",
        {"TableName": "t", "Item": {"pk": {"S": "a"}}, "ConditionExpression": "attribute_not_exists(pk)"},
    )
    ended = cloud.run(put)
    assert ended["error"] == "DynamoDB.ConditionalCheckFailedException"
    assert ended["cause"].startswith(
        "The conditional request failed (Service: AmazonDynamoDBv2; Status Code: 400; Error Code: ConditionalCheckFailedException; Request ID: "
    )
    cloud.door.on("dynamodb", "PutItem", Answer.error("ValidationException", "no"))
    assert cloud.run(put)["error"] == "DynamoDB.AmazonDynamoDBException"


def test_messages(cloud: StatesCloud) -> None:
    cloud.door.on(
        "sqs", "SendMessage", lambda given: Answer.of({"MessageId": given["MessageBody"], "MD5OfMessageBody": "m"})
    )
    sent = cloud.run(call("sqs:sendMessage", {"QueueUrl": "http://q/q", "MessageBody": {"a": 1}}))["output"]
    assert (sent["MessageId"], sent["MD5OfMessageBody"]) == ('{"a":1}', "m")
    published = b"<PublishResponse><PublishResult><MessageId>m-1</MessageId></PublishResult></PublishResponse>"
    cloud.door.on("sns", "Publish", Answer(200, published, {"content-type": "text/xml"}))
    assert cloud.run(call("sns:publish", {"TopicArn": "t", "Message": {"a": 1}}))["output"]["MessageId"] == "m-1"
    assert "%7B%22a%22%3A1%7D" in cloud.door.called("sns")[0].parameters["body"]


def test_events_name_the_execution(cloud: StatesCloud) -> None:
    cloud.door.on("events", "PutEvents", Answer.of({"FailedEntryCount": 0, "Entries": [{"EventId": "e"}]}))
    states = call(
        "events:putEvents",
        {"Entries": [{"Source": "mlops", "DetailType": "x", "Detail": {"a": 1}, "Resources": ["r"]}]},
    )
    arn = cloud.run(states)["executionArn"]
    entry = cloud.door.called("events")[0].parameters["Entries"][0]
    assert entry["Detail"] == '{"a":1}'
    assert entry["Resources"] == ["r", cloud.describe(arn)["stateMachineArn"], arn]
    cloud.door.on("events", "PutEvents", Answer.of({"FailedEntryCount": 1, "Entries": [{"ErrorCode": "x"}]}))
    failed = cloud.run(states)
    assert failed["error"] == "EventBridge.FailedEntry"
    assert json.loads(failed["cause"])["FailedEntryCount"] == 1
    cloud.door.on("events", "PutEvents", Answer.error("SomethingElse", "no", 400))
    assert cloud.run(states)["error"] == "EventBridge.AmazonEventBridgeException"


def test_functions_fail_under_their_own_names(cloud: StatesCloud) -> None:
    class DatasetRejected(Exception):
        pass

    def reject(_: Any) -> Any:
        raise DatasetRejected('row 3: "x"')

    cloud.door.on_lambda("reject", reject)
    invoke = lambda name: call("lambda:invoke", {"FunctionName": name, "Payload": {}})  # noqa: E731
    ended = cloud.run(invoke("reject"))
    assert ended["error"] == "DatasetRejected"
    assert json.loads(ended["cause"])["errorMessage"] == 'row 3: "x"'
    cloud.door.on(
        "lambda",
        "nameless",
        Answer(
            200, b'{"errorMessage":"2026 Task timed out after 3.00 seconds"}', {"x-amz-function-error": "Unhandled"}
        ),
    )
    nameless = cloud.run(invoke("nameless"))
    assert nameless["error"] == "Lambda.Unknown"
    assert "Task timed out after 3.00 seconds" in nameless["cause"]
    cloud.door.on("lambda", "busy", Answer.error("TooManyRequestsException", "Rate exceeded", 429))
    assert cloud.run(invoke("busy"))["error"] == "Lambda.TooManyRequestsException"
    cloud.door.on("lambda", "missing", Answer.error("ResourceNotFoundException", "Function not found", 404))
    assert cloud.run(invoke("missing"))["error"] == "Lambda.ResourceNotFoundException"


@pytest.mark.parametrize("payload", ["text", '{"already": "json"}', 5, None, [1, "ü"], {"a": {}}])
def test_payloads_are_json(cloud: StatesCloud, payload: Any) -> None:
    cloud.door.on_lambda("echo", lambda given: given)
    result = cloud.run(call("lambda:invoke", {"FunctionName": "echo", "Payload": payload}))["output"]["Payload"]
    assert result == (json.loads(payload) if payload == '{"already": "json"}' else payload)


def test_tasks_act_under_the_machines_role(cloud: StatesCloud) -> None:
    cloud.door.on_lambda("echo", lambda given: given)
    cloud.run(call("lambda:invoke", {"FunctionName": "echo"}))
    other = "arn:aws:iam::123456789012:role/other"
    cloud.run(call("lambda:invoke", {"FunctionName": "echo"}, Credentials={"RoleArn": other}))
    assert [made.role for made in cloud.door.called("lambda")] == ["arn:aws:iam::123456789012:role/machine", other]


def test_a_service_that_does_not_answer(cloud: StatesCloud) -> None:
    import botocore.exceptions

    def closed(_: Any) -> Any:
        raise botocore.exceptions.EndpointConnectionError(endpoint_url="http://front-door.invalid")

    cloud.door.on("ssm", "GetParameter", closed)
    cloud.door.answers["lambda", "x"] = closed
    assert cloud.run(call("aws-sdk:ssm:getParameter", {"Name": "p"}))["error"] == "Ssm.SdkClientException"
    assert cloud.run(call("lambda:invoke", {"FunctionName": "x"}))["error"] == "Lambda.SdkClientException"


def test_bytes_that_are_no_text() -> None:
    operation = naming.operation("kms", "encrypt")
    assert operation is not None
    result = shapes.sdk_result(operation.output_shape, {"CiphertextBlob": b"\xff\xfe", "KeyId": "k"})
    assert result == {"CiphertextBlob": base64.b64encode(b"\xff\xfe").decode(), "KeyId": "k"}
