"""Mails how a run ended to the model's owners, or to the operators when the run belongs to no model.

Nobody is mailed twice about one end, however often the function is called for it: by a state machine that lost its
reply, or by close-run after the run itself.
"""

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools.logging import Logger
from botocore.exceptions import BotoCoreError, ClientError

from contracts.environment import read_environment
from contracts.reports import UnreadableReport, read_evaluation
from functions.announce_outcome.announcement import announce
from functions.announce_outcome.ending import Ending
from functions.announce_outcome.record import Record
from mails.post import NotMailed, choose_post

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sesv2 import SESV2Client
    from mypy_boto3_sns import SNSClient

    from contracts.reports import GateCheck
    from mails.mail import Mail

# The report travels with the fitted estimator. To look for it in more than this would take time that the mail needs.
_LARGEST_ARCHIVE_BYTES = 500 * 1024**2


class NobodyReached(RuntimeError):
    """No recipient could be mailed."""


@dataclass(frozen=True)
class Environment:
    """`mail_sender` is an address or a topic: see `choose_post`. `operators` are mail addresses with commas between."""

    approvals_table: str
    mail_sender: str
    operators: str


logger = Logger(service="announce_outcome")
environment = read_environment(Environment, os.environ)
ses: "SESV2Client" = boto3.client("sesv2")
sns: "SNSClient" = boto3.client("sns")
dynamodb: "DynamoDBClient" = boto3.client("dynamodb")
s3: "S3Client" = boto3.client("s3")
post = choose_post(environment.mail_sender, ses, sns)
record = Record(dynamodb, environment.approvals_table)


@logger.inject_lambda_context(log_event=False, clear_state=True)
def handle(event: dict[str, Any], _context: "LambdaContext") -> dict[str, Any]:
    """The reason in plain words, for the run's own end state, and how many people were mailed.

    Raises:
        NobodyReached: no mail could be sent.
    """
    ending = Ending.from_event(event, _gate(event))
    logger.append_keys(run=ending.run, model=ending.model, outcome=ending.outcome)
    mail = announce(ending)
    recipients = ending.owners or tuple(address.strip() for address in environment.operators.split(","))
    known = record.mailed(ending.run, ending.redrives, ending.outcome, int(time.time()))
    mailed = known | {to for to in recipients if to not in known and _tell(ending, mail, to)}
    if not mailed:
        raise NobodyReached("Nobody could be mailed; is the sender verified in SES?")
    logger.info("outcome announced", mailed=len(mailed), before=len(known))
    return {"reason": ending.told, "mailed": len(mailed)}


def _gate(event: dict[str, Any]) -> "Sequence[GateCheck]":
    """What the report says about a rejected candidate. The run's own cause names the rules, too, if with less words."""
    if event["outcome"] != "Candidate Rejected" or not event.get("report_uri"):
        return ()
    bucket, _, key = str(event["report_uri"]).removeprefix("s3://").partition("/")
    try:
        archive = s3.get_object(Bucket=bucket, Key=key)
        if archive["ContentLength"] > _LARGEST_ARCHIVE_BYTES:
            raise UnreadableReport(f"the archive has {archive['ContentLength']} bytes")
        return read_evaluation(archive["Body"]).gate
    except (UnreadableReport, ClientError, BotoCoreError) as fault:
        # People must hear of the end all the same.
        logger.warning("report not read", error=str(fault))
        return ()


def _tell(ending: Ending, mail: "Mail", to: str) -> bool:
    try:
        post.send(mail, to)
    except NotMailed as fault:
        # One address that SES refuses must not keep the others from hearing.
        logger.warning("not mailed", error=str(fault))
        return False
    record.add(ending.run, ending.redrives, to)
    return True
