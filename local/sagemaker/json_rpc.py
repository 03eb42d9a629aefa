"""AWS's JSON 1.1 protocol: an operation named in a header, a JSON object in, a JSON object out."""

import json
import logging
import threading
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from local.gateway.protocol import Request, Response
from local.sagemaker.constraints import check_request
from local.sagemaker.faults import ServiceFault
from local.sagemaker.request_model import RequestModel, request_model

log = logging.getLogger(__name__)

Json = dict[str, Any]
Operation = Callable[[Json], Json]
"""Takes a request that satisfies the service model and returns the answer, times as epoch seconds.

Raises ServiceFault.
"""

_CONTENT_TYPE = "application/x-amz-json-1.1"


class JsonService:
    """A back end that dispatches calls such as ``X-Amz-Target: SageMaker.CreateModel`` to operations."""

    def __init__(
        self, service: str, operations: Mapping[str, Operation], first_use: Callable[[], None] = lambda: None
    ) -> None:
        """``service`` is botocore's name, such as "sagemaker"; ``first_use`` is called once, at the first call."""
        self._service = service
        self._operations = dict(operations)
        self._first_use = first_use
        self._used = threading.Lock()  # taken at the first call and never given back

    def handle(self, request: Request) -> Response:
        """Answer one call; faults become error answers."""
        if self._used.acquire(blocking=False):
            self._first_use()
        try:
            return _answer(200, self._call(request.operation, request.body))
        except ServiceFault as fault:
            return _answer(fault.status, {"__type": fault.code, "message": fault.message}, fault.code)
        except Exception:
            log.exception("%s.%s failed", self._service, request.operation)
            text = "The embedded cloud failed while answering; its log has the details."
            return _answer(500, {"__type": "InternalFailure", "message": text}, "InternalFailure")

    def _call(self, operation: str, body: bytes) -> Json:
        perform = self._operations.get(operation)
        if perform is None:
            raise self._unknown(operation)
        arguments = _without_nulls(_parse(body))
        check_request(self._requests().operation(operation).input_shape, arguments)
        answer: Json = _without_nulls(perform(arguments))
        return answer

    def _unknown(self, operation: str) -> ServiceFault:
        if operation in self._requests().every_operation:
            message = f"{self._service}:{operation} is not in the embedded cloud."
        else:
            message = f"{self._service} has no operation {operation!r}."
        return ServiceFault("UnknownOperationException", message)

    def _requests(self) -> RequestModel:
        # Read at the first call, not at start: parsing SageMaker's model takes 0.1 s.
        return request_model(self._service, frozenset(self._operations))


def _parse(body: bytes) -> Json:
    try:
        document = json.loads(body or b"{}")
    except ValueError as fault:
        raise ServiceFault("SerializationException", f"The request is not JSON: {fault}") from fault
    if not isinstance(document, dict):
        raise ServiceFault("SerializationException", "The request is not a JSON object.")
    return document


def _without_nulls(value: Any) -> Any:
    """AWS takes a null for an absent member and never answers one."""
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value


def _answer(status: int, document: Json, code: str | None = None) -> Response:
    headers = {"content-type": _CONTENT_TYPE, "x-amzn-requestid": str(uuid.uuid4())}
    if code is not None:
        headers["x-amzn-errortype"] = code
    return Response(status, headers, json.dumps(document, allow_nan=False).encode())
