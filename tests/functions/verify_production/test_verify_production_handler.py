from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from botocore.stub import Stubber

from contracts.errors import ProductionUnhealthy
from tests.functions.endpoint import answering, store_report

ENDPOINT = "iris-model-production"
ALL_ROWS = b"4.6,3.1,1.5,0.2\n7.7,2.6,6.9,2.3\n6.1,2.8,4.7,1.2\n"
ONE_ROW = b"4.6,3.1,1.5,0.2\n"
WHEN = datetime(2026, 11, 23, 6, tzinfo=UTC)
ARN = "arn:aws:sagemaker:us-east-1:123456789012"


DESCRIBED = {
    "EndpointName": ENDPOINT,
    "EndpointArn": f"{ARN}:endpoint/{ENDPOINT}",
    "EndpointConfigName": "config-7",
    "EndpointStatus": "InService",
    "CreationTime": WHEN,
    "LastModifiedTime": WHEN,
}
CONFIGURED = {
    "EndpointConfigName": "config-7",
    "EndpointConfigArn": f"{ARN}:endpoint-config/config-7",
    "ProductionVariants": [{"VariantName": "model-a", "ModelName": "model-7"}],
    "CreationTime": WHEN,
}


@contextmanager
def described(client, url, status="InService", instances=2, others=()):
    with Stubber(client) as stub:
        stub.add_response(
            "describe_endpoint",
            {
                **DESCRIBED,
                "EndpointStatus": status,
                "ProductionVariants": [
                    *({"VariantName": name, "CurrentInstanceCount": 0} for name in others),
                    {"VariantName": "model-a", "CurrentInstanceCount": instances, "DesiredInstanceCount": 2},
                ],
            },
            {"EndpointName": ENDPOINT},
        )
        stub.add_response(
            "describe_endpoint_config",
            {
                **CONFIGURED,
                "ProductionVariants": [
                    *({"VariantName": name, "ModelName": "another"} for name in others),
                    {"VariantName": "model-a", "ModelName": "model-7"},
                ],
            },
            {"EndpointConfigName": "config-7"},
        )
        stub.add_response(
            "describe_model",
            {
                "ModelName": "model-7",
                "ModelArn": f"{ARN}:model/model-7",
                "CreationTime": WHEN,
                "PrimaryContainer": {"ModelDataUrl": url},
            },
            {"ModelName": "model-7"},
        )
        yield
        stub.assert_no_pending_responses()


@pytest.fixture
def handler(handler_of, event):
    store_report(event("verify_production")["report_uri"])
    return handler_of("verify_production")


def test_a_release_that_is_served_is_verified(handler, event, lambda_context):
    asked = event("verify_production")
    exchanges = ((ALL_ROWS, b"0\n2\n1\n"), (ONE_ROW, b"0"))
    with (
        described(handler.sagemaker, asked["model_data_url"]),
        answering(handler.runtime, ENDPOINT, *exchanges, target="model-a"),
    ):
        answer = handler.handle(asked, lambda_context)
    assert answer["endpoint"] == ENDPOINT
    assert [row["answer"] for row in answer["answers"]] == ["0", "2", "1"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"url": "s3://b/old.tar.gz"}, "It serves s3://b/old.tar.gz instead of s3://"),
        ({"status": "Updating"}, "Its status is Updating."),
        ({"instances": 1}, "Instances that serve: 1; needed: 2."),
    ],
)
def test_what_serves_something_else_is_unhealthy_and_is_not_asked(handler, event, lambda_context, changed, said):
    asked = event("verify_production")
    serving = described(handler.sagemaker, **{"url": asked["model_data_url"], **changed})
    with serving, answering(handler.runtime, ENDPOINT), pytest.raises(ProductionUnhealthy, match=said):
        handler.handle(asked, lambda_context)


def test_of_two_variants_the_release_s_own_is_looked_at_and_asked(handler, event, lambda_context):
    asked = event("verify_production")
    exchanges = ((ALL_ROWS, b"0\n2\n1\n"), (ONE_ROW, b"0"))
    with (
        described(handler.sagemaker, asked["model_data_url"], others=("model-b",)),
        answering(handler.runtime, ENDPOINT, *exchanges, target="model-a"),
    ):
        assert len(handler.handle(asked, lambda_context)["answers"]) == 3


def test_a_variant_that_is_not_there_is_unhealthy(handler, event, lambda_context):
    with Stubber(handler.sagemaker) as stub:
        stub.add_response("describe_endpoint", DESCRIBED)
        stub.add_response("describe_endpoint_config", CONFIGURED)
        with pytest.raises(ProductionUnhealthy, match="has no variant model-b"):
            handler.handle({**event("verify_production"), "variant": "model-b"}, lambda_context)


def test_answers_that_all_take_longer_than_the_settings_allow_are_unhealthy(handler, event, lambda_context):
    asked = {**event("verify_production"), "latency_milliseconds": 0.0}
    exchanges = ((ALL_ROWS, b"0\n2\n1\n"), (ONE_ROW, b"0"))
    with (
        described(handler.sagemaker, asked["model_data_url"]),
        answering(handler.runtime, ENDPOINT, *exchanges, target="model-a"),
        pytest.raises(ProductionUnhealthy, match="is slow: none of 2 requests"),
    ):
        handler.handle(asked, lambda_context)


def test_other_answers_are_unhealthy(handler, event, lambda_context):
    asked = event("verify_production")
    exchanges = ((ALL_ROWS, b"0\n0\n0\n"), (ONE_ROW, b"0"))
    serving = described(handler.sagemaker, asked["model_data_url"])
    with (
        serving,
        answering(handler.runtime, ENDPOINT, *exchanges, target="model-a"),
        pytest.raises(ProductionUnhealthy, match="expected was '2'"),
    ):
        handler.handle(asked, lambda_context)


def test_an_endpoint_that_is_gone_is_unhealthy(handler, event, lambda_context):
    with Stubber(handler.sagemaker) as stub:
        stub.add_client_error("describe_endpoint", "ValidationException", "Could not find endpoint")
        with pytest.raises(ProductionUnhealthy, match="Could not find endpoint"):
            handler.handle(event("verify_production"), lambda_context)
