"""What the functions' tests share: a made-up account, the environment they are deployed with, mocked AWS."""

import importlib
import io
import json
import os
import threading
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from moto import mock_aws
from moto.dynamodb.responses import DynamoHandler
from moto.kms import models as kms_models

from tests.functions.approvals import Approvals

EVENTS = Path(__file__).parents[1] / "events"

# Set before a handler is imported: handlers read their environment and make their clients once, at cold start.
ENVIRONMENT = {
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_EC2_METADATA_DISABLED": "true",
    "APPROVALS_TABLE": "mlops-approvals",
    "LEDGER_TABLE": "mlops-ledger",
    "MODELS_PREFIX": "/mlops/models/",
    "DEPLOYMENT_ROLE_ARN": "arn:aws:iam::123456789012:role/deployment",
    "AUDIT_TABLE": "mlops-audit",
    "TOKEN_KEY_ID": "alias/token",
    "SIGNING_KEYS": "1=alias/signing-1 3=alias/signing-3",
    "HOSTING_PRICES": '{"ml.c5.large": 0.102}',
    "MAIL_SENDER": "mlops@example.com",
    "PAGE_URL": "http://localhost/page/",
    "OPERATORS": "mlops-operators@example.com, more-operators@example.com",
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


# The mock makes an RSA key for every KMS key, whatever its kind, which would be most of these tests' time.
_one_private_key = cache(kms_models.generate_private_key)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty mocked account."""
    monkeypatch.setattr(kms_models, "generate_private_key", _one_private_key)
    with mock_aws():
        yield


@pytest.fixture
def writes_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """DynamoDB applies conditional writes to an item one after the other; the mock would mix them.

    Whole requests: an item that is read is put into the answer as it is then, not as it was.
    """
    lock, answer = threading.RLock(), DynamoHandler.call_action

    def call_action(handler: DynamoHandler) -> Any:
        with lock:
            return answer(handler)

    monkeypatch.setattr(DynamoHandler, "call_action", call_action)


@pytest.fixture
def log() -> io.StringIO:
    """Everything that the functions started with `handler_of` have logged."""
    return io.StringIO()


@pytest.fixture
def handler_of(aws: None, log: io.StringIO) -> Callable[[str], ModuleType]:
    """A function's handler module. It is started once, as on Lambda; the mocked account is empty for every test."""

    def start(verb: str) -> ModuleType:
        module = importlib.import_module(f"functions.{verb}.handler")
        for handler in module.logger.handlers:
            handler.setStream(log)
        return module

    return start


@pytest.fixture
def lambda_context() -> SimpleNamespace:
    """What the runtime hands over beside the event."""
    return SimpleNamespace(
        function_name="function",
        memory_limit_in_mb=256,
        invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:function",
        aws_request_id="52fdfc07-2182-454f-963f-5f0f9a621d72",
        get_remaining_time_in_millis=lambda: 30_000,
    )


@pytest.fixture
def event() -> Callable[..., dict[str, Any]]:
    """A recorded event, with some of its fields replaced."""

    def read(name: str, **replaced: Any) -> dict[str, Any]:
        return {**json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8")), **replaced}

    return read


@pytest.fixture(scope="session", autouse=True)
def home_is_quiet() -> Iterator[None]:
    """No configuration of the machine's own reaches botocore."""
    before = {name: os.environ.get(name) for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE")}
    os.environ.update(dict.fromkeys(before, os.devnull))
    yield
    for name, value in before.items():
        if value is None:
            del os.environ[name]
        else:
            os.environ[name] = value


@pytest.fixture
def approvals(
    handler_of: Callable[[str], ModuleType], lambda_context: SimpleNamespace, event: Callable[..., dict[str, Any]]
) -> Iterator[Approvals]:
    """Both approval functions, deployed; nobody was asked yet."""
    with Approvals.open(handler_of, lambda_context, event) as approvals:
        yield approvals
