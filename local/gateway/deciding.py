"""Around the emulator's IAM decision: further checks of the same call, and a record of what was decided and why."""

import contextvars
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from local.clock import Clock
from local.faults.calls import in_flight
from local.gateway.decisions import Decision, DecisionLog
from local.gateway.dependent_actions import Check

_NO_KEYS: Mapping[str, str] = {}
# Set while a request's resource is worked out, read when it is decided.
_dependent: contextvars.ContextVar[tuple[Check, ...]] = contextvars.ContextVar("dependent_actions", default=())
# Condition keys of that request which the emulator does not work out.
_keys: contextvars.ContextVar[Mapping[str, str]] = contextvars.ContextVar("condition_keys", default=_NO_KEYS)
# The statement that decided the evaluation in progress.
_statement: contextvars.ContextVar[Any] = contextvars.ContextVar("deciding_statement", default=None)
# What was evaluated: it carries the condition keys.
_evaluated: contextvars.ContextVar[Any] = contextvars.ContextVar("evaluated", default=None)
# Decisions of the request in progress, counted in a list that its threads share.
_made: contextvars.ContextVar[list[None] | None] = contextvars.ContextVar("decisions_made", default=None)
# What a denial must name when it is not the call itself: (action, resource).
_refused: contextvars.ContextVar[tuple[str, str] | None] = contextvars.ContextVar("refused", default=None)


def expect(checks: tuple[Check, ...], keys: Mapping[str, str] = _NO_KEYS) -> None:
    """The request that is decided next also takes these, and brings these condition keys of its own."""
    _dependent.set(checks)
    _keys.set(keys)
    _refused.set(None)


def refused() -> tuple[str, str] | None:
    """(action, resource) of the further check that refused this request; asked for once."""
    found = _refused.get()
    _refused.set(None)
    return found


def noting_statement(original: Callable[..., Any]) -> Callable[..., Any]:
    """The evaluator's search for a matching statement, which then is known when the decision is recorded."""

    def first_match(context: Any, statements: list[Any], effect: str) -> Any:
        _evaluated.set(context)
        match = original(context, statements, effect)
        # A boundary is asked after the role's own policy; it is the role's statement that grants.
        if match is not None and (effect == "Deny" or _statement.get() is None):
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
        dependent, keys = _dependent.get(), {**_keys.get(), **(service_context or {})}
        _dependent.set(())
        _keys.set(_NO_KEYS)
        denied = _decide(original, clock, log, access_key_id, iam_action, service, region, resource_arn, keys)
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
            call.authorised(_principal(access_key_id), _called(iam_action, service_context), resource_arn, service)
        return None

    return enforce


def _called(action: str, context: dict[str, Any] | None) -> str:
    """The action, or the DynamoDB transaction that it is a part of: that is what was called."""
    for operation in (context or {}).get("dynamodb:EnclosingOperation", ()):
        return f"dynamodb:{operation}"
    return action


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
    _evaluated.set(None)
    if (made := _made.get()) is not None:
        made.append(None)
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
            context=_condition_keys(_evaluated.get()),
        )
    )
    return denied


def _condition_keys(evaluated: Any) -> dict[str, Any]:
    keys = {} if evaluated is None else evaluated.service_context
    return {name: value for name, value in keys.items() if value is not None}


async def watched(serve: Awaitable[None], access_key_id: str, call: str, clock: Clock, log: DecisionLog) -> None:
    """Serve a request, and put it on record when a role's call was answered without any decision.

    A service that the emulator knows no IAM name for would otherwise be open to every role, and nobody would see it.
    """
    made: list[None] = []
    token = _made.set(made)
    try:
        await serve
    finally:
        _made.reset(token)
    principal = _principal(access_key_id) if access_key_id and not made else ""
    if role := _role(principal):
        log.add(
            Decision(
                at=clock.datetime().isoformat(timespec="milliseconds"),
                principal=principal,
                role=role,
                action=call,
                resource="*",
                allowed=True,
                reason="answered without a decision",
                statement=None,
                evaluated=False,
            )
        )


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
