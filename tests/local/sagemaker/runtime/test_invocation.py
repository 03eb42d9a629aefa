"""InvokeEndpoint: what the container gets, and what a caller is told when it does not answer well."""

import json
import time

import pytest
from botocore.exceptions import ClientError

from local.faults.plan import ServingFault
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


def test_a_model_misbehaves_on_purpose(serving: MiniatureCloud) -> None:
    serving.faults.add(ServingFault("m/model.tar.gz", status=503), hits=1)
    with pytest.raises(ClientError) as error:
        serving.invoke("live")
    assert error.value.response["OriginalStatusCode"] == 503
    assert serving.invoke("live").startswith("answer ")
    serving.faults.add(ServingFault("m/model.tar.gz", answer="virginica"), hits=1)
    assert serving.invoke("live") == "virginica"
    serving.faults.add(ServingFault("m/model.tar.gz", delay_seconds=0.3), hits=1)
    began = time.monotonic()
    serving.invoke("live")
    assert time.monotonic() - began >= 0.3
    assert [each["met"] for each in serving.faults.listed()] == [1, 1, 1]


def test_a_container_dies_at_its_start_on_purpose(cloud: MiniatureCloud) -> None:
    cloud.create_model("m")
    cloud.create_config("c", variant("m"))
    cloud.faults.add(ServingFault("m/model.tar.gz", endpoint="prd", crash=True), hits=None)
    cloud.create_endpoint("m-dev", "c")
    endpoint = cloud.create_endpoint("m-prd", "c", "Failed")
    assert "did not pass the ping health check" in endpoint["FailureReason"]
