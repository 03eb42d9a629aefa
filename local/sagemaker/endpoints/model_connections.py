"""Talks HTTP to one serving process over connections that are kept."""

import http
import http.client
import selectors
import threading
from collections.abc import Mapping
from dataclasses import dataclass

# "Your model containers must respond to requests within 60 seconds":
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
# Real seconds, whatever the cloud's time factor: a model does not compute faster because time is compressed.
INVOCATION_SECONDS = 60.0
# "The request timeout on /ping attempts is 2 seconds", same chapter on inference containers. Real seconds, too.
_PING_SECONDS = 2.0


class ModelSilent(Exception):
    """The container did not answer in time."""


class ModelGone(Exception):
    """The container closed the connection before it had answered."""


class ModelUnreachable(ModelGone):
    """Nobody listens: the request did not reach the container, and may be given to another."""


@dataclass(frozen=True)
class ModelAnswer:
    """What the container answered."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


class ModelConnections:
    """A pool for one port on the loopback interface. Safe for threads."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._lock = threading.Lock()
        self._idle: list[http.client.HTTPConnection] = []

    def invoke(self, body: bytes, headers: Mapping[str, str]) -> ModelAnswer:
        """POST /invocations. Raises ModelSilent, ModelGone, ModelUnreachable."""
        while (kept := self._take_idle()) is not None:
            if not _was_closed(kept):
                return self._exchange(kept, body, headers)
            kept.close()
        return self._exchange(self._connection(INVOCATION_SECONDS), body, headers)

    def is_healthy(self) -> bool:
        """Whether GET /ping answers 200."""
        connection = self._connection(_PING_SECONDS)
        try:
            connection.request("GET", "/ping")
            response = connection.getresponse()
            response.read()
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
        return response.status == http.HTTPStatus.OK

    def close(self) -> None:
        """Those that are idle."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _exchange(self, connection: http.client.HTTPConnection, body: bytes, headers: Mapping[str, str]) -> ModelAnswer:
        try:
            connection.request("POST", "/invocations", body, dict(headers))
            response = connection.getresponse()
            content = response.read()
        except ConnectionRefusedError as fault:
            raise ModelUnreachable(str(fault)) from fault
        except TimeoutError as fault:
            connection.close()
            raise ModelSilent from fault
        except (OSError, http.client.HTTPException) as fault:
            connection.close()
            raise ModelGone(str(fault)) from fault
        if not response.will_close:
            with self._lock:
                self._idle.append(connection)
        return ModelAnswer(response.status, {name.lower(): value for name, value in response.getheaders()}, content)

    def _take_idle(self) -> http.client.HTTPConnection | None:
        with self._lock:
            return self._idle.pop() if self._idle else None

    def _connection(self, timeout_seconds: float) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self._port, timeout=timeout_seconds)


def _was_closed(connection: http.client.HTTPConnection) -> bool:
    """Whether the container has closed a connection that was kept: only its end can be read from an idle one.

    Looked at before a request is sent rather than repaired afterwards: a request that ended a container must not be
    sent to the next one.
    """
    with selectors.DefaultSelector() as selector:
        selector.register(connection.sock, selectors.EVENT_READ)
        return bool(selector.select(0))
