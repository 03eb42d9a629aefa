"""Our back ends as services of the emulator's front door: routed, authorised and answered like its own."""

import asyncio
import concurrent.futures
import contextvars
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from local.gateway.protocol import Backend, Request, Response

# A back end may call the front door, and through it another back end, while it answers. Threads are made as needed;
# the bound is far above what nests, so that a chain of calls never waits for its own thread.
_MAX_BACKEND_THREADS = 256
_log = logging.getLogger(__name__)

EmulatorHandler = Callable[..., Awaitable[tuple[int, dict[str, str], bytes]]]

_PATTERNS: dict[str, dict[str, Any]] = {
    "sagemaker": {
        "target_prefixes": ["SageMaker."],
        "host_patterns": [r"sagemaker\."],
        "credential_scope": "sagemaker",
    },
    "application-autoscaling": {
        "target_prefixes": ["AnyScaleFrontendService."],
        "host_patterns": [r"application-autoscaling\."],
        "credential_scope": "application-autoscaling",
    },
    "codepipeline": {
        "target_prefixes": ["CodePipeline_20150709."],
        "host_patterns": [r"codepipeline\."],
        "credential_scope": "codepipeline",
    },
    "servicequotas": {
        "target_prefixes": ["ServiceQuotasV20190624."],
        "host_patterns": [r"servicequotas\."],
        "credential_scope": "servicequotas",
    },
}


def install(backends: Mapping[str, Backend]) -> None:
    """Register the back ends; ``sagemaker`` and ``sagemaker-runtime`` sign alike and are told apart by path."""
    from ministack import app
    from ministack.core import router

    # Asked about the signed service of a call that nobody here offers. The emulator's own answer reads every model of
    # the SDK, for ten seconds, on the event loop; without a yes, the call would be taken for one to S3.
    router._is_aws_service_name = lambda _signed_service: True
    threads = concurrent.futures.ThreadPoolExecutor(_MAX_BACKEND_THREADS, thread_name_prefix="backend")
    for service in backends.keys() - {"sagemaker-runtime"}:
        runtime = backends.get("sagemaker-runtime") if service == "sagemaker" else None
        app.SERVICE_HANDLERS[service] = _handler(backends[service], runtime, threads)
        if service in _PATTERNS:
            router.SERVICE_PATTERNS[service] = _PATTERNS[service]


def _handler(
    backend: Backend,
    runtime: Backend | None,
    threads: concurrent.futures.Executor,
) -> EmulatorHandler:
    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, query_params: dict[str, list[str]]
    ) -> tuple[int, dict[str, str], bytes]:
        chosen = runtime if runtime is not None and path.startswith("/endpoints/") else backend
        request = _request(method, path, headers, body, query_params)
        context = contextvars.copy_context()
        answer = await asyncio.get_running_loop().run_in_executor(threads, context.run, _answer, chosen, request)
        return answer.status, dict(answer.headers), answer.body

    return handle


def _request(method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]]) -> Request:
    from ministack.core.iam_evaluator import caller_arn
    from ministack.core.responses import get_account_id, get_region

    return Request(method, path, headers, body or b"", query, get_region(), get_account_id(), caller_arn())


def _answer(backend: Backend, request: Request) -> Response:
    try:
        return backend.handle(request)
    except Exception:
        _log.exception("%s %s %s failed", request.method, request.path, request.operation)
        return Response(
            500,
            {"Content-Type": "application/x-amz-json-1.1", "x-amzn-errortype": "InternalFailure"},
            b'{"__type":"InternalFailure","message":"The embedded cloud failed to answer; its log says why."}',
        )
