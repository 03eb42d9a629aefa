import json
from typing import Any

import pytest

from local.gateway.protocol import Request, Response
from local.sagemaker.faults import invalid
from local.sagemaker.json_rpc import Json, JsonService


def call(service: JsonService, operation: str, body: Any) -> tuple[Response, Json]:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"x-amz-target": f"SageMaker.{operation}"}
    response = service.handle(Request("POST", "/", headers, content, {}, "us-east-1", "123456789012"))
    return response, json.loads(response.body)


def service(answer: Any = None) -> JsonService:
    def perform(request: Json) -> Json:
        if isinstance(answer, Exception):
            raise answer
        return answer or {"got": request}

    return JsonService("sagemaker", {"DescribeModel": perform, "CreateModelPackageGroup": perform})


def test_nulls_are_absent_in_both_directions() -> None:
    _, document = call(service(), "DescribeModel", {"ModelName": "m"})
    assert document == {"got": {"ModelName": "m"}}
    request = {"ModelPackageGroupName": "g", "Tags": None}
    _, document = call(service(), "CreateModelPackageGroup", request)
    assert document == {"got": {"ModelPackageGroupName": "g"}}
    _, document = call(service({"a": None, "b": [{"c": None}]}), "DescribeModel", {"ModelName": "m"})
    assert document == {"b": [{}]}


@pytest.mark.parametrize(
    ("operation", "code", "message"),
    [
        (
            "CreateTransformJob",
            "UnknownOperationException",
            "sagemaker:CreateTransformJob is not in the embedded cloud.",
        ),
        ("DoNothing", "UnknownOperationException", "sagemaker has no operation 'DoNothing'."),
    ],
)
def test_operations_that_are_not_there_are_named(operation: str, code: str, message: str) -> None:
    response, document = call(service(), operation, {})
    assert response.status == 400
    assert (document["__type"], document["message"]) == (code, message)


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff", b'"text"'])
def test_what_is_no_json_object_is_refused(body: bytes) -> None:
    response, document = call(service(), "DescribeModel", body)
    assert response.status == 400
    assert document["__type"] == "SerializationException"


def test_faults_become_answers() -> None:
    response, document = call(service(invalid("No.")), "DescribeModel", {"ModelName": "m"})
    assert (response.status, response.headers["x-amzn-errortype"]) == (400, "ValidationException")
    assert document == {"__type": "ValidationException", "message": "No."}


def test_our_own_failures_tell_nothing(caplog: pytest.LogCaptureFixture) -> None:
    response, document = call(service(RuntimeError("secret")), "DescribeModel", {"ModelName": "m"})
    assert response.status == 500
    assert "secret" not in json.dumps(document)
    assert "secret" in caplog.text


def test_the_first_use_is_told_once() -> None:
    uses: list[int] = []
    noticed = JsonService("sagemaker", {"DescribeModel": lambda request: request}, lambda: uses.append(1))
    assert uses == []
    for _ in range(3):
        call(noticed, "DescribeModel", {"ModelName": "m"})
    assert uses == [1]


@pytest.mark.parametrize(
    ("request_", "value", "constraint"),
    [
        ({}, "null at 'modelPackageGroupName'", "not be null"),
        (
            {"ModelPackageGroupName": "under_score"},
            "'under_score' at 'modelPackageGroupName'",
            "satisfy regular expression pattern: [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}",
        ),
        (
            {"ModelPackageGroupName": "g", "Tags": [{"Key": "k" * 129, "Value": "v"}]},
            f"'{'k' * 129}' at 'tags.1.member.key'",
            "have length less than or equal to 128",
        ),
    ],
)
def test_violated_constraints_are_worded_as_aws_words_them(request_: Json, value: str, constraint: str) -> None:
    _, document = call(service(), "CreateModelPackageGroup", request_)
    message = f"1 validation error detected: Value {value} failed to satisfy constraint: Member must {constraint}"
    assert document == {"__type": "ValidationException", "message": message}


def test_all_violations_are_listed() -> None:
    _, document = call(service(), "CreateModelPackageGroup", {"ModelPackageGroupName": "_" * 64})
    assert document["message"].startswith("2 validation errors detected: ")


@pytest.mark.parametrize(
    "request_", [{"ModelPackageGroupName": 5}, {"ModelPackageGroupName": "g", "Tags": {}}, {"Unheard": 1}]
)
def test_wrong_types_and_unknown_members_are_refused(request_: Json) -> None:
    _, document = call(service(), "CreateModelPackageGroup", {"ModelPackageGroupName": "g"} | request_)
    assert document["__type"] == "SerializationException"
