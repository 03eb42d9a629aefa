"""As whom CloudFormation acts: the stack's role when one was given, else whoever made the call.

On AWS the role given with a change set stays with the stack for later operations that name none.
"""

import contextvars
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from xml.sax.saxutils import escape

from botocore.exceptions import ClientError

from local.cloudformation.requests import call_parameters, find_change_set
from local.credentials import ROOT, Credentials, role_credentials

_SERVICE_PRINCIPAL = "cloudformation.amazonaws.com"
_SESSION_NAME = "AWSCloudFormation"
_ROLE_KEY = "_role_arn"
# The background task of a stack operation copies the context of the call that started it.
_acting: contextvars.ContextVar[Credentials] = contextvars.ContextVar("cloudformation_acts_as", default=ROOT)
_caller: contextvars.ContextVar[Credentials] = contextvars.ContextVar("cloudformation_called_by", default=ROOT)
_STARTING_OPERATIONS = {
    "CreateStack",
    "UpdateStack",
    "DeleteStack",
    "ExecuteChangeSet",
    "ContinueUpdateRollback",
    "RollbackStack",
}
_log = logging.getLogger(__name__)

Answer = tuple[int, dict[str, str], bytes]


def acting_credentials() -> Credentials:
    """The credentials that resource handlers of the operation in progress use."""
    return _acting.get()


def caller_credentials() -> Credentials:
    """The credentials of whoever made the call: templates are read with these, never with the stack's role."""
    return _caller.get()


def act_for_stack(stack: Mapping[str, Any]) -> None:
    """Act with the stack's own role, or as the account when it has none: an operation goes on after a crash."""
    role_arn = stack.get(_ROLE_KEY)
    credentials = role_credentials(role_arn, _SERVICE_PRINCIPAL, _SESSION_NAME) if role_arn else ROOT
    _caller.set(credentials)
    _acting.set(credentials)


def install() -> None:
    """Wrap CloudFormation's entry point so that each operation runs as the right principal."""
    from ministack.services import cloudformation

    cloudformation.handle_request = _acting_as(cloudformation.handle_request)


def _acting_as(original: Callable[..., Awaitable[Answer]]) -> Callable[..., Awaitable[Answer]]:
    async def handle_request(
        method: str, path: str, headers: dict[str, str], body: bytes, query_params: dict[str, list[str]]
    ) -> Answer:
        parameters = call_parameters(body, query_params)
        operation = parameters.get("Action", "")
        role_arn = parameters.get("RoleARN") or _remembered_role(operation, parameters)
        caller = _credentials_of_caller(headers, query_params)
        try:
            acting = role_credentials(role_arn, _SERVICE_PRINCIPAL, _SESSION_NAME) if role_arn else caller
        except ClientError:
            return _error(f"Role {role_arn} is invalid or cannot be assumed")
        before = _caller.set(caller), _acting.set(acting)
        try:
            answer = await original(method, path, headers, body, query_params)
        finally:
            _caller.reset(before[0])
            _acting.reset(before[1])
        if answer[0] == 200 and role_arn:
            _remember_role(operation, parameters, role_arn, answer[2])
        return _with_role(answer) if operation == "DescribeStacks" else answer

    return handle_request


def _credentials_of_caller(headers: Mapping[str, str], query_params: Mapping[str, Any]) -> Credentials:
    from ministack.core.iam_evaluator import resolve_credential
    from ministack.core.router import extract_access_key_id

    known = resolve_credential(extract_access_key_id(headers, query_params))
    if getattr(known, "principal_type", "Root") == "Root":
        return ROOT
    return Credentials(known.access_key_id, known.secret_access_key, known.session_token)


def _remembered_role(operation: str, parameters: Mapping[str, str]) -> str:
    if operation not in _STARTING_OPERATIONS:
        return ""
    if operation == "ExecuteChangeSet" and (change_set := find_change_set(parameters)):
        if role := change_set.get(_ROLE_KEY):
            return str(role)
        parameters = {"StackName": change_set["StackName"]}
    return str((_stack(parameters.get("StackName", "")) or {}).get(_ROLE_KEY, ""))


def _remember_role(operation: str, parameters: Mapping[str, str], role_arn: str, answer: bytes) -> None:
    if operation == "CreateChangeSet":
        if (found := re.search(rb"<Id>(.*?)</Id>", answer)) and (change_set := _change_set_by_id(found[1].decode())):
            change_set[_ROLE_KEY] = role_arn
    elif operation in _STARTING_OPERATIONS:
        name = parameters.get("StackName", "")
        if operation == "ExecuteChangeSet" and (change_set := find_change_set(parameters)):
            name = change_set["StackName"]
        if (stack := _stack(name)) is not None:
            stack[_ROLE_KEY] = role_arn


def _change_set_by_id(change_set_id: str) -> dict[str, Any] | None:
    from ministack.services import cloudformation

    found: dict[str, Any] | None = cloudformation._change_sets.get(change_set_id)
    return found


def _stack(name_or_id: str) -> dict[str, Any] | None:
    from ministack.services.cloudformation import handlers

    return handlers._resolve_stack(name_or_id) if name_or_id else None


def _with_role(answer: Answer) -> Answer:
    from ministack.services import cloudformation

    status, headers, body = answer
    for stack in cloudformation._stacks.values():
        if role_arn := stack.get(_ROLE_KEY):
            stack_id = f"<StackId>{escape(stack['StackId'])}</StackId>".encode()
            body = body.replace(stack_id, stack_id + f"<RoleARN>{escape(role_arn)}</RoleARN>".encode())
    return status, headers, body


def _error(message: str) -> Answer:
    from ministack.services.cloudformation import helpers

    answer: Answer = helpers._error("ValidationError", escape(message))
    return answer
