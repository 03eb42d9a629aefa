"""A front door for tests: real boto3 clients whose requests are answered inside the process.

Requests are built and answers parsed as on the wire; only the network is missing.
"""

import io
import json
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.awsrequest import AWSResponse
from botocore.config import Config

from local.gateway.protocol import Request

ACCOUNT, REGION = "123456789012", "us-east-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/machine"


@dataclass
class Answer:
    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, document: Any) -> "Answer":
        return cls(body=json.dumps(document).encode())

    @classmethod
    def error(cls, code: str, message: str, status: int = 400) -> "Answer":
        return cls(status, json.dumps({"__type": code, "message": message}).encode(), {"x-amzn-errortype": code})


@dataclass(frozen=True)
class Call:
    service: str
    operation: str
    parameters: Any
    role: str


class Raw(io.BytesIO):
    def stream(self, *_: object, **__: object) -> Any:
        yield self.read()


class FrontDoor:
    """Answers by (service, operation); whatever is not answered fails as on a closed door."""

    def __init__(self) -> None:
        self.answers: dict[tuple[str, str], Callable[[Any], Answer]] = {}
        self.calls: list[Call] = []
        self.backend: Any = None
        self._clients: dict[tuple[str, str], Any] = {}
        self._lock = threading.Lock()

    def on(self, service: str, operation: str, answer: Callable[[Any], Answer] | Answer) -> None:
        self.answers[service, operation] = answer if callable(answer) else lambda _: answer

    def on_lambda(self, name: str, function: Callable[[Any], Any]) -> None:
        def invoke(payload: Any) -> Answer:
            try:
                return Answer.of(function(payload))
            except Exception as fault:
                body = {"errorType": type(fault).__name__, "errorMessage": str(fault)}
                return Answer(200, json.dumps(body).encode(), {"x-amz-function-error": "Unhandled"})

        self.answers["lambda", name] = invoke

    def called(self, service: str, operation: str | None = None) -> list[Call]:
        with self._lock:
            return [c for c in self.calls if c.service == service and operation in (None, c.operation)]

    def clients_for(self, machine_arn: str) -> Callable[[str, str, str], Any]:
        return lambda service, region, role: self.client(service, role)

    def client(self, service: str, role: str = "") -> Any:
        with self._lock:
            if (service, role) not in self._clients:
                self._clients[service, role] = self._made(service, role)
            return self._clients[service, role]

    def _made(self, service: str, role: str) -> Any:
        client = boto3.client(
            service,
            region_name=REGION,
            endpoint_url="http://front-door.invalid",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(
                parameter_validation=False,
                inject_host_prefix=False,
                retries={"total_max_attempts": 1},
                s3={"addressing_style": "path"},
            ),
        )
        client.meta.events.register(
            "before-send", lambda request, event_name, **_: self._send(service, role, request, event_name)
        )
        return client

    def _send(self, service: str, role: str, request: Any, event_name: str) -> AWSResponse:
        operation = event_name.rpartition(".")[2]
        answer = self._answer(service, operation, role, request)
        headers = {"content-type": "application/x-amz-json-1.0", "x-amzn-requestid": str(uuid.uuid4())} | answer.headers
        return AWSResponse(request.url, answer.status, headers, Raw(answer.body))

    def _answer(self, service: str, operation: str, role: str, request: Any) -> Answer:
        body = request.body.read() if hasattr(request.body, "read") else request.body or b""
        body = body.encode() if isinstance(body, str) else body
        if service == "stepfunctions" and self.backend is not None:
            headers = {"x-amz-target": f"AWSStepFunctions.{operation}"}
            answer = self.backend.handle(Request("POST", "/", headers, body, {}, REGION, ACCOUNT))
            return Answer(answer.status, answer.body, dict(answer.headers))
        if service == "lambda":
            operation = request.url.split("/functions/")[1].split("/")[0]
        try:
            parameters = json.loads(body)
        except ValueError:
            parameters = {"url": request.url, "body": body.decode(errors="replace")}
        with self._lock:
            self.calls.append(Call(service, operation, parameters, role))
        answer = self.answers.get((service, operation))
        if answer is None:
            return Answer.error("AccessDeniedException", f"no answer for {service}:{operation}", 403)
        return answer(parameters)
