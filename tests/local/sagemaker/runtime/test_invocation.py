"""InvokeEndpoint: what the container gets, and what a caller is told when it does not answer well."""

import json

import pytest
from botocore.exceptions import ClientError

from local.sagemaker.endpoints import model_connections
from tests.local.sagemaker.conftest import MiniatureCloud, variant


@pytest.fixture
def serving(cloud: MiniatureCloud) -> MiniatureCloud:
    cloud.create_model("m")
    cloud.create_config("c", variant("m"))
    cloud.create_endpoint("live", "c")
    return cloud


def test_headers_reach_the_container_and_come_back(serving: MiniatureCloud) -> None:
    response = serving.runtime.invoke_endpoint(
        EndpointName="live",
        Body="headers",
        ContentType="text/csv",
        Accept="text/csv;label=yes",
        CustomAttributes="trace=1",
        InferenceId="inference-7",
    )
    headers = json.loads(response["Body"].read())
    assert headers["content-type"] == "text/csv"
    assert headers["accept"] == "text/csv;label=yes"
    assert headers["x-amzn-sagemaker-custom-attributes"] == "trace=1"
    assert headers["x-amzn-sagemaker-inference-id"] == "inference-7"
    assert "authorization" not in headers
    assert response["CustomAttributes"] == "seen"


@pytest.mark.parametrize(("status", "side"), [(400, "client"), (415, "client"), (500, "server"), (503, "server")])
def test_an_error_of_the_model_is_passed_on_as_one(serving: MiniatureCloud, status: int, side: str) -> None:
    with pytest.raises(ClientError) as error:
        serving.invoke("live", f"status {status}")
    response = error.value.response
    assert response["Error"]["Code"] == "ModelError"
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert response["OriginalStatusCode"] == status
    assert response["OriginalMessage"] == "refused, says the model"
    assert response["LogStreamArn"].endswith(":log-group:/aws/sagemaker/Endpoints/live:log-stream:model-a")
    assert response["Error"]["Message"] == (
        f'Received {side} error ({status}) from primary with message "refused, says the model". See '
        "https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1"
        "#logEventViewer:group=/aws/sagemaker/Endpoints/live in account 123456789012 for more information."
    )


def test_a_container_that_dies_over_a_request_is_a_model_error(serving: MiniatureCloud) -> None:
    serving.invoke("live")
    with pytest.raises(ClientError) as error:
        serving.invoke("live", "die")
    assert error.value.response["Error"]["Code"] in ("ModelError", "ServiceUnavailable")


def test_a_container_that_does_not_answer_is_a_model_error(
    serving: MiniatureCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_connections, "INVOCATION_SECONDS", 0.2)
    with pytest.raises(ClientError, match="Your invocation timed out") as error:
        serving.invoke("live", "sleep 5")
    assert error.value.response["OriginalStatusCode"] == 0


def test_a_container_runs_under_the_models_role_only(
    serving: MiniatureCloud,
) -> None:
    environment = json.loads(serving.invoke("live", "environment"))
    assert environment["AWS_ACCESS_KEY_ID"] == "ASIAROLE"
    assert environment["SERVE_HOST"] == "127.0.0.1"
    assert environment["SAGEMAKER_BASE_DIR"].endswith(environment["SAGEMAKER_BASE_DIR"].rpartition("/")[2])
    assert "PYTEST_CURRENT_TEST" not in environment


def test_requests_beyond_the_limit_are_refused(serving: MiniatureCloud) -> None:
    assert serving.invoke("live", b"x" * 6_291_456)
    with pytest.raises(ClientError, match="larger than 6291456 bytes"):
        serving.invoke("live", b"x" * 6_291_457)


def test_what_endpoints_here_do_not_have_is_refused(serving: MiniatureCloud) -> None:
    with pytest.raises(ClientError, match="The embedded cloud has no TargetModel"):
        serving.invoke("live", TargetModel="other.tar.gz")
    with pytest.raises(ClientError, match="async-invocations is not in the embedded cloud"):
        serving.runtime.invoke_endpoint_async(EndpointName="live", InputLocation="s3://x/y")
    with pytest.raises(ClientError, match="Endpoint dead of account 123456789012 not found"):
        serving.invoke("dead")
