"""Sessions for roles that AWS services act under, and clients that go through the front door.

What happens inside Step Functions, EventBridge, SageMaker and CloudFormation on AWS: the service assumes the role it
was given, which the role's trust policy must allow, and every call it makes is then authorised like anybody's.
"""

import functools
import hashlib
import hmac
import os
import re
import secrets
import threading
import uuid
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

# Lambda's longest synchronous invocation is 900 s; nothing else answers later.
_READ_TIMEOUT_SECONDS = 930
_ENDPOINT_VARIABLE = "AWS_ENDPOINT_URL"
_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::(\d{12}):role/(?:[!-~]+/)?([\w+=,.@-]{1,64})")

# One key a process: derived secrets are stable while it lives (clients can be cached), useless afterwards.
_process_key = secrets.token_bytes(32)
_creation = threading.Lock()


@dataclass(frozen=True)
class Credentials:
    """An access key; ``session_token`` None is a long-lived key. Hashable, so that clients can be cached by it."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


ROOT = Credentials("test", "test")


def endpoint() -> str:
    """The front door's URL, with an address rather than a name so that S3 clients use path-style requests."""
    return os.environ[_ENDPOINT_VARIABLE]


def role_credentials(
    role_arn: str,
    service_principal: str,
    session_name: str,
    *,
    source_arn: str = "",
) -> Credentials:
    """A session of ``role_arn`` for a service such as ``states.amazonaws.com``.

    ``source_arn`` is the resource the service acts for (``aws:SourceArn`` in the trust policy's conditions). The same
    arguments give the same credentials while the process lives. Raises ClientError AccessDenied when the role does not
    exist or its trust policy does not name the service.
    """
    match = _ROLE_ARN.fullmatch(role_arn)
    if match is None or not _trusts(role_arn, match[1], match[2], service_principal, source_arn):
        raise _denied(service_principal, role_arn)
    account, role_name = match[1], match[2]
    name = re.sub(r"[^\w+=,.@-]", "-", session_name)[:64] or "session"
    secret = hmac.new(_process_key, f"{role_arn}|{service_principal}|{name}".encode(), hashlib.sha256).hexdigest()
    session = Credentials("ASIA" + secret[:16].upper(), secret, secret[::-1])
    _register(session, account, role_name, name)
    return session


def client(
    service: str,
    region: str,
    credentials: Credentials | None = None,
    *,
    validate: bool = True,
) -> Any:
    """A boto3 client through the front door, cached. ``credentials`` None is the account's root.

    One attempt a call: who calls on behalf of AWS decides about retries. ``validate`` False skips botocore's parameter
    check, for callers that hand on what a user wrote and want the service's own answer.
    """
    return _client(service, region, credentials or ROOT, endpoint(), validate)


@functools.lru_cache(maxsize=256)
def _client(service: str, region: str, credentials: Credentials, url: str, validate: bool) -> Any:
    from botocore.config import Config

    with _creation:  # creating a client is not thread-safe in boto3; using one is
        made = _session().client(
            service,
            region_name=region,
            endpoint_url=url,
            aws_access_key_id=credentials.access_key_id,
            aws_secret_access_key=credentials.secret_access_key,
            aws_session_token=credentials.session_token,
            config=Config(
                parameter_validation=validate,
                inject_host_prefix=False,
                retries={"total_max_attempts": 1},
                read_timeout=_READ_TIMEOUT_SECONDS,
                max_pool_connections=50,
                s3={"addressing_style": "path"},
            ),
        )
    made.meta.events.register("after-call", _ensure_request_id)
    return made


@functools.cache
def _session() -> Any:
    import boto3

    return boto3.session.Session(ROOT.access_key_id, ROOT.secret_access_key)


def _ensure_request_id(parsed: dict[str, Any], **_: object) -> None:
    # Interpreters read ResponseMetadata.RequestId of any answer; a refusal before routing may carry none.
    parsed.setdefault("ResponseMetadata", {}).setdefault("RequestId", str(uuid.uuid4()))


def _trusts(role_arn: str, account: str, role_name: str, service_principal: str, source_arn: str) -> bool:
    from ministack.core.iam_evaluator import EvalContext, evaluate_resource_policy
    from ministack.services import iam

    role = iam._roles.get_scoped(account, None, role_name)
    if role is None or role.get("Arn") != role_arn:
        return False
    source = {"aws:sourceaccount": account} | ({"aws:sourcearn": source_arn} if source_arn else {})
    context = EvalContext(
        principal_arn=service_principal,
        principal_type="Service",
        principal_account=account,
        action="sts:AssumeRole",
        resource_arn=role_arn,
        region="",
        service_context=source,
    )
    # Not the emulator's own trust evaluation: that one lets root pass for any service.
    decision = evaluate_resource_policy(role.get("AssumeRolePolicyDocument"), context, service=service_principal)
    return bool(decision.decision == "Allow")


def _register(session: Credentials, account: str, role_name: str, session_name: str) -> None:
    from ministack.services import iam, sts

    role = iam._roles.get_scoped(account, None, role_name) or {}
    sts.register_session(
        session.access_key_id,
        {
            "Arn": f"arn:aws:sts::{account}:assumed-role/{role_name}/{session_name}",
            "UserId": f"{role.get('RoleId', role_name)}:{session_name}",
            "SecretAccessKey": session.secret_access_key,
            "SessionToken": session.session_token,
            "AccountId": account,
            "PrincipalType": "AssumedRole",
        },
    )


def _denied(service_principal: str, role_arn: str) -> ClientError:
    message = (
        f"Neither the global service principal {service_principal}, nor the regional one is authorized to assume the "
        f"provided role: {role_arn}"
    )
    error: Any = {
        "Error": {"Code": "AccessDenied", "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": 403, "RequestId": str(uuid.uuid4())},
    }
    return ClientError(error, "AssumeRole")
