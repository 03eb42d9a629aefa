"""IAM at the front door: every call has an action and a resource, roles are passed knowingly, decisions are recorded.

The emulator evaluates policies well, but allows what it cannot name, does not know our services and never asks for
iam:PassRole. These hooks close that. They sit around functions that the emulator looks up by name for each request.
"""

import contextvars
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from local.clock import Clock
from local.credentials import Credentials
from local.gateway import resources
from local.gateway.decisions import Decision, DecisionLog
from local.gateway.protocol import Backend

# Services that are ours, by the name the router gives them → their IAM namespace.
IAM_NAMESPACES = {
    "states": "states",
    "sagemaker": "sagemaker",
    "application-autoscaling": "application-autoscaling",
}

# Set while a request's resource is worked out, read when it is decided: roles the request hands to a service.
_passed_roles: contextvars.ContextVar[tuple[tuple[str, str], ...]] = contextvars.ContextVar("passed_roles", default=())
# The statement that decided the evaluation in progress.
_statement: contextvars.ContextVar[Any] = contextvars.ContextVar("deciding_statement", default=None)
# What a denial must name when it is not the call itself: (action, resource).
_refused: contextvars.ContextVar[tuple[str, str] | None] = contextvars.ContextVar("refused", default=None)


@dataclass(frozen=True)
class Denied(Exception):
    """A principal may not do what it asked; the text is AWS's."""

    message: str

    def __str__(self) -> str:
        return self.message


def install(clock: Clock, log: DecisionLog, backends: Mapping[str, Backend]) -> None:
    """Hook the emulator's action, resource, decision and denial functions."""
    from ministack.core import iam_actions, iam_evaluator

    iam_actions.SERVICE_TO_IAM_NAMESPACE.update(IAM_NAMESPACES)
    iam_actions.extract_iam_action = _closed_action(iam_actions.extract_iam_action, iam_actions)
    iam_actions.extract_resource_arn = _resource(iam_actions.extract_resource_arn, backends)
    iam_actions.access_denied_response = _denial(iam_actions.access_denied_response)
    iam_evaluator._first_match = _noting_statement(iam_evaluator._first_match)
    iam_evaluator.enforce = _deciding(iam_evaluator.enforce, clock, log)


def authorize(
    credentials: Credentials,
    action: str,
    resource: str,
    region: str,
    context: Mapping[str, str] | None = None,
) -> None:
    """Check an action that no request of its own stands for, such as one that CloudFormation performs.

    Raises Denied with AWS's message.
    """
    from ministack.core import iam_evaluator
    from ministack.core.iam_actions import identity_denial_message

    service = action.partition(":")[0]
    denied = iam_evaluator.enforce(
        credentials.access_key_id, action, service, region, resource_arn=resource, service_context=dict(context or {})
    )
    if denied is None:
        return
    if isinstance(denied, iam_evaluator.AuthError):
        raise Denied(denied.message)
    explicit = denied.decision == "Deny"
    raise Denied(identity_denial_message(action, denied.principal_arn, resource, explicit))


def _closed_action(original: Callable[..., str | None], iam_actions: Any) -> Callable[..., str | None]:
    def action(
        service: str, method: str, path: str, headers: dict[str, str], body: bytes, query_params: dict[str, Any]
    ) -> str | None:
        if service == "sagemaker" and path.startswith("/endpoints/"):
            streamed = path.endswith("/invocations-response-stream")
            asynchronous = path.endswith("/async-invocations")
            suffix = "WithResponseStream" if streamed else "Async" if asynchronous else ""
            return f"sagemaker:InvokeEndpoint{suffix}"
        found = original(service, method, path, headers, body, query_params)
        if found is not None:
            return found
        # A call without a name would be allowed to anyone: only who may do everything may do the unknown.
        namespace = iam_actions.SERVICE_TO_IAM_NAMESPACE.get(service, service)
        return f"{namespace}:UnknownOperation"

    return action


def _resource(original: Callable[..., str], backends: Mapping[str, Backend]) -> Callable[..., str]:
    def resource(
        service: str,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        query_params: dict[str, Any],
        region: str,
        account: str,
    ) -> str:
        from ministack.core import iam_actions

        parameters = _parameters(service, headers, body, query_params)
        action = iam_actions.extract_iam_action(service, method, path, headers, body, query_params) or ""
        operation = action.rpartition(":")[2]
        _passed_roles.set(tuple(resources.passed_roles(service, action, parameters)))
        _refused.set(None)
        # A back end knows what a name alone does not say: the state machine that a task token belongs to.
        own = getattr(backends.get(service), "resource_arn", None)
        if own is not None and (arn := own(operation, parameters)):
            return str(arn)
        if service == "sagemaker":
            return resources.sagemaker_resource(operation, path, parameters, region, account)
        if service == "states":
            return resources.states_resource(operation, parameters, region, account)
        if service == "application-autoscaling":
            return resources.autoscaling_resource(operation, parameters, region, account)
        if action == "ses:SendEmail":
            return resources.sender_identity(parameters, region, account)
        arn = original(service, method, path, headers, body, query_params, region, account)
        return f"{arn}:{qualifier}" if service == "lambda" and (qualifier := parameters.get("Qualifier")) else arn

    return resource


