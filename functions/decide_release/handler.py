"""Answers the function URL and the terminal commands.

GET and HEAD show; only POST decides, and only with a nonce from the page, this browser's cookie, the release's
name and a decision. Mail scanners open links and press buttons, so nothing less may count.
"""

import os
import secrets
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools.logging import Logger
from botocore.config import Config

from approvals.audit import Audit
from approvals.callback import Callback
from approvals.desk import Desk
from approvals.links import link_holds
from approvals.register import Register
from approvals.signing import Signer, read_keys
from contracts.approval import TAKEN_BACK
from contracts.environment import read_environment
from functions.decide_release.nonce import Nonces
from functions.decide_release.site import Site, failure
from functions.decide_release.sources import Sources
from functions.decide_release.terminal import decide_from_terminal, withdraw
from functions.decide_release.visit import Visit, is_visit
from functions.decide_release.visitors import Visitors

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_stepfunctions import SFNClient

_RANDOM_BYTES = 24  # 192 bits
# A person waits: when a service hangs, the page says so before the function's own 30 s are over.
_CONFIG = Config(connect_timeout=1, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 3})


@dataclass(frozen=True)
class Environment:
    """`token_key_id` is an ARN or an id, `signing_keys` are numbered ones."""

    approvals_table: str
    audit_table: str
    token_key_id: str
    signing_keys: str


logger = Logger(service="decide_release")
environment = read_environment(Environment, os.environ)
dynamodb: "DynamoDBClient" = boto3.client("dynamodb", config=_CONFIG)
kms: "KMSClient" = boto3.client("kms", config=_CONFIG)
stepfunctions: "SFNClient" = boto3.client("stepfunctions", config=_CONFIG)
audit = Audit(dynamodb, environment.audit_table)
register = Register(dynamodb, environment.approvals_table, audit)
signer = Signer(kms, read_keys(environment.signing_keys))
visitors = Visitors(dynamodb, environment.approvals_table)
desk = Desk(register, Callback(kms, stepfunctions, environment.token_key_id, logger))
site = Site(
    links=register,
    holds=partial(link_holds, signer),
    desk=desk,
    nonces=Nonces(signer, visitors),
    bounds=visitors,
    notes=audit,
    source_name=Sources(signer).name,
    random_text=partial(secrets.token_urlsafe, _RANDOM_BYTES),
)


@logger.inject_lambda_context(log_event=False, clear_state=True)
def handle(event: dict[str, Any], _context: "LambdaContext") -> dict[str, Any]:
    """A page for a visit; `{"run", "decided", "message"}` for a terminal command and for a run."""
    if not is_visit(event):
        logger.append_keys(run=event.get("run"))
        if event.get("decision") in TAKEN_BACK:
            return withdraw(desk, event)
        return decide_from_terminal(desk, event, time.time())
    try:
        return site.answer(Visit.from_event(event))
    except Exception:
        # What went wrong is for the log; a visitor learns nothing about our inside.
        logger.exception("page failed")
        return failure()
