"""IAM at the front door: every call has an action and a resource, roles are passed knowingly, decisions are recorded.

The emulator evaluates policies well, but allows what it cannot name, does not know our services and never asks for
iam:PassRole. These hooks close that. They sit around functions that the emulator looks up by name for each request.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from local.clock import Clock
from local.credentials import Credentials
from local.faults.calls import aside
from local.gateway import deciding, resources
from local.gateway.decisions import DecisionLog
from local.gateway.dependent_actions import dependent_actions
from local.gateway.protocol import Backend

# Services that are ours, by the name the router gives them → their IAM namespace.
IAM_NAMESPACES = {
    "states": "states",
    "sagemaker": "sagemaker",
    "application-autoscaling": "application-autoscaling",
    "codepipeline": "codepipeline",
    "servicequotas": "servicequotas",
}


_RESOURCES: Mapping[str, Callable[[str, Mapping[str, Any], str, str], str]] = {
    "states": resources.states_resource,
    "application-autoscaling": resources.autoscaling_resource,
    "codepipeline": resources.pipeline_resource,
}


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
    iam_evaluator._first_match = deciding.noting_statement(iam_evaluator._first_match)
    iam_evaluator.enforce = deciding.recording(iam_evaluator.enforce, clock, log)


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
    with aside():
        denied = iam_evaluator.enforce(
            credentials.access_key_id,
            action,
            service,
            region,
            resource_arn=resource,
            service_context=dict(context or {}),
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
        arn = find(service, method, path, headers, body, query_params, region, account, operation, parameters)
        checks = dependent_actions(service, operation, parameters, arn, account)
        deciding.expect(checks, resources.condition_keys(service, operation, parameters))
        return arn

    def find(
        service: str,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        query_params: dict[str, Any],
        region: str,
        account: str,
        operation: str,
        parameters: dict[str, Any],
    ) -> str:
        # A back end knows what a name alone does not say: the state machine that a task token belongs to.
        own = getattr(backends.get(service), "resource_arn", None)
        if own is not None and (arn := own(operation, parameters)):
            return str(arn)
        if service == "sagemaker":
            return resources.sagemaker_resource(operation, path, parameters, region, account)
        if service in _RESOURCES:
            return _RESOURCES[service](operation, parameters, region, account)
        if service == "monitoring" and (alarms := resources.named_alarms(operation, parameters, region, account)):
            return alarms[0]
        if service == "ses" and operation == "SendEmail":
            return resources.sender_identity(parameters, region, account)
        arn = resources.parameter_path(operation, parameters, region, account) if service == "ssm" else ""
        arn = arn or original(service, method, path, headers, body, query_params, region, account)
        return resources.part_of(service, operation, parameters, arn)

    return resource


def _parameters(service: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, Any]) -> dict[str, Any]:
    if service in ("s3", "dynamodb"):  # their bodies are data, large ones too, and they pass no roles
        return {}
    parameters = {name: values[-1] if isinstance(values, list) and values else values for name, values in query.items()}
    return parameters | resources.call_parameters(body, headers.get("content-type", ""))


def _denial(original: Callable[..., tuple[int, dict[str, str], bytes]]) -> Callable[..., Any]:
    def access_denied_response(
        service: str, action: str, principal_arn: str, request_id: str, **details: Any
    ) -> tuple[int, dict[str, str], bytes]:
        from ministack.core.iam_actions import identity_denial_message

        refused, resource = deciding.refused() or (action, details.get("resource_arn", "*"))
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
