"""What a resource handler of CloudFormation does: call the service through the front door as the acting principal."""

import json
import time
import uuid
from collections.abc import Mapping
from typing import Any

import botocore
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError, HTTPClientError
from botocore.model import ListShape, MapShape, Shape, StructureShape

from local import credentials
from local.cloudformation.acting import acting_credentials

# How the resource handlers name a service in their failure reasons.
_SERVICE_NAMES = {
    "sagemaker": "SageMaker",
    "stepfunctions": "Sfn",
    "application-autoscaling": "ApplicationAutoScaling",
    "codepipeline": "CodePipeline",
}
# HandlerErrorCode of the resource provider contract, by error code or, where a service has one code, by its message.
_HANDLER_CODES = {
    "AccessDenied": "AccessDenied",
    "AccessDeniedException": "AccessDenied",
    "ResourceLimitExceeded": "ServiceLimitExceeded",
    "LimitExceededException": "ServiceLimitExceeded",
    "ResourceNotFound": "NotFound",
    "ResourceNotFoundException": "NotFound",
    "ObjectNotFoundException": "NotFound",
    "StateMachineDoesNotExist": "NotFound",
    "StateMachineAlreadyExists": "AlreadyExists",
    "PipelineNameInUseException": "AlreadyExists",
    "ResourceInUse": "ResourceConflict",
    "ThrottlingException": "Throttling",
    "Throttling": "Throttling",
    "RequestLimitExceeded": "Throttling",
    "TooManyRequestsException": "Throttling",
}
# "Retriable" in the resource provider contract: CloudFormation calls the handler again.
# https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-test-contract-errors.html
_RETRIABLE = frozenset({"NetworkFailure", "ServiceInternalError", "Throttling"})
_TRIES = 5
# Real time: what is waited for is this machine. The first of pauses that double.
_PAUSE_SECONDS = 0.1
_SERVER_FAULT = 500


class ResourceFailure(ValueError):
    """A resource operation failed; the text is the status reason of the stack event."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(
            f'Resource handler returned message: "{message}" (RequestToken: {uuid.uuid4()}, HandlerErrorCode: {code})'
        )
        self.code = code
        self.may_have_arrived = False
        """An earlier try of the same call got no answer, so this one may be about what that one has done."""


def call(service: str, operation: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    """Call ``operation`` with the properties that it knows, again where the fault passes by itself.

    Raises ResourceFailure worded as AWS does.
    """
    unanswered = False
    for attempt in range(_TRIES):
        try:
            return _tried(service, operation, properties)
        except ResourceFailure as failure:
            failure.may_have_arrived = unanswered
            if failure.code not in _RETRIABLE or attempt == _TRIES - 1:
                raise
            unanswered = unanswered or failure.code == "NetworkFailure"
        time.sleep(_PAUSE_SECONDS * 2**attempt)
    raise AssertionError("the last try returns or raises")


def _tried(service: str, operation: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    from ministack.core.responses import get_region

    client = credentials.client(service, get_region(), acting_credentials())
    shape = client.meta.service_model.operation_model(operation).input_shape
    try:
        return dict(getattr(client, botocore.xform_name(operation))(**coerce(shape, properties)))
    except ClientError as error:
        raise _failure(service, error) from error
    except (HTTPClientError, EndpointConnectionError) as error:
        raise ResourceFailure(str(error), "NetworkFailure") from error
    except (BotoCoreError, TypeError, ValueError) as error:
        raise ResourceFailure(f"Model validation failed ({error})", "InvalidRequest") from error


def coerce(shape: Shape | None, value: Any) -> Any:
    """A template's value in the types of an API shape: CloudFormation hands scalars on as strings.

    Members that the operation does not know are left out, as a resource handler does.
    """
    if shape is None:
        return {}
    if isinstance(shape, StructureShape):
        known = {name: item for name, item in value.items() if name in shape.members and item is not None}
        return {name: coerce(shape.members[name], item) for name, item in known.items()}
    if isinstance(shape, ListShape):
        return [coerce(shape.member, item) for item in value]
    if isinstance(shape, MapShape):
        return {name: coerce(shape.value, item) for name, item in value.items()}
    return _scalar(shape.type_name, value)


def _scalar(kind: str, value: Any) -> Any:
    if kind in ("integer", "long"):
        return int(value)
    if kind in ("float", "double"):
        return float(value)
    if kind == "boolean":
        return value if isinstance(value, bool) else str(value).lower() == "true"
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value) if isinstance(value, (dict, list)) else str(value)


def _failure(service: str, error: ClientError) -> ResourceFailure:
    response: Any = error.response
    details, metadata = response["Error"], response.get("ResponseMetadata", {})
    message = (
        f"{details.get('Message', '')} (Service: {_SERVICE_NAMES.get(service, service)}, "
        f"Status Code: {metadata.get('HTTPStatusCode', 400)}, Request ID: {metadata.get('RequestId', '')})"
    )
    broken = metadata.get("HTTPStatusCode", 400) >= _SERVER_FAULT
    code = _handler_code(details.get("Code", ""), details.get("Message", ""))
    return ResourceFailure(message, "ServiceInternalError" if broken and code not in _RETRIABLE else code)


def _handler_code(code: str, message: str) -> str:
    if code in _HANDLER_CODES:
        return _HANDLER_CODES[code]
    if "Could not find" in message or "does not exist" in message:
        return "NotFound"
    if "already exist" in message:
        return "AlreadyExists"
    return "InvalidRequest" if "Validation" in code or "Invalid" in code else "GeneralServiceException"


def delete(service: str, operation: str, properties: Mapping[str, Any]) -> None:
    """Delete, and be content when it is gone, or going, already."""
    try:
        call(service, operation, properties)
    except ResourceFailure as failure:
        if failure.code != "NotFound" and not failure.may_have_arrived:
            raise


def reconcile_tags(
    service: str,
    arn: str,
    old: list[dict[str, str]] | None,
    new: list[dict[str, str]] | None,
) -> None:
    """Bring a SageMaker resource's tags from the old properties to the new ones."""
    before = {tag["Key"]: str(tag.get("Value", "")) for tag in old or []}
    after = {tag["Key"]: str(tag.get("Value", "")) for tag in new or []}
    if gone := sorted(before.keys() - after.keys()):
        call(service, "DeleteTags", {"ResourceArn": arn, "TagKeys": gone})
    if changed := [{"Key": key, "Value": value} for key, value in after.items() if before.get(key) != value]:
        call(service, "AddTags", {"ResourceArn": arn, "Tags": changed})
