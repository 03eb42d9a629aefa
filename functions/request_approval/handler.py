"""Stores a run's question with its token encrypted, and mails each approver who has no link yet.

In between it notes in the run's lease that the run asks now. A newer run that looks at the lease before that marks it,
and then nobody is asked; one that looks later withdraws the question, which is stored by then.

The state machine may call it again for the same run: the token is renewed, links that were mailed stay valid, and
a decision made meanwhile is given to the new token.
"""

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools.logging import Logger
from botocore.exceptions import BotoCoreError, ClientError

from approvals.asking import Asker
from approvals.audit import Audit
from approvals.invitations import Invitations
from approvals.signing import Signer, read_keys
from contracts.approval import ApprovalRequest, Decision, encryption_context
from contracts.environment import read_environment
from contracts.errors import LeaseLost, Superseded
from contracts.times import epoch_seconds
from functions.request_approval.lease import Lease
from functions.request_approval.question import Question
from functions.request_approval.register import Register
from functions.request_approval.shelf import Shelf
from mails.post import choose_post

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sesv2 import SESV2Client
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_stepfunctions import SFNClient

# What Step Functions says of a token that nothing waits for any more.
_ANSWERED = frozenset({"TaskTimedOut", "TaskDoesNotExist"})


class ApproversUnreachable(RuntimeError):
    """No approver could be mailed, so nobody knows that a run waits."""


class DecisionUndeliverable(RuntimeError):
    """A decision made before could not be given to the run. Never carries AWS's message: that may quote the token."""


@dataclass(frozen=True)
class Environment:
    """`mail_sender` is an address or a topic: see `choose_post`. `page_url` ends in a slash, `token_key_id` is an ARN
    or an id, `signing_keys` are numbered ones.

    `hosting_prices` is JSON: US dollars an hour by instance type.
    """

    approvals_table: str
    audit_table: str
    ledger_table: str
    token_key_id: str
    signing_keys: str
    mail_sender: str
    page_url: str
    hosting_prices: str


logger = Logger(service="request_approval")
environment = read_environment(Environment, os.environ)
s3: "S3Client" = boto3.client("s3")
kms: "KMSClient" = boto3.client("kms")
ses: "SESV2Client" = boto3.client("sesv2")
sns: "SNSClient" = boto3.client("sns")
stepfunctions: "SFNClient" = boto3.client("stepfunctions")
dynamodb: "DynamoDBClient" = boto3.client("dynamodb")
prices: dict[str, float] = json.loads(environment.hosting_prices)
shelf = Shelf(s3, logger)
register = Register(dynamodb, environment.approvals_table)
lease = Lease(dynamodb, environment.ledger_table)
asker = Asker(
    Invitations(dynamodb, environment.approvals_table),
    Audit(dynamodb, environment.audit_table),
    Signer(kms, read_keys(environment.signing_keys)),
    choose_post(environment.mail_sender, ses, sns),
    environment.page_url,
    logger,
)


@logger.inject_lambda_context(log_event=False, clear_state=True)
def handle(event: dict[str, Any], _context: "LambdaContext") -> dict[str, Any]:
    """How many approvers hold a link; the run itself goes on when somebody decides.

    Raises:
        ApproversUnreachable: no mail could be sent.
        LeaseLost: another run holds the model's release lease.
        Superseded: a newer run has marked the lease; nobody was asked.
        TooFewApprovers: fewer people may approve than have to.
        DecisionUndeliverable: the run asked again after a decision, and its new token was not accepted.
    """
    question = Question.from_event(event, prices)
    logger.append_keys(run=question.run, model=question.release.model, release=question.release.name)
    evidence, images = shelf.fetch(question.sources)
    encrypted = kms.encrypt(
        KeyId=environment.token_key_id,
        Plaintext=question.task_token.encode(),
        EncryptionContext=encryption_context(question.run),
    )
    request = register.ask(question, evidence, encrypted["CiphertextBlob"])
    if request.decision is not None:
        needed = _repeat(request, request.decision, question.task_token)
        if needed:
            register.record_delivery(question.run)
        logger.info("decided before", answered_again=needed)
        return {"mailed": len(request.mailed)}

    try:
        lease.enter_approval(question.release.model, question.holder)
    except (LeaseLost, Superseded) as fault:
        # Links that an earlier try has mailed must not ask any more.
        register.withdraw(question.run, Decision("withdraw", "another run", question.asked_at, str(fault)))
        raise
    mailed = set(request.mailed)
    now = epoch_seconds(question.asked_at)
    mailed.update(to for to in request.approvers if to not in mailed and asker.ask(request, to, "asked", now, images))
    if not mailed:
        raise ApproversUnreachable(
            "No approver could be mailed, so nobody would ever decide. Look whether the sender is verified in SES and, "
            "while the account is in the SES sandbox, every approver too (make doctor); then make rerun."
        )
    logger.info("approval requested", approvers=len(question.approvers), mailed=len(mailed))
    return {"mailed": len(mailed)}


def _repeat(request: ApprovalRequest, decision: Decision, task_token: str) -> bool:
    """Whether it was needed: when this very call was made before, the decision has reached its token already."""
    try:
        if decision.approved:
            stepfunctions.send_task_success(taskToken=task_token, output=request.output())
        else:
            stepfunctions.send_task_failure(taskToken=task_token, error=decision.error, cause=decision.cause())
    except (ClientError, BotoCoreError) as fault:
        if (code := _code(fault)) in _ANSWERED:
            return False
        raise DecisionUndeliverable(code) from None
    return True


def _code(fault: ClientError | BotoCoreError) -> str:
    return fault.response["Error"]["Code"] if isinstance(fault, ClientError) else type(fault).__name__
