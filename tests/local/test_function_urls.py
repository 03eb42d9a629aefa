"""Function URLs: reachable by any client, public only by both permissions, in the cloud's time."""

import base64
import json
import urllib.error
import urllib.request
import uuid
from typing import Any

import pytest

from local.gateway.function_urls import url_id
from tests.local.cloud_process import CloudProcess

ECHO = """
import json
def handle(event, context):
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": json.dumps(event)}
"""
URL_PERMISSION = {"Action": "lambda:InvokeFunctionUrl", "Principal": "*", "FunctionUrlAuthType": "NONE"}
FUNCTION_PERMISSION = {"Action": "lambda:InvokeFunction", "Principal": "*", "InvokedViaFunctionUrl": True}


@pytest.fixture
def echo(shared_cloud: CloudProcess) -> tuple[str, str]:
    """(name, URL) of a function with a URL of AuthType NONE and no permissions yet."""
    name = f"echo-{uuid.uuid4().hex[:8]}"
    shared_cloud.function(name, ECHO)
    url = shared_cloud.client("lambda").create_function_url_config(FunctionName=name, AuthType="NONE")["FunctionUrl"]
    return name, url


def permit(cloud: CloudProcess, name: str, *permissions: dict[str, Any]) -> None:
    for number, permission in enumerate(permissions):
        cloud.client("lambda").add_permission(FunctionName=name, StatementId=f"p{number}", **permission)


def ask(url: str, data: bytes | None = None, **headers: str) -> tuple[int, Any]:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=data, headers=headers), timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refusal:
        return refusal.code, json.load(refusal)


def test_the_url_answers_on_the_clouds_port(shared_cloud: CloudProcess, echo: tuple[str, str]) -> None:
    name, url = echo
    assert url.startswith(f"http://localhost:{shared_cloud.port}/_aws/lambda-url/")
    permit(shared_cloud, name, URL_PERMISSION, FUNCTION_PERMISSION)
    status, event = ask(f"{url}approve/1?a=1&b=x%20y", **{"User-Agent": "reader"})
    assert status == 200
    assert event["rawPath"] == "/approve/1"
    assert event["queryStringParameters"] == {"a": "1", "b": "x y"}
    assert event["requestContext"]["http"]["sourceIp"] == "127.0.0.1"
    assert event["requestContext"]["http"]["userAgent"] == "reader"
    assert "body" not in event


@pytest.mark.parametrize("granted", [(), (URL_PERMISSION,), (FUNCTION_PERMISSION,)])
def test_is_closed_without_both_permissions(
    shared_cloud: CloudProcess, echo: tuple[str, str], granted: tuple[dict[str, Any], ...]
) -> None:
    name, url = echo
    permit(shared_cloud, name, *granted)
    status, refusal = ask(url)
    assert status == 403
    assert "Forbidden" in refusal["Message"]


def test_a_permission_for_other_calls_opens_nothing(shared_cloud: CloudProcess, echo: tuple[str, str]) -> None:
    name, url = echo
    permit(shared_cloud, name, URL_PERMISSION, FUNCTION_PERMISSION | {"InvokedViaFunctionUrl": False})
    assert ask(url)[0] == 403


def test_an_unknown_url_tells_nothing(shared_cloud: CloudProcess) -> None:
    assert ask(f"{shared_cloud.endpoint}/_aws/lambda-url/{'a' * 32}/")[0] == 403


def test_forms_arrive_encoded_and_json_as_text(shared_cloud: CloudProcess, echo: tuple[str, str]) -> None:
    name, url = echo
    permit(shared_cloud, name, URL_PERMISSION, FUNCTION_PERMISSION)
    _, form = ask(url, b"release=iris-model-3", **{"Content-Type": "application/x-www-form-urlencoded"})
    assert form["isBase64Encoded"] is True
    assert base64.b64decode(form["body"]) == b"release=iris-model-3"
    _, text = ask(url, b'{"a": 1}', **{"Content-Type": "application/json", "Cookie": "a=1; b=2"})
    assert (text["isBase64Encoded"], text["body"], text["cookies"]) == (False, '{"a": 1}', ["a=1", "b=2"])


def test_the_event_carries_the_clouds_time(shared_cloud: CloudProcess, echo: tuple[str, str]) -> None:
    name, url = echo
    permit(shared_cloud, name, URL_PERMISSION, FUNCTION_PERMISSION)
    before = shared_cloud.post("/_cloud/clock", {"advance_seconds": 86_400})["now"]
    context = ask(url)[1]["requestContext"]
    after = shared_cloud.get("/_cloud/clock")["now"]
    assert before * 1000 - 1 <= context["timeEpoch"] <= after * 1000


def test_a_page_of_another_site_may_post_to_a_function(shared_cloud: CloudProcess, echo: tuple[str, str]) -> None:
    name, url = echo
    permit(shared_cloud, name, URL_PERMISSION, FUNCTION_PERMISSION)
    assert ask(url, b"a=1", Origin="null")[0] == 200


def test_ids_of_both_forms_of_url() -> None:
    assert url_id("https://abc.lambda-url.us-east-1.on.aws/") == "abc"
    assert url_id("http://localhost:4599/_aws/lambda-url/abc/") == "abc"
