"""SageMaker's serving contract: what each request is answered with.

Source: "Custom Inference Code with Hosting Services" and "... with Batch Transform", SageMaker Developer Guide.
"""

import json
from functools import lru_cache
from http import HTTPStatus
from typing import Final

import httptools
import numpy as np

from container.predictor import Predictor
from container.serving.answers import AnswerWriter
from container.serving.connection import MAXIMUM_BODY_BYTES
from container.serving.http import Request, Response
from container.serving.log import Log
from container.serving.media import CSV, JSON, AnswerForm, choose_answer_form, content_media
from container.serving.rejections import RejectedRequest
from container.serving.rows import RowReader

# For a smaller body the hand-over to a thread costs more than it saves.
_LONG_FROM_BYTES: Final = 64 * 1024
# To look up a member of an enumeration takes longer than all that is looked up else for a row.
_OK: Final = HTTPStatus.OK


class Application:
    """`GET /ping`, `GET /execution-parameters` and `POST /invocations`."""

    def __init__(self, predictor: Predictor, log: Log) -> None:
        self._predictor = predictor
        self._log = log
        self._rows = RowReader(predictor.schema)
        self._answers = AnswerWriter(predictor)
        self._probe = np.zeros((1, predictor.schema.feature_count), dtype=np.float32)
        self._routes = {
            b"/ping": (b"GET", self._ping),
            b"/execution-parameters": (b"GET", self._execution_parameters),
            b"/invocations": (b"POST", self._invocations),
        }

    @staticmethod
    def takes_long(request: Request) -> bool:
        """Whether other clients would notice that it is worked on."""
        return len(request.body) >= _LONG_FROM_BYTES or _is_parquet(request.content_type)

    def respond(self, request: Request) -> Response:
        """The response to any request. Nothing is raised: what goes wrong is logged, and answered with 500."""
        try:
            return self._route(request)
        except RejectedRequest as rejection:
            return Response(rejection.status, rejection.reason.encode())
        except Exception as fault:  # noqa: BLE001 - whatever it is, the worker and its other clients go on
            self._log.fault("request failed", fault)
            return Response(HTTPStatus.INTERNAL_SERVER_ERROR, b"the server failed; its log says where")

    def _route(self, request: Request) -> Response:
        path = request.target
        if path not in self._routes:
            path = _path(request.target)
        if path not in self._routes:
            paths = b", ".join(self._routes).decode()
            raise RejectedRequest(HTTPStatus.NOT_FOUND, f"no such path; there are {paths}")
        method, handle = self._routes[path]
        if request.method != method:
            reason = b"%b takes %b" % (path, method)
            return Response(HTTPStatus.METHOD_NOT_ALLOWED, reason, fields=b"allow: %b\r\n" % method)
        return handle(request)

    def _ping(self, _request: Request) -> Response:
        try:
            self._answers.write(self._probe, AnswerForm(CSV))
        except Exception as fault:  # noqa: BLE001 - whatever it is: a model that cannot answer is not healthy
            self._log.fault("the model does not answer", fault)
            return Response(HTTPStatus.SERVICE_UNAVAILABLE, b"the model does not answer; the log says why")
        return Response(HTTPStatus.OK)

    def _execution_parameters(self, _request: Request) -> Response:
        parameters = {
            "MaxConcurrentTransforms": 1,
            "BatchStrategy": "MULTI_RECORD",
            "MaxPayloadInMB": MAXIMUM_BODY_BYTES // 1024**2,
        }
        return Response(HTTPStatus.OK, json.dumps(parameters).encode(), JSON)

    def _invocations(self, request: Request) -> Response:
        form = choose_answer_form(request.accept)
        if request.content_encoding not in (None, b"identity"):
            reason = "a body with a content-encoding is not supported; send it as it is"
            raise RejectedRequest(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, reason)
        if content_media(request.content_type) == CSV and not form.probabilities:
            answer = self._answers.write_plain(request.body, form.media)
            if answer is not None:
                return Response(_OK, answer, form.media)
        rows = self._rows.read(request.body, request.content_type)
        return Response(HTTPStatus.OK, self._answers.write(rows, form), form.media)


@lru_cache(maxsize=256)
def _is_parquet(content_type: bytes | None) -> bool:
    return b"parquet" in (content_type or b"").lower()


def _path(target: bytes) -> bytes:
    """The path in a target that has more, or is a whole URL; the target itself when it is no URL at all."""
    try:
        return bytes(httptools.parse_url(target).path or b"")
    except httptools.HttpParserInvalidURLError:
        return target
