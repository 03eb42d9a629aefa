"""How the front door hands a request to a back end that is not one of the emulator's own services."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class Request:
    """One AWS API call, after authentication and authorisation.

    ``headers`` have lower-case names. ``query`` maps a name to its values, in order. ``principal`` is the caller's ARN
    ("" when the front door does not know it).
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    query: Mapping[str, list[str]]
    region: str
    account: str
    principal: str = ""

    @property
    def operation(self) -> str:
        """The operation of a JSON-RPC call, such as ``CreateTrainingJob``; "" for a REST call."""
        return self.headers.get("x-amz-target", "").rpartition(".")[2]


@dataclass(frozen=True)
class Response:
    """The answer; the front door adds a request id when the headers carry none."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class Backend(Protocol):
    """A service of the embedded cloud."""

    def handle(self, request: Request) -> Response:
        """Answer one call. Called on a worker thread, so it may block and may call other services."""
        ...
