"""Does every minute what no visit does: gives a decision to its run when the call failed, or the function died before;
reminds those who have not answered; lets a question expire; and tells all who were asked what was decided.

A decision, a newer run and the end of its time compete for the same conditional update, so that there is one outcome.
"""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools.logging import Logger

from approvals.asking import Asker
from approvals.audit import Audit
from approvals.callback import Callback
from approvals.desk import Desk
from approvals.invitations import Invitations
from approvals.register import Register
from approvals.signing import Signer, read_keys
from contracts.environment import read_environment
from contracts.times import epoch_seconds
from functions.tend_approvals.open_requests import OpenRequests
from functions.tend_approvals.tending import attention, expiry, to_remind, to_tell
from mails.post import NotMailed, choose_post
from mails.verdict import tell_verdict

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_sesv2 import SESV2Client
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_stepfunctions import SFNClient

    from contracts.approval import ApprovalRequest

# One call looks after so many; what is left has waited longest the next time.
_MOST = 100


class SomeUnattended(RuntimeError):
    """Some requests could not be looked after; the log says which. The next call tries again."""


@dataclass(frozen=True)
class Environment:
    """`mail_sender` is an address or a topic: see `choose_post`. `page_url` ends in a slash, `token_key_id` is an ARN
    or an id, `signing_keys` are numbered ones.
    """

    approvals_table: str
    audit_table: str
    token_key_id: str
    signing_keys: str
    mail_sender: str
    page_url: str


logger = Logger(service="tend_approvals")
environment = read_environment(Environment, os.environ)
dynamodb: "DynamoDBClient" = boto3.client("dynamodb")
kms: "KMSClient" = boto3.client("kms")
stepfunctions: "SFNClient" = boto3.client("stepfunctions")
ses: "SESV2Client" = boto3.client("sesv2")
sns: "SNSClient" = boto3.client("sns")
audit = Audit(dynamodb, environment.audit_table)
register = Register(dynamodb, environment.approvals_table, audit)
requests = OpenRequests(dynamodb, environment.approvals_table)
invitations = Invitations(dynamodb, environment.approvals_table)
post = choose_post(environment.mail_sender, ses, sns)
signer = Signer(kms, read_keys(environment.signing_keys))
asker = Asker(invitations, audit, signer, post, environment.page_url, logger)
desk = Desk(register, Callback(kms, stepfunctions, environment.token_key_id, logger))


@logger.inject_lambda_context(log_event=False, clear_state=True)
def handle(event: dict[str, Any], _context: "LambdaContext") -> dict[str, int]:
    """`{"attended"}`: how many requests were looked after. The time is that of the schedule's event.

    Raises:
        SomeUnattended: see there; all others were looked after.
    """
    now = epoch_seconds(event["time"])
    runs = requests.due(now, _MOST)
    broken = [run for run in runs if not _attended(run, now)]
    if broken:
        raise SomeUnattended(f"{len(broken)} of {len(runs)}")
    return {"attended": len(runs)}


def _attended(run: str, now: float) -> bool:
    """One that breaks must not keep the others from being looked after."""
    try:
        _attend(run, now)
    except Exception:
        logger.exception("request not attended", run=run)
        return False
    return True


def _attend(run: str, now: float) -> None:
    request = register.find_request(run)
    if request is None:
        return
    needed = attention(request, now)
    # First: whatever happens to this call, the next one looks at others before it comes to this again.
    requests.attend_later(run, needed.again_at)
    match needed.need:
        case "deliver":
            desk.deliver(request, now)
        case "expire":
            desk.decide(request, expiry(request), now)
        case "remind":
            _remind(request, now)
        case "tell":
            _tell(request)
        case "close":
            requests.close(run)


def _remind(request: "ApprovalRequest", now: float) -> None:
    for approver in to_remind(request):
        asker.ask(request, approver, "escalated" if approver == request.policy.escalation else "reminded", now)


def _tell(request: "ApprovalRequest") -> None:
    mail, missing = tell_verdict(request), False
    for address in to_tell(request):
        try:
            message_id = post.send(mail, address)
        except NotMailed as fault:
            logger.warning("approver not told", error=str(fault))
            missing = True
        else:
            invitations.record_mail(request.run, "told", address, message_id)
    if not missing:
        requests.close(request.run)
