"""Mails leave by SES, or by SNS where no sender is verified."""

import boto3
import pytest
from botocore.stub import Stubber

from mails.mail import Image, Mail
from mails.post import NotMailed, SesPost, SnsPost, choose_post

TOPIC = "arn:aws:sns:us-east-1:123456789012:mlops-people"
MAIL = Mail("Release iris-model-3 to production?", "Plain.", "<p>Rich.</p>", (Image("scores", b"\x89PNG"),))


def client(service: str) -> object:
    return boto3.client(service, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")


@pytest.fixture
def sns():
    return client("sns")


def test_the_sender_says_which_way() -> None:
    ses, sns = client("sesv2"), client("sns")
    assert isinstance(choose_post("mlops@example.com", ses, sns), SesPost)
    assert isinstance(choose_post(TOPIC, ses, sns), SnsPost)


def test_ses_takes_both_forms_and_the_pictures() -> None:
    ses = client("sesv2")
    picture = {
        "FileName": "scores.png",
        "ContentId": "scores",
        "ContentType": "image/png",
        "ContentDisposition": "INLINE",
        "ContentTransferEncoding": "BASE64",
        "RawContent": b"\x89PNG",
    }
    content = {
        "Subject": {"Data": MAIL.subject, "Charset": "UTF-8"},
        "Body": {"Text": {"Data": "Plain.", "Charset": "UTF-8"}, "Html": {"Data": "<p>Rich.</p>", "Charset": "UTF-8"}},
        "Attachments": [picture],
    }
    sent = {
        "FromEmailAddress": "mlops@example.com",
        "Destination": {"ToAddresses": ["anna@example.com"]},
        "Content": {"Simple": content},
    }
    with Stubber(ses) as stub:
        stub.add_response("send_email", {"MessageId": "m-1"}, sent)
        assert SesPost(ses, "mlops@example.com").send(MAIL, "anna@example.com") == "m-1"


def test_sns_sends_plain_text_to_one_persons_subscription(sns) -> None:
    sent = {
        "TopicArn": TOPIC,
        "Subject": MAIL.subject,
        "Message": "Plain.",
        "MessageAttributes": {"recipient": {"DataType": "String", "StringValue": "anna@example.com"}},
    }
    with Stubber(sns) as stub:
        stub.add_response("publish", {"MessageId": "m-2"}, sent)
        assert SnsPost(sns, TOPIC).send(MAIL, "Anna@Example.com") == "m-2"


def test_a_subject_is_what_sns_takes(sns, monkeypatch) -> None:
    subjects = []
    monkeypatch.setattr(sns, "publish", lambda **sent: subjects.append(sent["Subject"]) or {"MessageId": "m"})
    SnsPost(sns, TOPIC).send(Mail("Größe: " + "x" * 200, "", ""), "a@example.com")
    (subject,) = subjects
    assert len(subject) == 100
    assert subject.isascii()


@pytest.mark.parametrize(("service", "operation"), [("sesv2", "send_email"), ("sns", "publish")])
def test_what_cannot_be_sent_is_told_by_its_code(service: str, operation: str) -> None:
    aws = client(service)
    with Stubber(aws) as stub:
        stub.add_client_error(operation, "ThrottlingException", "rack 42")
        post = SesPost(aws, "x@example.com") if service == "sesv2" else SnsPost(aws, TOPIC)
        with pytest.raises(NotMailed, match="^ThrottlingException$"):
            post.send(Mail("s", "t", "h"), "a@example.com")
