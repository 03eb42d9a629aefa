"""SageMaker's serving contract as an ASGI application.

Source: "Custom Inference Code with Hosting Services" and "... with Batch Transform", SageMaker Developer Guide.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import numpy as np

from container.predictor import Predictor
from container.serving.answers import AnswerWriter
from container.serving.media import JSON, OFFERED, choose_answer_type
from container.serving.rejections import RejectedRequest
from container.serving.rows import read_rows

MAXIMUM_BODY_BYTES: Final = 6 * 1024**2
"""What InvokeEndpoint accepts ("Amazon SageMaker AI endpoints and quotas")."""
# A larger body is worked on in a thread, so that /ping answers meanwhile; for a smaller one the hand-over costs more.
_THREAD_FROM_BYTES: Final = 64 * 1024

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class ClientDisconnected(Exception):
    """The client went away before its request was complete: nobody waits for an answer."""


@dataclass(frozen=True)
class Response:
    """What is sent back; `media` is the body's content type."""

    status: HTTPStatus
    body: bytes = b""
    media: str = "text/plain"
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Application:
    """`GET /ping`, `GET /execution-parameters` and `POST /invocations`."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        self._answers = AnswerWriter(predictor)
        self._probe = np.zeros((1, predictor.schema.feature_count), dtype=np.float32)
        self._routes = {
            "/ping": ("GET", self._ping),
            "/execution-parameters": ("GET", self._execution_parameters),
            "/invocations": ("POST", self._invocations),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        try:
            response = await self._respond(scope, receive)
        except RejectedRequest as rejection:
            response = Response(rejection.status, rejection.reason.encode())
        except ClientDisconnected:
            return
        headers = [
            (b"content-type", response.media.encode()),
            (b"content-length", str(len(response.body)).encode()),
            *response.headers,
        ]
        await send({"type": "http.response.start", "status": int(response.status), "headers": headers})
        await send({"type": "http.response.body", "body": response.body})

    async def _respond(self, scope: Scope, receive: Receive) -> Response:
        if scope["path"] not in self._routes:
            raise RejectedRequest(HTTPStatus.NOT_FOUND, f"no such path; there are {', '.join(self._routes)}")
        method, handle = self._routes[scope["path"]]
        if scope["method"] != method:
            reason = f"{scope['path']} takes {method}".encode()
            return Response(HTTPStatus.METHOD_NOT_ALLOWED, reason, headers=((b"allow", method.encode()),))
        return await handle(scope, receive)

    async def _ping(self, _scope: Scope, _receive: Receive) -> Response:
        try:
            self._answers.answer(self._probe, OFFERED[0])
        except Exception as fault:  # noqa: BLE001 - whatever it is: a model that cannot answer is not healthy
            return Response(HTTPStatus.SERVICE_UNAVAILABLE, f"the model does not answer: {fault!r}".encode())
        return Response(HTTPStatus.OK)

    async def _execution_parameters(self, _scope: Scope, _receive: Receive) -> Response:
        parameters = {
            "MaxConcurrentTransforms": 1,
            "BatchStrategy": "MULTI_RECORD",
            "MaxPayloadInMB": MAXIMUM_BODY_BYTES // 1024**2,
        }
        return Response(HTTPStatus.OK, json.dumps(parameters).encode(), JSON)

    async def _invocations(self, scope: Scope, receive: Receive) -> Response:
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        media = choose_answer_type(headers.get(b"accept"))
        if media is None:
            raise RejectedRequest(HTTPStatus.NOT_ACCEPTABLE, f"answers come as {' or '.join(OFFERED)}")
        body = await _read_body(headers.get(b"content-length"), receive)
        arguments = (body, headers.get(b"content-type"), media)
        if len(body) < _THREAD_FROM_BYTES:
            answer = self._answer(*arguments)
        else:
            answer = await asyncio.to_thread(self._answer, *arguments)
        return Response(HTTPStatus.OK, answer, media)

    def _answer(self, body: bytes, content_type: str | None, media: str) -> bytes:
        rows = read_rows(body, content_type, self._predictor.schema)
        return self._answers.answer(rows, media)


async def _read_body(announced: str | None, receive: Receive) -> bytes:
    """Raises: RejectedRequest (413), before reading when the length is announced; ClientDisconnected."""
    body = bytearray()
    more = True
    if int(announced or 0) > MAXIMUM_BODY_BYTES:
        raise _too_large()
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnected
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > MAXIMUM_BODY_BYTES:
            raise _too_large()
    return bytes(body)


def _too_large() -> RejectedRequest:
    reason = f"the body is larger than {MAXIMUM_BODY_BYTES} bytes; send fewer rows"
    return RejectedRequest(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, reason)