def _parameters(service: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, Any]) -> dict[str, Any]:
    if service in ("s3", "dynamodb"):  # their bodies are data, large ones too, and they pass no roles
        return {}
    parameters = {name: values[-1] if isinstance(values, list) and values else values for name, values in query.items()}
    return parameters | resources.call_parameters(body, headers.get("content-type", ""))


def _noting_statement(original: Callable[..., Any]) -> Callable[..., Any]:
    def first_match(context: Any, statements: list[Any], effect: str) -> Any:
        match = original(context, statements, effect)
        if match is not None:
            _statement.set(match)
        return match

    return first_match


def _deciding(original: Callable[..., Any], clock: Clock, log: DecisionLog) -> Callable[..., Any]:
    def enforce(
        access_key_id: str,
        iam_action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        service_context: dict[str, Any] | None = None,
    ) -> Any:
        passed = _passed_roles.get()
        _passed_roles.set(())
        denied = _decide(
            original, clock, log, access_key_id, iam_action, service, region, resource_arn, service_context
        )
        if denied is not None:
            return denied
        for role_arn, passed_to in passed:
            context = {"iam:PassedToService": passed_to}
            denied = _decide(original, clock, log, access_key_id, "iam:PassRole", "iam", region, role_arn, context)
            if denied is not None:
                _refused.set(("iam:PassRole", role_arn))
                return denied
        return None

    return enforce


def _decide(
    original: Callable[..., Any],
    clock: Clock,
    log: DecisionLog,
    access_key_id: str,
    action: str,
    service: str,
    region: str,
    resource: str,
    context: dict[str, Any] | None,
) -> Any:
    _statement.set(None)
    denied = original(access_key_id, action, service, region, resource_arn=resource, service_context=context)
    principal = _principal(access_key_id)
    statement = _statement.get()
    log.add(
        Decision(
            at=clock.datetime().isoformat(timespec="milliseconds"),
            principal=principal,
            role=_role(principal),
            action=action,
            resource=resource,
            allowed=denied is None,
            reason="" if denied is None else getattr(denied, "reason", "") or getattr(denied, "message", ""),
            statement=None if statement is None or _implicit(denied) else _readable(statement),
        )
    )
    return denied


def _implicit(denied: Any) -> bool:
    return denied is not None and getattr(denied, "decision", "") != "Deny"


def _readable(statement: Any) -> dict[str, Any]:
    fields = {
        "Sid": statement.sid,
        "Effect": statement.effect,
        "Action": statement.actions,
        "NotAction": statement.not_actions,
        "Resource": statement.resources,
        "NotResource": statement.not_resources,
        "Condition": statement.conditions,
    }
    return {name: value for name, value in fields.items() if value}


def _principal(access_key_id: str) -> str:
    from ministack.core.iam_evaluator import resolve_caller_identity

    identity = resolve_caller_identity(access_key_id)
    return str(identity["userArn"]) if identity else "anonymous"


def _role(principal: str) -> str:
    return principal.split("/")[1] if ":assumed-role/" in principal else ""


def _denial(original: Callable[..., tuple[int, dict[str, str], bytes]]) -> Callable[..., Any]:
    def access_denied_response(
        service: str, action: str, principal_arn: str, request_id: str, **details: Any
    ) -> tuple[int, dict[str, str], bytes]:
        from ministack.core.iam_actions import identity_denial_message

        refused, resource = _refused.get() or (action, details.get("resource_arn", "*"))
        _refused.set(None)
        if not details.get("error_code") and not details.get("message") and not details.get("resource_policy_arn"):
            # AWS names the resource; without it nobody can write the missing statement.
            explicit = bool(details.get("explicit_deny"))
            details["message"] = identity_denial_message(refused, principal_arn, resource, explicit)
        status, headers, body = original(service, refused, principal_arn, request_id, **details)
        headers.setdefault("x-amzn-requestid", request_id)
        if service in IAM_NAMESPACES and not details.get("error_code"):
            status = 400  # JSON services of this generation answer 400, S3 and Lambda 403
        return status, headers, body

    return access_denied_response
