"""Puts the embedded cloud together and runs it: one process, one port, stopped cleanly by SIGTERM or SIGINT."""

import asyncio
import contextlib
import logging
import os
import resource
import signal
import socket
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from local import bootstrap, compat, occupancy
from local.clock import Clock
from local.configuration import Configuration
from local.context import Cloud
from local.faults.orders import read_file
from local.gateway import environment
from local.gateway.decisions import DecisionLog

if TYPE_CHECKING:
    from local.gateway.protocol import Backend

# Idle keep-alive connections count as open, so every stop with a client around takes this long.
_GRACE_SECONDS = 0.5
_KEEP_ALIVE_SECONDS = 75
_DESCRIPTORS = 16_384
_log = logging.getLogger(__name__)

Application = Callable[..., Awaitable[None]]


def run(configuration: Configuration, say: Callable[[str], None]) -> None:
    """Serve until a signal arrives. Raises occupancy.Occupied or compat.Incompatible before anything is changed."""
    started = time.monotonic()
    listener = occupancy.claim_port(configuration)
    state_lock = None
    if configuration.state_dir is not None:
        state_lock = occupancy.claim_state(configuration.state_dir, configuration.port)
    for line in _introduction(configuration):
        say(line)
    _allow_many_connections()
    environment.apply(configuration, os.environ)
    compat.check()
    cloud = _cloud(configuration)
    if configuration.faults_file is not None:
        for order in read_file(configuration.faults_file):
            cloud.faults.add(order.fault, pass_first=order.pass_first, hits=order.hits)
    ready = threading.Event()
    application = _assemble(cloud, ready)
    loop = asyncio.new_event_loop()
    # Not asyncio.run: at its end that waits for threads, and one may wait an hour for a custom resource's answer.
    loop.run_until_complete(_serve(application, listener, cloud, _Opening(cloud, ready, say, started)))
    if state_lock is not None:
        state_lock.close()
    say("Stopped.")


def _allow_many_connections() -> None:
    """Idle connections of many clients must not keep the next one out: systems begin with 256 or 1024 descriptors."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _introduction(configuration: Configuration) -> list[str]:
    kept = str(configuration.state_dir) if configuration.state_dir else "nothing (set STATE_DIR to keep it)"
    return [
        f"Embedded cloud: region {configuration.region}, account {configuration.account}, loopback only, IAM on.",
        f"  keeps: {kept}",
        f"  runs containers as: {configuration.runtime}    time factor: {configuration.time_factor:g}",
    ]


def _cloud(configuration: Configuration) -> Cloud:
    from local.journal.time_keeping import restored_clock

    cloud = Cloud(configuration, Clock(configuration.time_factor))
    if configuration.state_dir is None:
        return cloud
    clock, keep = restored_clock(configuration.state_dir, configuration.time_factor)
    cloud = Cloud(configuration, clock)
    cloud.on_ready.append(keep.start)
    cloud.on_stop.append(keep.stop)
    return cloud


def _assemble(cloud: Cloud, ready: threading.Event) -> Application:
    """Install every part in order; the last one installed sees a complete cloud."""
    from local import cloudformation, cloudwatch, codepipeline, quotas, sagemaker, stepfunctions
    from local.gateway import (
        authorization,
        entrance,
        events,
        function_urls,
        functions,
        loading,
        mails,
        object_events,
        routing,
    )
    from local.journal import control_plane

    loading.import_late()
    decisions = DecisionLog(file=cloud.configuration.decisions_file)
    backends: dict[str, Backend] = {}
    authorization.install(cloud.clock, decisions, backends)
    functions.install(cloud)
    function_urls.install(cloud)
    object_events.install(cloud.clock)
    mails.install(cloud.clock)
    events.install(cloud)
    cloudformation.install(cloud)
    control_plane.install(cloud)
    cloudwatch.install(cloud)
    backends["states"] = stepfunctions.install(cloud)
    backends.update(sagemaker.install(cloud))
    backends.update(codepipeline.install(cloud))
    backends.update(quotas.install(cloud))
    routing.install(backends)
    return entrance.application(cloud, decisions, ready)


async def _serve(
    application: Application,
    listener: socket.socket,
    cloud: Cloud,
    opening: "_Opening",
) -> None:
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.keep_alive_timeout = _KEEP_ALIVE_SECONDS
    config.graceful_timeout = _GRACE_SECONDS
    config.loglevel = os.environ["LOG_LEVEL"]
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)

    async def stop() -> None:
        await stopping.wait()
        opening.say("Stopping …")
        await asyncio.to_thread(_stop_parts, cloud)

    opened = asyncio.create_task(opening.follow())
    try:
        await serve(application, config, shutdown_trigger=stop)
    finally:
        opened.cancel()


class _Opening:
    """From the first answer to "ready": parts resume their work, the bootstrap stack comes up."""

    def __init__(self, cloud: Cloud, ready: threading.Event, say: Callable[[str], None], started: float) -> None:
        self.say = say
        self._cloud = cloud
        self._ready = ready
        self._started = started

    async def follow(self) -> None:
        """Announce that the cloud is ready when it is."""
        await _answers(self._cloud.configuration.port)
        threading.Thread(target=self._start_parts, name="start-parts", daemon=True).start()
        try:
            if await asyncio.to_thread(bootstrap.deploy, self._cloud):
                self.say(f"  deployed {bootstrap.STACK}")
        except bootstrap.BootstrapFailed as fault:
            self.say(f"  the CDK's bootstrap stack is missing, so `cdk deploy` will not work: {fault}")
        self._ready.set()
        self.say(f"Ready in {time.monotonic() - self._started:.1f} s: {self._cloud.configuration.endpoint}")

    def _start_parts(self) -> None:
        for start in self._cloud.on_ready:
            try:
                start()
            except Exception:
                _log.exception("A part of the cloud did not resume")


async def _answers(port: int) -> None:
    while True:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET /_cloud/health HTTP/1.0\r\nHost: localhost\r\n\r\n")
            answer = await reader.read(64)
            writer.close()
            if answer.startswith(b"HTTP/1."):
                return
        except OSError:
            pass
        await asyncio.sleep(0.01)


def _stop_parts(cloud: Cloud) -> None:
    # The emulator stops its SFTP server at its end, and imports it (half a second) if nobody has.
    sys.modules.setdefault("ministack.services.transfer", None)  # type: ignore[arg-type]
    for stop in reversed(cloud.on_stop):
        try:
            stop()
        except Exception:
            _log.exception("A part of the cloud did not stop cleanly")


def announce(line: str) -> None:
    """Print a line at once, also when the output is a file or a pipe; nobody listening is no reason to end."""
    with contextlib.suppress(OSError, ValueError):
        print(line, flush=True, file=sys.stdout)
