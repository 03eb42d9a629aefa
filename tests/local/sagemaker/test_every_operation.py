"""What holds for each operation: whatever is asked, it is answered or refused, never a failure of ours."""

import json
from typing import Any

import pytest

from local.gateway.protocol import Request
from tests.local.sagemaker.conftest import MiniatureCloud

PREFIXES = {"sagemaker": "SageMaker", "application-autoscaling": "AnyScaleFrontendService"}


def answer(cloud: MiniatureCloud, service: str, operation: str, body: Any) -> tuple[int, dict[str, Any]]:
    headers = {"x-amz-target": f"{PREFIXES[service]}.{operation}"}
    request = Request("POST", "/", headers, json.dumps(body).encode(), {}, "us-east-1", "123456789012")
    response = cloud.service.backends[service].handle(request)
    return response.status, json.loads(response.body)


def minimal(shape: Any, text: str = "a") -> Any:  # noqa: PLR0911 - one for each type
    """A request with just the members that the model requires."""
    match shape.type_name:
        case "structure":
            return {name: minimal(shape.members[name], text) for name in shape.required_members}
        case "list":
            return [minimal(shape.member, text)] * max(1, shape.metadata.get("min", 0))
        case "map":
            return {}
        case "string":
            return shape.metadata["enum"][0] if "enum" in shape.metadata else text
        case "boolean":
            return True
        case "float" | "double":
            return 1.0
        case _:
            return max(1, shape.metadata.get("min", 0))


@pytest.mark.parametrize("service", list(PREFIXES))
def test_no_request_is_answered_with_a_failure_of_ours(cloud: MiniatureCloud, service: str) -> None:
    backend: Any = cloud.service.backends[service]
    for operation in backend._operations:
        shape = backend._requests().operation(operation).input_shape
        texts = (
            "a",
            "arn:aws:sagemaker:us-east-1:123456789012:model/a",
            "arn:aws:iam::123456789012:role/a",
            "s3://b/k",
        )
        for body in ({}, {"Nonsense": 1}, *(minimal(shape, text) for text in texts)):
            status, document = answer(cloud, service, operation, body)
            assert status < 500, (operation, body, document)


def test_nothing_found_is_a_client_error(cloud: MiniatureCloud) -> None:
    for operation, request in {
        "DescribeTrainingJob": {"TrainingJobName": "none"},
        "StopTrainingJob": {"TrainingJobName": "none"},
        "DescribeModel": {"ModelName": "none"},
        "DeleteModel": {"ModelName": "none"},
        "DescribeEndpointConfig": {"EndpointConfigName": "none"},
        "DeleteEndpointConfig": {"EndpointConfigName": "none"},
        "DescribeEndpoint": {"EndpointName": "none"},
        "DeleteEndpoint": {"EndpointName": "none"},
        "UpdateEndpoint": {"EndpointName": "none", "EndpointConfigName": "none"},
        "DescribeModelPackage": {"ModelPackageName": "none/1"},
        "DescribeModelPackageGroup": {"ModelPackageGroupName": "none"},
    }.items():
        status, document = answer(cloud, "sagemaker", operation, request)
        assert (status, document["__type"]) == (400, "ValidationException"), operation
