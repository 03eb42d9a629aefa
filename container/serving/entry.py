"""Starts the server: the model first, the socket after, so that nothing connects to what cannot answer."""

import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from types import FrameType
from typing import Final

import uvicorn

from container.layout import Layout
from container.predictor import UnreadableModel, load_predictor
from container.serving.application import Application

# SageMaker kills a container 30 seconds after its SIGTERM.
_GRACEFUL_SECONDS: Final = 25
# Longer than SageMaker's 60-second limit of a request, so that the server is never the first to close a connection in
# use; uvicorn's own 5 seconds race with a client that reuses one.
_KEEP_ALIVE_SECONDS: Final = 75


class InvalidBinding(ValueError):
    """The environment names no usable port."""


@dataclass(frozen=True)
class Binding:
    """Where the server listens."""

    host: str
    port: int

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Binding":
        """SERVE_HOST (default: all addresses, as SageMaker needs in a container), SAGEMAKER_BIND_TO_PORT (8080).

        Raises:
            InvalidBinding: the port is no number from 1 to 65535.
        """
        text = environment.get("SAGEMAKER_BIND_TO_PORT") or "8080"
        if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= 65_535):
            raise InvalidBinding(f"SAGEMAKER_BIND_TO_PORT is {text!r}, not a port from 1 to 65535")
        return cls(environment.get("SERVE_HOST") or "0.0.0.0", int(text))  # noqa: S104 - SageMaker connects from outside


def serve(layout: Layout, environment: Mapping[str, str]) -> int:
    """Serve the model in `layout.model` until SIGTERM, then finish what has begun; the result is the exit code."""
    try:
        binding = Binding.from_environment(environment)
        predictor = load_predictor(layout.model)
    except (InvalidBinding, UnreadableModel) as fault:
        print(f"cannot serve: {fault}", file=sys.stderr, flush=True)
        return 1
    # uvicorn stops gracefully, then raises the signal again for whoever handled it before.
    for stop in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop, _exit)
    # Without a first line nobody knows whether an endpoint's silent log is a broken one.
    schema = predictor.schema
    answers = f"{len(schema.classes)} classes" if schema.classes else "a number as its answer"
    print(f"loaded a model of {schema.feature_count} features and {answers}", flush=True)
    uvicorn.Server(_configuration(Application(predictor), binding)).run()
    return 0


def _configuration(application: Application, binding: Binding) -> uvicorn.Config:
    """Takes uvloop and httptools when they are installed."""
    return uvicorn.Config(
        application,
        host=binding.host,
        port=binding.port,
        lifespan="off",
        ws="none",
        access_log=False,
        log_level="warning",
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_GRACEFUL_SECONDS,
    )


def _exit(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(0)
