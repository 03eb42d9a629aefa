"""Signatures are those that botocore makes."""

import datetime as dt

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as Botocores
from hypothesis import given
from hypothesis import strategies as st

from load.signing import Credentials, PreparedRequest, Signer
from tests.load.stub import KEY, REGION, SECRET

MOMENT = dt.datetime(2030, 1, 1, 12, 34, 56, tzinfo=dt.UTC)


def parts(request: bytes) -> tuple[str, dict[str, str], bytes]:
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    return first, {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}, body


def botocores(moment, headers, body, token, monkeypatch):
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: moment.replace(tzinfo=None))
    request = AWSRequest("POST", "http://localhost:4599/endpoints/iris/invocations", headers=headers, data=body)
    SigV4Auth(Botocores(KEY, SECRET, token), "sagemaker", REGION).add_auth(request)
    return request.headers["Authorization"]


@pytest.mark.parametrize("token", [None, "a/session+token=="])
@given(
    body=st.binary(), accept=st.sampled_from(["text/csv", "application/json", "a  b"]), seconds=st.integers(0, 10**9)
)
def test_they_are_botocores(token, body, accept, seconds):
    moment = MOMENT + dt.timedelta(seconds=seconds)
    headers = {"content-type": "text/csv", "accept": accept, "x-amzn-sagemaker-target-variant": "model-a"}
    signer = Signer(Credentials(KEY, SECRET, token), REGION)
    prepared = PreparedRequest(signer, "localhost:4599", "/endpoints/iris/invocations", headers, body)
    first, sent, whole = parts(prepared.at(moment.timestamp()))
    assert (first, whole) == ("POST /endpoints/iris/invocations HTTP/1.1", body)
    assert sent["content-length"] == str(len(body))
    assert sent.get("x-amz-security-token") == token
    with pytest.MonkeyPatch.context() as patch:
        assert sent["authorization"] == botocores(moment, headers, body, token, patch)


def test_the_key_is_that_of_the_day_also_after_midnight(monkeypatch):
    signer = Signer(Credentials(KEY, SECRET), REGION)
    prepared = PreparedRequest(signer, "localhost:4599", "/endpoints/iris/invocations", {}, b"1")
    for moment in (MOMENT, MOMENT + dt.timedelta(days=1), MOMENT):
        said = parts(prepared.at(moment.timestamp()))[1]["authorization"]
        assert said == botocores(moment, {}, b"1", None, monkeypatch)
