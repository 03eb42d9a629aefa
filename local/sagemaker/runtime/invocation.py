"""InvokeEndpoint: one request to one container of one variant."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from local.faults.plan import FaultPlan
from local.gateway.protocol import Request, Response
from local.sagemaker.endpoints.endpoints import Endpoints
from local.sagemaker.endpoints.faults import EndpointNotServing, NoHealthyInstance, NoSuchVariant, TooManyAtOnce
from local.sagemaker.endpoints.fleet import Lease
from local.sagemaker.endpoints.model_connections import ModelAnswer, ModelGone, ModelSilent, ModelUnreachable
from local.sagemaker.resource_names import ResourceNames
from local.sagemaker.runtime import misbehaviour
from local.sagemaker.runtime.capture import DataCapture
from local.sagemaker.runtime.concurrency import Concurrency
from local.sagemaker.runtime.model_errors import GONE, SILENT, model_error, refusal
from local.sagemaker.runtime.usage import Usage

_PATH = re.compile(r"/endpoints/([^/]+)/invocations")
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
_MOST_BODY_BYTES = 6_291_456

_CUSTOM_ATTRIBUTES = "x-amzn-sagemaker-custom-attributes"
_TO_CONTAINER = ("content-type", "accept", _CUSTOM_ATTRIBUTES, "x-amzn-sagemaker-inference-id")
_NOT_OBEYED = {
    "x-amzn-sagemaker-target-model": "TargetModel: endpoints have one model for each variant",
    "x-amzn-sagemaker-target-container-hostname": "TargetContainerHostname: endpoints have one container",
    "x-amzn-sagemaker-inference-component": "InferenceComponentName: endpoints have production variants",
}
# A container that ended a moment ago is still in rotation; its requests go to the next one.
_ATTEMPTS = 3


@dataclass(frozen=True)
class Invocation:
    """What happened to one request; ``answer`` None when the container gave none."""

    lease: Lease
    answer: ModelAnswer | None
    response: Response
    latency_us: float


class InvocationService:
    """The back end `sagemaker-runtime`."""

    def __init__(
        self,
        endpoints: Endpoints,
        usage: Usage,
        concurrency: Concurrency,
        capture: DataCapture,
        faults: FaultPlan,
        names: ResourceNames,
    ) -> None:
        self._endpoints = endpoints
        self._usage = usage
        self._concurrency = concurrency
        self._capture = capture
        self._faults = faults
        self._names = names

    def handle(self, request: Request) -> Response:
        """Answer one invocation; every fault becomes an error answer."""
        match = _PATH.fullmatch(request.path)
        if match is None or request.method != "POST":
            return refusal(
                "UnknownOperationException", f"{request.method} {request.path} is not in the embedded cloud."
            )
        if len(request.body) > _MOST_BODY_BYTES:
            return refusal("ValidationError", f"The request body is larger than {_MOST_BODY_BYTES} bytes.")
        for header, what in _NOT_OBEYED.items():
            if header in request.headers:
                return refusal("ValidationError", f"The embedded cloud has no {what}.")
        return self._invoke(unquote(match[1]), request)

    def _invoke(self, endpoint: str, request: Request) -> Response:
        target = request.headers.get("x-amzn-sagemaker-target-variant")
        began = time.perf_counter()
        try:
            invocation = self._reach_container(endpoint, target, request)
        except EndpointNotServing:
            return refusal("ValidationError", f"Endpoint {endpoint} of account {self._names.account} not found.")
        except NoSuchVariant:
            return refusal("ValidationError", f"Variant {target} not found for endpoint {endpoint}.")
        except TooManyAtOnce:
            # "any endpoint invocations beyond the maximum are throttled" (the guide to serverless endpoints). Users
            # quote this name and 400 from AWS's answer, and that it has no text.
            return refusal("ThrottlingException", "")
        except (NoHealthyInstance, ModelUnreachable):
            text = f"Endpoint {endpoint} has no healthy instance at the moment."
            return refusal("ServiceUnavailable", text, 503)
        overhead_us = (time.perf_counter() - began) * 1e6 - invocation.latency_us
        self._usage.count(
            endpoint,
            invocation.lease.variant.name,
            invocation.lease.config_name,
            status=_status(invocation),
            latency_us=invocation.latency_us,
            overhead_us=overhead_us,
        )
        if invocation.answer is not None and invocation.response.status == 200:
            self._capture.offer(endpoint, invocation.lease, request, invocation.answer)
        return invocation.response

    def _reach_container(self, endpoint: str, target: str | None, request: Request) -> Invocation:
        for attempt in range(1, _ATTEMPTS + 1):
            with self._endpoints.lease(endpoint, target) as lease:
                self._concurrency.began(endpoint, lease.variant.name)
                try:
                    return self._exchange(endpoint, lease, request)
                except ModelUnreachable:
                    if attempt == _ATTEMPTS:
                        raise
                finally:
                    self._concurrency.ended(endpoint, lease.variant.name)
        raise AssertionError("the last attempt returns or raises")

    def _exchange(self, endpoint: str, lease: Lease, request: Request) -> Invocation:
        headers = {name: request.headers[name] for name in _TO_CONTAINER if name in request.headers}
        began = time.perf_counter()
        answer: ModelAnswer | None = None
        try:
            answer = misbehaviour.invoke(self._faults, endpoint, lease, request.body, headers)
            response = self._response(endpoint, lease.variant.name, answer)
        except ModelSilent:
            response = model_error(self._names, endpoint, lease.variant.name, 0, SILENT)
        except ModelUnreachable:
            raise
        except ModelGone:
            response = model_error(self._names, endpoint, lease.variant.name, 0, GONE)
        return Invocation(lease, answer, response, (time.perf_counter() - began) * 1e6)

    def _response(self, endpoint: str, variant: str, answer: ModelAnswer) -> Response:
        if not 200 <= answer.status < 300:
            original = answer.body.decode(errors="replace")
            return model_error(self._names, endpoint, variant, answer.status, original)
        headers = {
            "content-type": answer.headers.get("content-type", "application/octet-stream"),
            "x-amzn-invoked-production-variant": variant,
        }
        return Response(200, headers | _attributes(answer.headers), answer.body)


def _attributes(headers: Mapping[str, str]) -> dict[str, str]:
    return {_CUSTOM_ATTRIBUTES: headers[_CUSTOM_ATTRIBUTES]} if _CUSTOM_ATTRIBUTES in headers else {}


def _status(invocation: Invocation) -> int:
    """The container's status; silence counts as a server error."""
    return invocation.answer.status if invocation.answer is not None else 500
