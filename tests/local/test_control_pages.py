"""The cloud's own pages, and who may open them."""

import json
import urllib.error
import urllib.request
from typing import Any

import pytest

from local.gateway import perimeter
from tests.local.cloud_process import CloudProcess


def ask(cloud: CloudProcess, path: str, data: bytes | None = None, **headers: str) -> tuple[int, str]:
    try:
        request = urllib.request.Request(cloud.endpoint + path, data=data, headers=headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read().decode()


def test_health_says_which_cloud_this_is(shared_cloud: CloudProcess) -> None:
    health = shared_cloud.get("/_cloud/health")
    assert shared_cloud.process is not None
    assert health == {
        "status": "ready",
        "pid": shared_cloud.process.pid,
        "endpoint": f"http://localhost:{shared_cloud.port}",
        "region": "us-east-1",
        "account": "123456789012",
        "state_dir": str(shared_cloud.state_dir),
    }


def test_the_clock_can_be_read_moved_and_sped_up(shared_cloud: CloudProcess) -> None:
    before = shared_cloud.get("/_cloud/clock")
    moved = shared_cloud.post("/_cloud/clock", {"advance_seconds": 3600})
    assert moved["now"] >= before["now"] + 3600
    assert shared_cloud.post("/_cloud/clock", {"factor": 2})["factor"] == 2
    assert shared_cloud.post("/_cloud/clock", {"factor": 1})["factor"] == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"now",
        b"[]",
        b"{}",
        b'{"advance_seconds": -1}',
        b'{"advance_seconds": "x"}',
        b'{"factor": 0}',
        b'{"to": 1}',
    ],
)
def test_a_wrong_request_to_the_clock_says_what_would_be_right(shared_cloud: CloudProcess, body: bytes) -> None:
    status, answer = ask(shared_cloud, "/_cloud/clock", body)
    assert status == 400
    assert json.loads(answer)["message"]


def test_captured_mails_are_listed_oldest_first(shared_cloud: CloudProcess) -> None:
    ses = shared_cloud.client("sesv2")
    ses.create_email_identity(EmailIdentity="releases@example.com")
    for number in (1, 2):
        ses.send_email(
            FromEmailAddress="releases@example.com",
            Destination={"ToAddresses": ["approver@example.com"]},
            Content={"Simple": {"Subject": {"Data": f"mail {number}"}, "Body": {"Text": {"Data": "http://link"}}}},
        )
    mails = shared_cloud.get("/_cloud/mails")["mails"][-2:]
    assert [mail["subject"] for mail in mails] == ["mail 1", "mail 2"]
    assert mails[0]["to"] == ["approver@example.com"]
    assert mails[0]["text"] == "http://link"


def test_an_unknown_page_is_not_found(shared_cloud: CloudProcess) -> None:
    assert ask(shared_cloud, "/_cloud/secrets")[0] == 404


@pytest.mark.parametrize(
    ("host", "origin", "path", "open_to"),
    [
        ("localhost:4599", None, "/", True),
        ("127.0.0.1:4599", None, "/", True),
        ("bucket.localhost:4599", None, "/key", True),
        ("bucket.s3.us-east-1.amazonaws.com", None, "/key", True),
        ("rebound.example.com", None, "/", False),
        ("rebound.example.com:4599", None, "/_cloud/mails", False),
        ("localhost.example.com", None, "/", False),
        ("", None, "/", False),
        ("localhost:4599", "http://localhost:4599", "/", True),
        ("localhost:4599", "https://example.com", "/", False),
        ("localhost:4599", "null", "/", False),
        ("localhost:4599", "null", "/_aws/lambda-url/abc/", True),
        ("localhost:4599", "https://example.com", "/_cloud/clock", False),
        ("localhost:4599", None, "/_ministack/reset", False),
        ("localhost:4599", None, "/_ministack/config", False),
    ],
)
def test_only_programs_on_this_machine_get_in(host: str, origin: str | None, path: str, open_to: Any) -> None:
    headers = [(b"host", host.encode())] + ([(b"Origin", origin.encode())] if origin else [])
    assert (perimeter.refusal(path, headers) is None) is open_to


def test_a_page_of_another_site_is_refused(shared_cloud: CloudProcess) -> None:
    action = b"Action=ListUsers&Version=2010-05-08"
    credential = "?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=test/20260101/us-east-1/iam/aws4_request"
    status, _ = ask(shared_cloud, f"/{credential}&X-Amz-Signature=x", action, Origin="https://example.com")
    assert status == 403
