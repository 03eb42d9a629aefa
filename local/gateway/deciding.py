"""Around the emulator's IAM decision: further checks of the same call, and a record of what was decided and why."""

import contextvars
from collections.abc import Callable
from typing import Any

from local.clock import Clock
from local.faults.calls import in_flight
from local.gateway.decisions import Decision, DecisionLog
from local.gateway.dependent_actions import Check

# Set while a request's resource is worked out, read when it is decided.
_dependent: contextvars.ContextVar[tuple[Check, ...]] = contextvars.ContextVar("dependent_actions", default=())
# The statement that decided the evaluation in progress.
_statement: contextvars.ContextVar[Any] = contextvars.ContextVar("deciding_statement", default=None)
# What a denial must name when it is not the call itself: (action, resource).
_refused: contextvars.ContextVar[tuple[str, str] | None] = contextvars.ContextVar("refused", default=None)


def expect(checks: tuple[Check, ...]) -> None:
    """The request that is decided next also takes these."""
    _dependent.set(checks)
    _refused.set(None)


def refused() -> tuple[str, str] | None:
    """(action, resource) of the further check that refused this request; asked for once."""
    found = _refused.get()
    _refused.set(None)
    return found


def noting_statement(original: Callable[..., Any]) -> Callable[..., Any]:
    """The evaluator's search for a matching statement, which then is known when the decision is recorded."""

    def first_match(context: Any, statements: list[Any], effect: str) -> Any:
        match = original(context, statements, effect)
        if match is not None:
            _statement.set(match)
        return match

    return first_match


def recording(original: Callable[..., Any], clock: Clock, log: DecisionLog) -> Callable[..., Any]:
    """The emulator's decision about a call, followed by those that depend on it; each goes into the log."""

    def enforce(
        access_key_id: str,
        iam_action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        service_context: dict[str, Any] | None = None,
    ) -> Any:
        dependent = _dependent.get()
        _dependent.set(())
        denied = _decide(
            original, clock, log, access_key_id, iam_action, service, region, resource_arn, service_context
        )
        if denied is not None:
            return denied
        for check in dependent:
            asked = check.action.partition(":")[0]
            context = dict(check.context)
            denied = _decide(original, clock, log, access_key_id, check.action, asked, region, check.resource, context)
            if denied is not None:
                _refused.set((check.action, check.resource))
                return denied
        call = in_flight()
        if call is not None:
            call.authorised(_principal(access_key_id), _actions(iam_action, service_context), resource_arn, service)
        return None

    return enforce


def _actions(action: str, context: dict[str, Any] | None) -> frozenset[str]:
    """The action, and the DynamoDB transaction that it is a part of."""
    enclosing = (context or {}).get("dynamodb:EnclosingOperation", ())
    return frozenset({action, *(f"dynamodb:{operation}" for operation in enclosing)})


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
