"""Sends mails."""

from typing import TYPE_CHECKING, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from mails.mail import RECIPIENT

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client
    from mypy_boto3_sesv2.type_defs import AttachmentTypeDef, MessageTypeDef
    from mypy_boto3_sns import SNSClient

    from mails.mail import Image, Mail

# SNS takes no more of a subject, and no other characters.
_SUBJECT_CHARACTERS = 100


class NotMailed(Exception):
    """One mail could not be sent; the message is AWS's code."""


class Post(Protocol):
    """Sends a mail to one person."""

    def send(self, mail: "Mail", to: str) -> str:
        """The mail's id. Raises: NotMailed."""


class SesPost:
    """By Amazon SES, under the deployment's sender."""

    def __init__(self, ses: "SESV2Client", sender: str) -> None:
        self._ses = ses
        self._sender = sender

    def send(self, mail: "Mail", to: str) -> str:
        """The mail's id. Raises: NotMailed."""
        try:
            sent = self._ses.send_email(
                FromEmailAddress=self._sender,
                Destination={"ToAddresses": [to]},
                Content={"Simple": _message(mail)},
            )
        except (ClientError, BotoCoreError) as fault:
            raise NotMailed(_code(fault)) from fault
        return sent["MessageId"]


class SnsPost:
    """By Amazon SNS, as plain text, where no sender is verified: each person's subscription lets through what is meant
    for that person only, so that everybody has links of their own.
    """

    def __init__(self, sns: "SNSClient", topic_arn: str) -> None:
        self._sns = sns
        self._topic_arn = topic_arn

    def send(self, mail: "Mail", to: str) -> str:
        """The message's id. Raises: NotMailed."""
        try:
            sent = self._sns.publish(
                TopicArn=self._topic_arn,
                Subject=mail.subject.encode("ascii", "replace").decode()[:_SUBJECT_CHARACTERS],
                Message=mail.text,
                MessageAttributes={RECIPIENT: {"DataType": "String", "StringValue": to.lower()}},
            )
        except (ClientError, BotoCoreError) as fault:
            raise NotMailed(_code(fault)) from fault
        return str(sent["MessageId"])


def choose_post(sender: str, ses: "SESV2Client", sns: "SNSClient") -> Post:
    """`sender` is an address that SES has verified, or the ARN of the topic that people are subscribed to."""
    return SnsPost(sns, sender) if sender.startswith("arn:") else SesPost(ses, sender)


def _message(mail: "Mail") -> "MessageTypeDef":
    message: MessageTypeDef = {
        "Subject": {"Data": mail.subject, "Charset": "UTF-8"},
        "Body": {
            "Text": {"Data": mail.text, "Charset": "UTF-8"},
            "Html": {"Data": mail.html, "Charset": "UTF-8"},
        },
    }
    if mail.images:
        message["Attachments"] = [_attachment(image) for image in mail.images]
    return message


def _attachment(image: "Image") -> "AttachmentTypeDef":
    return {
        "FileName": f"{image.name}.png",
        "ContentId": image.name,
        "ContentType": "image/png",
        "ContentDisposition": "INLINE",
        "ContentTransferEncoding": "BASE64",
        "RawContent": image.content,
    }


def _code(fault: ClientError | BotoCoreError) -> str:
    return fault.response["Error"]["Code"] if isinstance(fault, ClientError) else type(fault).__name__
