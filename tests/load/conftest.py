"""An endpoint that behaves as a test wants it to."""

import boto3
import pytest

from load.endpoint import Endpoint, Question
from tests.load.stub import KEY, REGION, SECRET, Stub


class StubSession(boto3.Session):
    """Calls one address, whatever the environment says."""

    def __init__(self, url: str, token: str | None = None) -> None:
        super().__init__(KEY, SECRET, token, REGION)
        self._url = url

    def client(self, service_name, **options):
        return super().client(service_name, **{"endpoint_url": self._url, **options})


@pytest.fixture
def stub():
    with Stub() as stub:
        yield stub


@pytest.fixture
def endpoint(stub):
    """The endpoint with questions, or one whose answer is 1."""

    def made(*questions: Question, token: str | None = None) -> Endpoint:
        return Endpoint.of(StubSession(stub.url, token), "iris", questions or (Question("4.6,3.1", "1"),))

    return made
