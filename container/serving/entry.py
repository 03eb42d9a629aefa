"""Starts the server: the model first, the socket after, so that nothing connects to what cannot answer."""

import os
import resource
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import uvloop

from container.layout import Layout
from container.native.library import LibraryMissing
from container.predictor import UnreadableModel, load_predictor
from container.serving.application import Application
from container.serving.cores import usable_cores
from container.serving.log import Log
from container.serving.memory import keep_freed_memory
from container.serving.supervisor import Supervisor
from container.serving.worker import Worker

_BACKLOG: Final = 1024
# Descriptors of a process for all that is no connection.
_SPARE_DESCRIPTORS: Final = 64
_MOST_CONNECTIONS: Final = 4096


class InvalidSetting(ValueError):
    """A variable of the environment says what cannot be done."""


@dataclass(frozen=True)
class Settings:
    """Where the server listens, and with how many workers."""

    host: str
    port: int
    workers: int
    user: int | None = None
    """Whom the server becomes once it has the model and the port; None: nobody else."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """SERVE_HOST (default: all addresses, as SageMaker needs in a container), SAGEMAKER_BIND_TO_PORT (8080),
        SAGEMAKER_MODEL_SERVER_WORKERS (one for each core that the process may use), SERVE_USER (whoever it is).

        Raises:
            InvalidSetting: no port from 1 to 65535, no number of workers from 1 to 256, or no user's number.
        """
        return cls(
            environment.get("SERVE_HOST") or "0.0.0.0",  # noqa: S104 - SageMaker connects from outside
            _number(environment, "SAGEMAKER_BIND_TO_PORT", 8080, 65_535, "a port"),
            _number(environment, "SAGEMAKER_MODEL_SERVER_WORKERS", usable_cores(), 256, "a number"),
            _number(environment, "SERVE_USER", 1, 2**31 - 1, "a user's number")
            if environment.get("SERVE_USER")
            else None,
        )


def serve(layout: Layout, environment: Mapping[str, str]) -> int:
    """Serve the model in `layout.model` until SIGTERM, then finish what has begun; the result is the exit code."""
    log = Log()
    keep_freed_memory()
    try:
        settings = Settings.from_environment(environment)
        predictor = load_predictor(layout.model)
        listener = socket.create_server((settings.host, settings.port), backlog=_BACKLOG)
    except (InvalidSetting, UnreadableModel, LibraryMissing, OSError) as fault:
        print(f"cannot serve: {fault}", file=sys.stderr, flush=True)
        return 1
    _give_up_root(settings.user, log)
    application = Application(predictor, log)
    most_connections = _most_connections()

    def work(channel: socket.socket) -> None:
        loop = uvloop.new_event_loop()
        Worker(application, channel, loop, most_connections, log).run()

    # Without a first line nobody knows whether an endpoint's silent log is a broken one.
    schema = predictor.schema
    log.write(
        "INFO",
        "serving",
        features=schema.feature_count,
        task=schema.task,
        classes=len(schema.classes),
        port=settings.port,
        workers=settings.workers,
    )
    return Supervisor(listener, settings.workers, work, log).run()


def _give_up_root(user: int | None, log: Log) -> None:
    """For good. A container without the right to do so has hardly another right of root's, and serves as it is."""
    if user is None or os.getuid() != 0:
        return
    try:
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)
    except PermissionError:
        log.write("WARNING", "serving as root", reason=f"the container has no right to become user {user}")


def _number(environment: Mapping[str, str], name: str, default: int, most: int, what: str) -> int:
    text = environment.get(name) or str(default)
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= most):
        raise InvalidSetting(f"{name} is {text!r}, not {what} from 1 to {most}")
    return int(text)


def _most_connections() -> int:
    """As many as the process may have descriptors for; it takes what it may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard not in (soft, resource.RLIM_INFINITY):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        soft = hard
    return max(1, min(_MOST_CONNECTIONS, soft - _SPARE_DESCRIPTORS))
